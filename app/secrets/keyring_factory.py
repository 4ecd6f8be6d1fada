"""Opens the configured keyring: a file, or a key in Vault or OpenBao."""

from pathlib import Path

from app.secrets.errors import KeyringError
from app.secrets.keyring import ManagedKeyring
from app.secrets.keyring_file import read_keks
from app.secrets.reloading_keyring import ReloadingKeyring
from app.secrets.vault_keyring import VaultKeyring

VAULT_PREFIX = "vault+"


def open_keyring(where: str, vault_token_file: Path | None) -> ManagedKeyring:
    """Return the keyring at *where*, a path or `vault+` and an address; to be closed.

    No request is sent yet: the first use shows whether Vault answers.

    Raises:
        KeyringError: the file or the address is wrong, or the token file is not set.
    """
    if not where.startswith(VAULT_PREFIX):
        return ReloadingKeyring(Path(where).absolute())
    if vault_token_file is None:
        problem = "is in Vault, and no token for it is set"
        raise KeyringError(problem, "set INTEGRATIONS_VAULT_TOKEN_FILE to a file with the token")
    return VaultKeyring(where, vault_token_file)


def open_existing_keyring(where: str, vault_token_file: Path | None) -> ManagedKeyring:
    """Return the keyring at *where* as `open_keyring` does, but never create one.

    Raises:
        KeyringError: as there, or the file is not there.
    """
    if not where.startswith(VAULT_PREFIX):
        read_keks(Path(where))
    return open_keyring(where, vault_token_file)
