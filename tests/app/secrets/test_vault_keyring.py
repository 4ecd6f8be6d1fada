"""What only a KMS can do: be away, slow or sealed, respond wrongly, or refuse the token."""
# ruff: noqa: ASYNC240 — nobody else waits for the event loop of a test

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.database.availability import UnavailableError
from app.secrets import vault_client as vault_client_module
from app.secrets.errors import (
    DecryptionError,
    KeyringError,
    KeyringUnavailableError,
    UnknownKekError,
    UnsealError,
)
from app.secrets.keyring import current_kek
from app.secrets.sealing import seal, unseal
from app.secrets.secret import Secret
from app.secrets.vault_client import parse_key_address
from app.secrets.vault_keyring import VaultKeyring
from tests.app.secrets.conftest import Transit

Open = Callable[[], VaultKeyring]
KEY = Secret(bytes(range(32)))


# ----- Away is never broken -----
@pytest.mark.parametrize(
    "says",
    [
        (503, b'{"errors":["Vault is sealed"]}'),
        (429, b""),
        (473, b""),
        (500, b'{"errors":["internal error"]}'),
        (403, b'{"errors":["permission denied"]}'),
        (404, b'{"errors":["no handler for route"]}'),
        (307, b""),
        (200, b"<html>"),
        (200, b'{"data":{}}'),
        (200, b'{"data":{"plaintext":"?"}}'),
        (200, b"\xff"),
        (200, b"[" * 5_000),
        (200, b'{"data":{"keys":{"x":1},"latest_version":1,"min_decryption_version":1}}'),
        (200, b'{"data":{"keys":{"1":1e18},"latest_version":1,"min_decryption_version":1}}'),
        (200, b'{"data":{"ciphertext":"vault:v' + b"1" * 5_000 + b':AAAA"}}'),
        (200, b"x" * (1 << 21)),
    ],
)
async def test_a_vault_that_does_not_do_its_work_is_unavailable(
    open_vault: Open, transit: Transit, says: tuple[int, bytes]
) -> None:
    keyring = open_vault()
    sealed = await sealed_in(keyring)
    transit.says = says
    with pytest.raises(UnavailableError):
        await unseal(keyring, sealed)
    with pytest.raises(UnavailableError):
        await keyring.wrap(KEY, b"place")
    with pytest.raises(UnavailableError):
        await keyring.keks()
    transit.says = None
    assert await unseal(keyring, sealed) == Secret(b"the secret")


async def sealed_in(keyring: VaultKeyring) -> Any:
    return await seal(
        keyring, workspace="demo", stream="int_1", field="apiKey", version=1,
        secret=Secret(b"the secret"),
    )  # fmt: skip


async def test_a_silent_vault_is_unavailable_in_time(
    open_vault: Open, transit: Transit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_client_module, "REQUEST_TIMEOUT", 0.2)
    transit.silence.clear()
    started = time.monotonic()
    with pytest.raises(KeyringUnavailableError, match=r"no response within 0\.2 s"):
        await open_vault().wrap(KEY, b"place")
    assert time.monotonic() - started < 30


async def test_nobody_there_is_unavailable(token_file: Path) -> None:
    keyring = VaultKeyring("vault+http://127.0.0.1:9/v1/transit/keys/k", token_file)
    with pytest.raises(KeyringUnavailableError, match="ConnectError"):
        await keyring.keks()
    await keyring.close()


async def test_the_token_follows_no_redirect(open_vault: Open, transit: Transit) -> None:
    transit.says = (307, b"")
    with pytest.raises(KeyringUnavailableError, match="status 307"):
        await open_vault().wrap(KEY, b"place")
    assert [operation for operation, _ in transit.heard] == ["POST encrypt/payments"]


async def test_an_answer_is_not_read_without_end(open_vault: Open, transit: Transit) -> None:
    padding = b"x" * (1 << 21)
    transit.says = (200, b'{"data":{"ciphertext":"vault:v1:AAAA"},"x":"' + padding + b'"}')
    with pytest.raises(KeyringUnavailableError):
        await open_vault().wrap(KEY, b"place")


async def test_the_error_shows_neither_token_nor_key_nor_response(
    open_vault: Open, transit: Transit, told_in_full: Callable[[BaseException], str]
) -> None:
    keyring = open_vault()
    transit.says = (503, b"canary-of-the-answer")
    with pytest.raises(KeyringUnavailableError) as failure:
        await keyring.wrap(KEY, b"place")
    report = told_in_full(failure.value)
    assert "body = Secret(***)" in report
    for hidden in (transit.token, "canary-of-the-answer", "AAECAwQF"):
        assert hidden not in report


# ----- Broken is never away -----
@pytest.mark.parametrize("status", [400, 500])  # both were seen of Vault
async def test_a_row_that_was_changed_is_named(
    open_vault: Open, transit: Transit, status: int
) -> None:
    keyring = open_vault()
    transit.decryption_failure = status
    wrapped = await keyring.wrap(KEY, b"place")
    with pytest.raises(DecryptionError):
        await keyring.unwrap(wrapped, b"elsewhere")


async def test_a_version_that_vault_no_longer_decrypts_with_is_missing(
    open_vault: Open, transit: Transit
) -> None:
    keyring = open_vault()
    sealed = await sealed_in(keyring)
    await keyring.rotate()
    transit.lowest = 2
    with pytest.raises(UnsealError, match="vault:kms/transit/payments:v1 is not in the keyring"):
        await unseal(keyring, sealed)
    assert sealed.kek not in {kek.id for kek in await keyring.keks()}


async def test_a_key_that_is_not_there_has_no_versions(open_vault: Open, transit: Transit) -> None:
    transit.says = (404, b'{"errors": []}')
    assert await open_vault().keks() == ()
    with pytest.raises(KeyringError, match="has no current key"):
        await current_kek(open_vault())


# ----- Removing -----
async def test_the_oldest_version_goes_first_and_is_destroyed(
    open_vault: Open, transit: Transit
) -> None:
    keyring = open_vault()
    await keyring.rotate()
    await keyring.rotate()
    with pytest.raises(KeyringError, match="older versions"):
        await keyring.remove("vault:kms/transit/payments:v2")
    await keyring.remove("vault:kms/transit/payments:v1")
    assert sorted(transit.versions) == [2, 3]
    with pytest.raises(UnknownKekError):
        await keyring.remove("vault:kms/transit/payments:v1")


# ----- The token -----
async def test_a_new_token_is_taken_from_the_file_with_the_next_request(
    open_vault: Open, transit: Transit, token_file: Path
) -> None:
    keyring = open_vault()
    await keyring.keks()
    transit.token = "s.renewed"  # noqa: S105 — of a server that ends with the test
    with pytest.raises(KeyringUnavailableError, match="status 403"):
        await keyring.keks()
    token_file.write_text("s.renewed")
    await keyring.keks()
    assert [token for _, token in transit.heard] == ["s.the-token", "s.the-token", "s.renewed"]


async def test_a_token_that_others_can_read_is_not_sent(
    open_vault: Open, transit: Transit, token_file: Path
) -> None:
    token_file.chmod(0o644)
    with pytest.raises(KeyringUnavailableError, match="its token file"):
        await open_vault().keks()
    assert transit.heard == []


async def test_proxies_of_the_environment_are_not_used(
    open_vault: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:9")
    assert await open_vault().keks()


# ----- The address -----
@pytest.mark.parametrize(
    "address",
    [
        "vault+https://vault.example/v1/transit/keys/k",
        "vault+https://vault.example:8200/v1/team/a/transit/keys/k-1.x_y",
        "vault+https://[2001:db8::1]:8200/v1/transit/keys/k",
        "vault+http://127.0.0.1:8100/v1/transit/keys/k",
        "vault+http://localhost/v1/transit/keys/k",
    ],
)
def test_an_address_is_taken(address: str) -> None:
    key = parse_key_address(address)
    assert address == f"vault+{key.base}/{key.mount}/keys/{key.name}"


@pytest.mark.parametrize(
    "address",
    [
        "vault+http://vault.example/v1/transit/keys/k",
        "vault+http://127.0.0.1.example/v1/transit/keys/k",
        "vault+https://user:word@vault.example/v1/transit/keys/k",
        "vault+https://vault.example/transit/keys/k",
        "vault+https://vault.example/v1/transit/k",
        "vault+https://vault.example/v1/transit/keys/k?x=1",
        "vault+https://vault.example/v1/transit/keys/k/rotate",
        "vault+ftp://vault.example/v1/transit/keys/k",
    ],
)
def test_no_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(KeyringError) as refusal:
        parse_key_address(address)
    assert "vault.example" not in str(refusal.value)
