"""Opens the configured keyring: a file, or a key in Vault or OpenBao."""

from pathlib import Path

from app.secrets.errors import KeyringError
from app.secrets.keyring import ManagedKeyring
from app.secrets.keyring_file import open_file_keyring
from app.secrets.reloading_keyring import ReloadingKeyring
from app.secrets.vault_keyring import VaultKeyring

VAULT_PREFIX = "vault+"


def open_keyring(
    where: str, vault_token_file: Path | None, *, create: bool = False
) -> ManagedKeyring:
    """Return the keyring at *where*, a path or `vault+` and an address; to be closed.

    *create* makes the file if it is missing, as only an installation's first start does. No request
    is sent yet: the first use shows whether Vault answers.

    Raises:
        KeyringError: the file or the address is wrong, or the token file is not set.
    """
    if not where.startswith(VAULT_PREFIX):
        path = Path(where).absolute()
        if create:
            open_file_keyring(path)
        return ReloadingKeyring(path)
    if vault_token_file is None:
        problem = "is in Vault, and no token for it is set"
        raise KeyringError(problem, "set INTEGRATIONS_VAULT_TOKEN_FILE to a file with the token")
    return VaultKeyring(where, vault_token_file)
