"""The files with keys: which ones there are, and how they get to their places."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from shlex import quote

from app.audit.checkpoint import KEY_FILE_NAME as AUDIT_KEY
from app.audit.verify import read_only_session
from app.backup.errors import BackupError
from app.database.key_fingerprints import read_fingerprints
from app.installation import find_key_file_problem, make_data_dir
from app.private_files import PrivateFileError, create_private_file, read_private_file
from app.secrets.keyring_factory import VAULT_PREFIX
from app.secrets.secret import Secret
from app.settings import Settings

KEYRING = "keyring.json"
MAX_FILE_BYTES = 1 << 20


def key_files(settings: Settings, *, with_keyring: bool) -> dict[str, Path]:
    """Return the files with keys of this installation by their names in a backup.

    Raises:
        BackupError: the audit key is not here, or the keyring is wanted and is no file.
    """
    found = {path.name: path for path in sorted(settings.data_dir.glob("*.pem"))}
    if AUDIT_KEY not in found:
        message = (
            f"{settings.data_dir / AUDIT_KEY} is missing: run this where the service runs, with its"
            " INTEGRATIONS_DATA_DIR."
        )
        raise BackupError(message)
    if with_keyring:
        found[KEYRING] = keyring_file(settings)
    return found


def keyring_file(settings: Settings) -> Path:
    """Return the file of the keyring; raise BackupError if it is in Vault."""
    if settings.keyring.startswith(VAULT_PREFIX):
        message = "INTEGRATIONS_KEYRING is in Vault: a backup with a keyring file is not for it."
        raise BackupError(message)
    return Path(settings.keyring).absolute()


def places(settings: Settings, names: Iterable[str]) -> dict[str, Path]:
    """Return where the key files *names* of a backup belong in this installation.

    Raises:
        BackupError: the keyring is among them, and this installation's is in Vault.
    """
    return {
        name: keyring_file(settings) if name == KEYRING else settings.data_dir / name
        for name in names
    }


async def find_foreign_key_file(dsn: str, settings: Settings) -> str | None:
    """Return which key in the data directory is not the one that the database knows, or None."""
    async with read_only_session(dsn) as connection:
        known = [key for key in await read_fingerprints(connection) if key.kind != "KEK"]
    return next(filter(None, (find_key_file_problem(key, settings) for key in known)), None)


def read_key_file(path: Path) -> Secret:
    """Return the content of *path*.

    Raises:
        BackupError: it cannot be read, or is open to others.
    """
    try:
        return Secret(read_private_file(path, MAX_FILE_BYTES))
    except PrivateFileError as error:
        remedy = f": {error.remedy}" if error.remedy else ""
        message = f"{path} {error}{remedy}."
        raise BackupError(message) from None
    except OSError as error:
        raise BackupError.of_file(error, path) from None


def require_no_other_keys(settings: Settings, keys: Mapping[Path, Secret]) -> None:
    """Raise BackupError if a key is here that is not one of *keys*; a keyring may be."""
    present = {*settings.data_dir.glob("*.pem"), *keys}
    for path in sorted(path for path in present if path.exists()):
        if path not in keys or read_key_file(path) != keys[path]:
            message = (
                f"{path} is there already, and is not the one of the backup: restore into an empty"
                f" data directory, or move it away (mv {quote(str(path))} …)."
            )
            raise BackupError(message)


def place_keys(keys: Mapping[Path, Secret]) -> None:
    """Create the files *keys*; what is there stays.

    Raises:
        BackupError: one cannot be created.
    """
    for path, content in keys.items():
        try:
            make_data_dir(path.parent)
            create_private_file(path, content.reveal())
        except OSError as error:
            raise BackupError.of_file(error, path) from None
