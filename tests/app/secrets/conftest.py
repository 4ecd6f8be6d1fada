"""Keyrings of each kind, and a KMS that speaks the API of Vault's transit engine."""

import hmac
import json
import os
import traceback
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.secrets.keyring import ManagedKeyring
from app.secrets.keyring_file import FileKeyring, new_kek, open_file_keyring
from app.secrets.reloading_keyring import ReloadingKeyring
from app.secrets.vault_keyring import VaultKeyring


@pytest.fixture(scope="session")
def keyring() -> FileKeyring:
    """A keyring that never was a file."""
    return FileKeyring([new_kek(epoch=1)])


@pytest.fixture(scope="session")
def told_in_full() -> Callable[[BaseException], str]:
    """All that an error reporter could say of an error: causes and every frame's variables."""

    def told(error: BaseException) -> str:
        report = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(report.format())

    return told


class Transit(ThreadingHTTPServer):
    """Vault's transit engine with one key, `payments` at `kms/transit`; real AES-256-GCM inside.

    `says`, where it is set, is what every request gets instead: status and body.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), TransitHandler)
        self.versions = {1: AESGCM.generate_key(256)}
        self.lowest = 1
        self.token = "s.the-token"  # noqa: S105 — of a server that ends with the test
        self.says: tuple[int, bytes] | None = None
        self.silence = Event()
        self.silence.set()
        self.decryption_failure = 400
        self.heard: list[tuple[str, str]] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that leave."""

    @property
    def address(self) -> str:
        """What stands in INTEGRATIONS_KEYRING."""
        return f"vault+http://127.0.0.1:{self.server_port}/v1/kms/transit/keys/payments"

    def answer(self, operation: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Return status and data of *operation*, an error's text where it is refused."""
        match operation:
            case "GET keys/payments":
                return 200, self.status()
            case "POST encrypt/payments":
                return 200, self.encrypted(body)
            case "POST decrypt/payments":
                return self.decrypted(body)
            case "POST hmac/payments":
                return self.authenticated(body)
            case _:
                return self.changed(operation, body)

    def changed(self, operation: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Change the key, and answer without content."""
        match operation:
            case "POST keys/payments/rotate":
                self.versions[max(self.versions) + 1] = AESGCM.generate_key(256)
            case "POST keys/payments/config":
                self.lowest = int(body["min_decryption_version"])
            case "POST keys/payments/trim":
                for version in [v for v in self.versions if v < body["min_available_version"]]:
                    del self.versions[version]
            case _:
                return 404, []
        return 204, None

    def status(self) -> dict[str, Any]:
        usable = [version for version in self.versions if version >= self.lowest]
        return {
            "name": "payments",
            "type": "aes256-gcm96",
            "keys": {str(version): 1_700_000_000 + version for version in usable},
            "latest_version": max(self.versions),
            "min_decryption_version": self.lowest,
            "min_encryption_version": 0,
        }

    def encrypted(self, body: dict[str, Any]) -> dict[str, Any]:
        version, nonce = max(self.versions), os.urandom(12)
        plaintext, aad = b64decode(body["plaintext"]), b64decode(body["associated_data"])
        sealed = nonce + AESGCM(self.versions[version]).encrypt(nonce, plaintext, aad)
        return {"ciphertext": f"vault:v{version}:{b64encode(sealed).decode()}"}

    def authenticated(self, body: dict[str, Any]) -> tuple[int, Any]:
        version = body["key_version"] or max(self.versions)
        if not self.lowest <= version <= max(self.versions):
            return 400, ["cannot generate HMAC: version is disallowed"]
        tag = hmac.digest(self.versions[version], b64decode(body["input"]), "sha256")
        return 200, {"hmac": f"vault:v{version}:{b64encode(tag).decode()}"}

    def decrypted(self, body: dict[str, Any]) -> tuple[int, Any]:
        _, version, sealed = body["ciphertext"].split(":")
        number, aad = int(version[1:]), b64decode(body["associated_data"])
        if number > max(self.versions):
            return 400, ["invalid ciphertext: version is too new"]
        if number < self.lowest:
            return 400, ["ciphertext or signature version is disallowed by policy (too old)"]
        try:
            raw = b64decode(sealed)
            plaintext = AESGCM(self.versions[number]).decrypt(raw[:12], raw[12:], aad)
        except (InvalidTag, ValueError):
            return self.decryption_failure, ["cipher: message authentication failed"]
        return 200, {"plaintext": b64encode(plaintext).decode()}


class TransitHandler(BaseHTTPRequestHandler):
    server: Transit  # pyright: ignore[reportIncompatibleVariableOverride] — it serves no other
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.silence.wait(30)
        length = int(self.headers.get("Content-Length", "0"))
        body = json.loads(self.rfile.read(length) or b"{}")
        operation = f"{self.command} {self.path.removeprefix('/v1/kms/transit/')}"
        token = self.headers["X-Vault-Token"]
        self.server.heard.append((operation, token))
        if self.server.says:
            self.reply(*self.server.says)
        elif token != self.server.token:
            self.reply(403, b'{"errors":["permission denied"]}')
        else:
            status, data = self.server.answer(operation, body)
            answer = {"errors": data} if status >= 400 else {"request_id": "1", "data": data}
            self.reply(status, b"" if data is None else json.dumps(answer).encode())

    do_POST = do_GET  # noqa: N815 — its name there

    def reply(self, status: int, content: bytes) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        if 300 <= status < 400:
            self.send_header("Location", "/v1/elsewhere")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — its name there
        """Stay silent."""


@pytest.fixture
def transit() -> Iterator[Transit]:
    """A transit engine of this test alone."""
    with Transit() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.silence.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def token_file(tmp_path: Path, transit: Transit) -> Path:
    """The file with the token that the engine takes."""
    path = tmp_path / "vault-token"
    path.touch(mode=0o600)
    path.write_text(f"{transit.token}\n")
    return path


@pytest.fixture
async def open_vault(
    transit: Transit, token_file: Path
) -> AsyncIterator[Callable[[], VaultKeyring]]:
    """Open the engine's key as a keyring, each time again."""
    async with AsyncExitStack() as opened:

        def open_one() -> VaultKeyring:
            keyring = VaultKeyring(transit.address, token_file)
            opened.push_async_callback(keyring.close)
            return keyring

        yield open_one


@pytest.fixture(params=["file", "vault"])
def open_keyring(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], ManagedKeyring]:
    """Open the same keyring again and again: each implementation of `ManagedKeyring` in turn."""
    if request.param == "vault":
        return request.getfixturevalue("open_vault")
    open_file_keyring(tmp_path / "keyring.json")
    return lambda: ReloadingKeyring(tmp_path / "keyring.json")
