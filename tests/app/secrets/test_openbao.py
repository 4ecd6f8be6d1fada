"""The keyring in a real OpenBao, with the policy that docs/keys.md shows."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from app.secrets.errors import DecryptionError, KeyringUnavailableError, UnknownKekError
from app.secrets.keyring import current_kek
from app.secrets.secret import Secret
from app.secrets.vault_keyring import VaultKeyring
from scripts.commands.keys import keys_commands
from tests.support.openbao import OpenBao
from tests.support.service import StartService

KEY = Secret(bytes(range(32)))
PATH = "/en/api/integration"
BODY = {"name": "n", "type": "SENDGRID", "channel": "EMAIL", "apiKey": "SG.first"}
FIRST, SECOND = ("vault:transit/integrations:v1", "vault:transit/integrations:v2")


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenBao]:
    """A server with the key; it can be started again in the tests that are slow."""
    is_slow = request.node.get_closest_marker("slow") is not None
    server = OpenBao(tmp_path, durable=is_slow)
    try:
        server.start()
        server.make_key()
        yield server
    finally:
        server.stop()


@pytest.fixture
def token_file(tmp_path: Path, server: OpenBao) -> Path:
    """The file with the service's token."""
    path = tmp_path / "vault-token"
    path.touch(mode=0o600)
    path.write_text(server.new_token("integrations"))
    return path


def replace_text(file: Path, text: str) -> str:
    """Write *text* to *file*; return what was there."""
    former = file.read_text()
    file.write_text(text)
    return former


async def test_a_keyring_is_used_with_the_documented_policy_and_changed_by_an_operator(
    server: OpenBao, token_file: Path
) -> None:
    keyring = VaultKeyring(server.address, token_file)
    wrapped = await keyring.wrap(KEY, b"place")
    mac = await keyring.mac(b"message")
    assert (wrapped.kek, mac.kek) == (FIRST, FIRST)
    assert await keyring.unwrap(wrapped, b"place") == KEY
    assert await keyring.mac(b"message", FIRST) == mac != await keyring.mac(b"massage")
    for changed, place in (
        (wrapped, b"elsewhere"),
        (replace(wrapped, wrapped=wrapped.wrapped[:-4] + b"AAAA"), b"place"),
    ):
        with pytest.raises(DecryptionError):
            await keyring.unwrap(changed, place)
    with pytest.raises(KeyringUnavailableError, match="status 403"):
        await keyring.rotate()

    service_token = replace_text(token_file, server.root_token)
    assert await keyring.rotate() == SECOND
    assert await keyring.unwrap(wrapped, b"place") == KEY
    assert await keyring.mac(b"message", FIRST) == mac
    await keyring.remove(FIRST)
    assert [kek.id for kek in await keyring.keks()] == [SECOND]
    assert await current_kek(keyring) == SECOND
    with pytest.raises(UnknownKekError):
        await keyring.unwrap(wrapped, b"place")
    with pytest.raises(UnknownKekError):
        await keyring.mac(b"message", FIRST)

    replace_text(token_file, service_token)
    server.call("POST", "auth/token/revoke", {"token": service_token})
    with pytest.raises(KeyringUnavailableError, match="status 403"):
        await keyring.wrap(KEY, b"place")
    replace_text(token_file, server.new_token("integrations"))
    assert (await keyring.wrap(KEY, b"place")).kek == SECOND
    await keyring.close()


@pytest.mark.slow
def test_a_service_lives_through_rotation_an_outage_and_an_expired_token(
    server: OpenBao, token_file: Path, start_service: StartService, data_dir: Path, dsn: str
) -> None:
    settings = {"keyring": server.address, "vault_token_file": str(token_file)}
    with (
        start_service(data_dir, database_url=dsn, **settings) as service,
        service.caller() as client,
    ):

        def keys(*words: str) -> Result:
            return CliRunner().invoke(keys_commands, words, env=service.environment)

        def create(key: str | None = None) -> httpx2.Response:
            return client.post(PATH, json=BODY, headers={"Idempotency-Key": key} if key else {})

        # Sealed, and opened again.
        assert create("first").status_code == 201
        assert create("first").headers["idempotency-replayed"] == "true"
        assert keys("verify").stdout.splitlines()[1].split() == [FIRST, "1", "0"]

        # Rotated, rewrapped and removed by an operator, whose token may do more.
        service_token = token_file.read_text()
        assert keys("rotate").exit_code == 1
        token_file.write_text(server.root_token)
        assert keys("rotate").stdout.startswith(f"{SECOND} is current.")
        token_file.write_text(service_token)
        assert create().status_code == 201
        assert create("first").headers["idempotency-replayed"] == "true"
        assert "Rewrapped 1 keys of secrets; 0 are under other KEKs." in keys("rewrap").stdout
        token_file.write_text(server.root_token)
        removed = keys("remove", "--yes", FIRST)
        assert removed.exit_code == 0, removed.exception
        token_file.write_text(service_token)
        assert keys("verify").stdout.splitlines()[1].split() == [SECOND, "2", "0"]

        # Away: what needs a secret is 503 and all else works; back: all works.
        server.stop()
        assert create().status_code == 503
        assert client.get(PATH).json()["result"]["totalCount"] == 2
        away = keys("verify")
        assert away.exit_code == 1
        assert "does not answer (ConnectError): check that Vault runs" in str(away.exception)
        server.start()
        assert create().status_code == 201
        assert keys("verify").exit_code == 0

        # Expired: the same, until another token is in the file; nothing is started again.
        token_file.write_text(server.new_token("integrations", ttl="1s"))
        assert create().status_code == 201
        time.sleep(2)
        assert create().status_code == 503
        assert "does not answer (status 403)" in str(keys("verify").exception)
        token_file.write_text(service_token)
        assert create().status_code == 201
        assert "status 403" in service.log_file.read_text()
    assert service_token not in service.log_file.read_text()
