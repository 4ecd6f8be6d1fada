from pathlib import Path

import pytest

from app.secrets.errors import KeyringError
from app.secrets.keyring_factory import open_keyring
from app.secrets.reloading_keyring import ReloadingKeyring
from app.secrets.vault_keyring import VaultKeyring

ADDRESS = "vault+https://vault.example/v1/transit/keys/k"


def test_a_path_is_a_file(tmp_path: Path) -> None:
    keyring = open_keyring(str(tmp_path / "keyring.json"), None, create=True)
    assert isinstance(keyring, ReloadingKeyring)
    assert (tmp_path / "keyring.json").exists()


async def test_an_address_is_in_vault(tmp_path: Path) -> None:
    keyring = open_keyring(ADDRESS, tmp_path / "token")
    assert isinstance(keyring, VaultKeyring)
    await keyring.close()


def test_an_address_without_a_token_file_is_refused() -> None:
    with pytest.raises(KeyringError, match="INTEGRATIONS_VAULT_TOKEN_FILE"):
        open_keyring(ADDRESS, None)


def test_a_keyring_is_made_at_the_first_start_alone(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    with pytest.raises(KeyringError, match="No such file"):
        open_keyring(str(path), None)
    assert not path.exists()
    made = open_keyring(str(path), None, create=True)
    assert repr(open_keyring(str(path), None)) == repr(made)
