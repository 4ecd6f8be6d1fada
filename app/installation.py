"""One installation: this host has the keys of its database that a start needs, or does not start.

The first start on a new database makes the keys, and records their fingerprints
(`app/database/key_fingerprints.py`). Of two hosts that start at once one wins; the other, like each
later one, needs copies of its files.
"""

from base64 import b64decode, b64encode
from collections.abc import Collection, Sequence
from pathlib import Path

from psycopg import AsyncConnection

from app.audit.checkpoint import KEY_FILE_NAME as AUDIT_KEY
from app.audit.checkpoint import open_checkpoint_key
from app.audit.key_rotation import audit_key_fingerprint
from app.audit.verify import read_only_session
from app.database.embedded.data_directory import create_directory
from app.database.key_fingerprints import (
    Fingerprint,
    KeyFile,
    forget_fingerprint,
    read_fingerprints,
    record_fingerprint,
)
from app.secrets.errors import DecryptionError, UnknownKekError
from app.secrets.keyring import Keyring, ManagedKeyring, WrappedKey, current_kek
from app.secrets.keyring_factory import VAULT_PREFIX, open_keyring
from app.secrets.lease_key import FILE_NAME as LEASE_KEY
from app.secrets.lease_key import open_lease_key
from app.secrets.sealing import KEY_BYTES
from app.secrets.secret import Secret
from app.settings import Settings
from app.tokens.local_key import FILE_NAME as TOKEN_KEY
from app.tokens.local_key import open_local_key

LOCK_SQL = "SELECT pg_advisory_xact_lock(7597137600296673655)"
KEKS_IN_USE_SQL = "SELECT integrations.keks_in_use()"
CHECK_PLACE = b"integrations/installation/v1"
CHECK_KEY = Secret(bytes(KEY_BYTES))  # a known text under AES-GCM says nothing of the KEK


class InstallationError(Exception):
    """The keys of this host are not those of the database; one line: which, and what to do."""


# ----- At the start -----
async def join_installation(connection: AsyncConnection, settings: Settings) -> None:
    """Compare the keys of this host with the database's; make and record those that it has not.

    Raises:
        InstallationError: a key that a start needs is missing here, or is another.
        CheckpointKeyError, TokenKeyError, KeyringError: a file cannot be used, or not be made.
        KeyringUnavailableError: the keyring is in a KMS that does not answer.
    """
    make_data_dir(settings.data_dir)
    async with connection.transaction():
        await connection.execute(LOCK_SQL)
        await require_own_keys(connection, settings)
        await record_new_keys(connection, settings)


def make_data_dir(data_dir: Path) -> None:
    """Create the data directory for its owner alone; raise InstallationError if that cannot be."""
    try:
        create_directory(data_dir)
        reason = None if data_dir.is_dir() else "it is no directory"
    except OSError as error:
        reason = error.strerror
    if reason:
        message = (
            f"The data directory {data_dir} cannot be made ({reason}): set"
            " INTEGRATIONS_DATA_DIR to a directory that this user can make and write to."
        )
        raise InstallationError(message)


async def require_own_keys(connection: AsyncConnection, settings: Settings) -> None:
    """Raise InstallationError unless this host has the keys that a start needs; make no file."""
    if problems := await find_foreign_keys(connection, settings):
        raise InstallationError(describe_problems(problems, settings))


async def record_new_keys(connection: AsyncConnection, settings: Settings) -> None:
    """Record what the database has no fingerprint of yet, and make it if it is missing."""
    known = await read_fingerprints(connection)
    kinds = {key.kind for key in known}
    for kind in needed_key_files(settings):
        if kind not in kinds:
            made = key_file_fingerprint(kind, settings.data_dir, create=True)
            await record_fingerprint(connection, made)
    is_first = "KEK" not in kinds and not await keks_in_use(connection)
    keyring = open_keyring(settings.keyring, settings.vault_token_file, create=is_first)
    try:
        await record_current_kek(connection, keyring)
    finally:
        await keyring.close()


# ----- Comparing -----
async def find_foreign_keys(connection: AsyncConnection, settings: Settings) -> list[str]:
    """Return what is wrong with the keys of this host; nothing at a first start.

    Raises:
        CheckpointKeyError, TokenKeyError, KeyringError: a file is there and cannot be used.
        KeyringUnavailableError: the keyring is in a KMS that does not answer.
    """
    known = await read_fingerprints(connection)
    wanted = needed_key_files(settings)
    problems = [find_key_file_problem(key, settings) for key in known if key.kind in wanted]
    keks = [key for key in known if key.kind == "KEK"]
    # The newest shows that the keyring is the present one; a retired one may hold no secret.
    # A backup names the same in its manifest (`KEKS_SQL` in `app/backup/backup.py`).
    needed = {*(key.name for key in keks[-1:]), *await keks_in_use(connection)}
    in_keyring = await find_kek_problems(settings, keks, needed) if needed else []
    return [*filter(None, problems), *in_keyring]


def find_key_file_problem(known: Fingerprint, settings: Settings) -> str | None:
    """Return what is wrong with the file of a *known* key, None if it is that key's."""
    assert known.kind != "KEK"  # noqa: S101 — those are in the keyring
    path = settings.data_dir / known.name
    if not path.exists():
        return f"{path} is missing"
    here = key_file_fingerprint(known.kind, settings.data_dir)
    return None if here == known else f"{path} is another key"


async def find_kek_problems(
    settings: Settings, known: Collection[Fingerprint], needed: Collection[str]
) -> list[str]:
    """Return which KEKs *needed* the keyring lacks, and for which *known* it has another key."""
    if not keyring_exists(settings.keyring):
        return [f"the keyring {settings.keyring} is missing, with {', '.join(sorted(needed))}"]
    keyring = open_keyring(settings.keyring, settings.vault_token_file)
    try:
        here = {kek.id for kek in await keyring.keks()}
        lacking = sorted({*needed} - here)
        other = [
            key.name for key in known if key.name in here and not await is_kek_of(keyring, key)
        ]
    finally:
        await keyring.close()
    named = ((lacking, "lacks"), (other, "has other keys for"))
    return [
        f"the keyring {settings.keyring} {verb} {', '.join(keks)}" for keks, verb in named if keks
    ]


def keyring_exists(where: str) -> bool:
    """Return whether the file *where* is there; what is in a KMS is asked for its KEKs."""
    return where.startswith(VAULT_PREFIX) or Path(where).exists()


def describe_problems(problems: Sequence[str], settings: Settings) -> str:
    """Return *problems* and what to do, in one line."""
    return (
        f"This host does not have the keys of this database: {'; '.join(problems)}. Copy"
        f" {AUDIT_KEY}, {TOKEN_KEY}, {LEASE_KEY} and the keyring from the host or backup that has"
        f" them (files of mode 0600 in {settings.data_dir}), or use another database. For a key"
        " that is lost for good run `integrations audit-key rotate --lost`, or `integrations keys"
        f" remove --lost NAME` with {TOKEN_KEY}, {LEASE_KEY} or the id of the KEK."
    )


async def require_audit_key(dsn: str, settings: Settings) -> None:
    """Raise InstallationError if another key than this host's signs the log of *dsn*; only read.

    This separates a wrong key from an altered log.
    """
    async with read_only_session(dsn) as connection:
        for known in await read_fingerprints(connection):
            if known.kind == "audit key" and (problem := find_key_file_problem(known, settings)):
                message = (
                    "This host does not have the key that signs the log of this database:"
                    f" {problem}. Copy it from the host or backup that has it, or see"
                    " INTEGRATIONS_DATABASE_URL."
                )
                raise InstallationError(message)


# ----- Fingerprints -----
def needed_key_files(settings: Settings) -> tuple[KeyFile, ...]:
    """Return the kinds of key files that a host with *settings* needs."""
    return ("audit key", "lease key", *(("token key",) if settings.jwks is None else ()))


def key_file_fingerprint(kind: KeyFile, data_dir: Path, *, create: bool = False) -> Fingerprint:
    """Return the fingerprint of a key of *data_dir*; raise as what opens it."""
    match kind:
        case "audit key":
            return audit_key_fingerprint(open_checkpoint_key(data_dir, create=create))
        case "token key":
            return Fingerprint(kind, TOKEN_KEY, open_local_key(data_dir, create=create).kid)
        case "lease key":
            return Fingerprint(kind, LEASE_KEY, open_lease_key(data_dir, create=create).public.kid)


async def kek_fingerprint(keyring: ManagedKeyring) -> Fingerprint:
    """Return the fingerprint of the current KEK: what only its keyring unwraps."""
    wrapped = await keyring.wrap(CHECK_KEY, CHECK_PLACE)
    return Fingerprint("KEK", wrapped.kek, b64encode(wrapped.wrapped).decode())


async def is_kek_of(keyring: Keyring, known: Fingerprint) -> bool:
    """Return whether *keyring* has the KEK that made the fingerprint *known*."""
    wrapped = WrappedKey(kek=known.name, wrapped=b64decode(known.fingerprint))
    try:
        return await keyring.unwrap(wrapped, CHECK_PLACE) == CHECK_KEY
    except (UnknownKekError, DecryptionError):
        return False


async def keks_in_use(connection: AsyncConnection) -> set[str]:
    """Return the ids of the KEKs that stored secrets need."""
    return {kek for (kek,) in await (await connection.execute(KEKS_IN_USE_SQL)).fetchall()}


# ----- For commands that change the keyring -----
async def record_current_kek(connection: AsyncConnection, keyring: ManagedKeyring) -> None:
    """Record the current KEK of *keyring*, unless it is known."""
    current = await current_kek(keyring)
    known = {key.name for key in await read_fingerprints(connection) if key.kind == "KEK"}
    if current not in known:
        await record_fingerprint(connection, await kek_fingerprint(keyring))


async def replace_keks(
    connection: AsyncConnection, keyring: ManagedKeyring, former: Keyring
) -> None:
    """Make the KEKs of *keyring* the installation's, in place of those that *former* has.

    For a move to another keyring, after nothing is stored under the former's KEKs any more.
    """
    await record_current_kek(connection, keyring)
    for key in await read_fingerprints(connection):
        if key.kind == "KEK" and not await is_kek_of(keyring, key) and await is_kek_of(former, key):
            await forget_fingerprint(connection, "KEK", key.name)
