"""Client of the transit engine of HashiCorp Vault or OpenBao; the only user of httpx2 here."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Generic, TypeVar

import httpx2
import msgspec
from msgspec import Meta, Struct

from app.private_files import PrivateFileError, read_private_file
from app.secrets.errors import KeyringError, KeyringUnavailableError
from app.secrets.secret import Secret

REQUEST_TIMEOUT = 5.0  # seconds for a whole response
EMPTY = Secret(b"")
MAX_RESPONSE = 1 << 20  # bytes of a response; a key with thousands of versions has less
MAX_TOKEN_BYTES = 1 << 14
KEY_ADDRESS = re.compile(
    r"vault\+(?P<base>(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?"
    r"/v1)/(?P<mount>[A-Za-z0-9_./-]+)/keys/(?P<name>[A-Za-z0-9_.-]+)"
)
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")


class VaultUnavailableError(KeyringUnavailableError):
    """The KMS did not execute the request, and nothing is known of the key; one line."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(
            f"The keyring {where} does not answer ({reason}): check that Vault runs, is unsealed"
            " and accepts the token in INTEGRATIONS_VAULT_TOKEN_FILE."
        )


class TransitKey(Struct, frozen=True):
    """The address of a key: the API's URL up to `/v1`, the engine's mount, the key's name."""

    base: str
    mount: str
    name: str

    @property
    def id_prefix(self) -> str:
        """The prefix of the ids of the key's versions."""
        return f"vault:{self.mount}/{self.name}"


def parse_key_address(address: str) -> TransitKey:
    """Return the key at *address*, such as `vault+https://vault.example:8200/v1/transit/keys/k`.

    Raises:
        KeyringError: it is no such address, or leads to another machine without TLS.
    """
    found = KEY_ADDRESS.fullmatch(address)
    # Without TLS only to an agent on this machine: the request holds a token and a key.
    if found is None or (found["scheme"] == "http" and found["host"] not in LOOPBACK_HOSTS):
        problem = "is no address of a key in Vault"
        remedy = "write INTEGRATIONS_KEYRING as vault+https://HOST:PORT/v1/MOUNT/keys/NAME"
        raise KeyringError(problem, remedy)
    return TransitKey(found["base"], found["mount"], found["name"])


class VaultResponse(Struct, frozen=True):
    """A response; its content may hold a key."""

    status: int
    content: bytes

    def __repr__(self) -> str:
        return f"VaultResponse({self.status}, …)"


class VaultTransitClient:
    """Sends requests for one key, with the current token in *token_file*.

    The environment has no effect, not its proxies nor `.netrc`; only OpenSSL's SSL_CERT_FILE has,
    for a private certificate authority. No redirect is followed: it would get the token.
    """

    def __init__(self, key: TransitKey, token_file: Path) -> None:
        self.key = key
        self._token_file = token_file
        self._client = httpx2.AsyncClient(
            verify=ssl.create_default_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=REQUEST_TIMEOUT,
        )

    async def request(self, method: str, path: str, body: Secret = EMPTY) -> VaultResponse:
        """Return the response to *method* on *path*, which comes after the mount.

        Raises:
            VaultUnavailableError: there is no complete response within 5 s. The library's own
                errors are dropped, because they may repeat the request.
        """
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT):
                return await self._send(method, f"{self.key.base}/{self.key.mount}/{path}", body)
        except PrivateFileError:
            reason = "its token file cannot be read, or others can read it"
        except TimeoutError:
            reason = f"no response within {REQUEST_TIMEOUT:g} s"
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            reason = type(error).__name__
        raise VaultUnavailableError(self.key.id_prefix, reason)

    async def _send(self, method: str, url: str, body: Secret) -> VaultResponse:
        headers = {
            "X-Vault-Token": self._read_token(),
            "X-Vault-Request": "true",
            "Accept-Encoding": "identity",
        }
        content = body.reveal()
        received = bytearray()
        async with self._client.stream(method, url, headers=headers, content=content) as response:
            async for part in response.aiter_raw():
                received += part
                if len(received) > MAX_RESPONSE:
                    raise ValueError
        return VaultResponse(response.status_code, bytes(received))

    def _read_token(self) -> str:
        return read_private_file(self._token_file, MAX_TOKEN_BYTES).decode("ascii").strip()

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


T = TypeVar("T")
UnixTime = Annotated[int, Meta(ge=0, le=253_402_300_799)]  # up to the year 9999


class Data(Struct, Generic[T]):
    """Every response of Vault has its content in `data`."""

    data: T


class Encrypted(Struct):
    """The result of encryption: `vault:v`, the key's version, `:`, base64."""

    ciphertext: str


class Authenticated(Struct):
    """A MAC: `vault:v`, the version of the key, `:`, base64."""

    hmac: str


class Decrypted(Struct):
    """The result of decryption, in base64."""

    plaintext: str

    def __repr__(self) -> str:
        return "Decrypted(…)"


class KeyStatus(Struct):
    """The versions of a key with their Unix times, and which may be used."""

    keys: Mapping[int, UnixTime]
    latest_version: int
    min_decryption_version: int


def encode_json(**fields: str | int) -> Secret:
    """Return *fields* as JSON; one of them may be a key."""
    return Secret(msgspec.json.encode(fields))
