"""Replaces the key that signs checkpoints, by one that it vouches for, unless it is lost."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from psycopg import AsyncConnection

from app.audit.checkpoint import KEY_FILE_NAME, WHOLE_LOG, CheckpointKey, open_checkpoint_key
from app.audit.errors import CheckpointKeyError
from app.audit.key_changes import sign_key_change
from app.audit.signed_note import Verifier, parse_verifier
from app.database.key_fingerprints import Fingerprint, read_fingerprints, record_fingerprint
from app.private_files import sync_directory
from app.tokens.private_key_file import load_key

NEW_FILE_NAME = f".{KEY_FILE_NAME}.new"
LOCK_FOLLOWER_SQL = "SELECT position, verifier FROM integrations.audit_follower FOR UPDATE"
REPLACE_VERIFIER_SQL = "UPDATE integrations.audit_follower SET verifier = %s"
INSERT_CHANGE_SQL = """
INSERT INTO integrations.audit_key_changes (number, note)
SELECT count(*) + 1, %s FROM integrations.audit_key_changes
"""


async def rotate_audit_key(
    connection: AsyncConnection, data_dir: Path, *, is_lost: bool = False
) -> tuple[Verifier, int]:
    """Let a new key sign from now on; return its verifier, and up to which position the former did.

    The new key is on disk before the database knows it, and takes the place of the former after
    that: what was interrupted in between is finished by the next call. *connection* is the owner's.

    Raises:
        CheckpointKeyError: the former key is not there, or *is_lost* says so and it is; or a file
            cannot be used.
    """
    new = data_dir / NEW_FILE_NAME
    async with connection.transaction():
        # Nothing is signed meanwhile: what signs moves this row.
        cursor = await connection.execute(LOCK_FOLLOWER_SQL)
        [(position, verifier)] = await cursor.fetchall()
        known = [key for key in await read_fingerprints(connection) if key.kind == "audit key"]
        if not is_key_of(new, known):
            new.unlink(missing_ok=True)
            former = former_key(data_dir, known, verifier, is_lost=is_lost)
            successor = CheckpointKey(load_key(new, "checkpoint key", create=True))
            await record_fingerprint(connection, audit_key_fingerprint(successor))
            if former is not None and verifier is not None:  # else nothing was signed yet
                note = sign_key_change(position, former, successor).decode()
                await connection.execute(INSERT_CHANGE_SQL, (note,))
                await connection.execute(
                    REPLACE_VERIFIER_SQL, (str(successor.signer(WHOLE_LOG).verifier),)
                )
    new.replace(data_dir / KEY_FILE_NAME)
    sync_directory(data_dir)
    return open_checkpoint_key(data_dir).signer(WHOLE_LOG).verifier, position


def former_key(
    data_dir: Path, known: Sequence[Fingerprint], verifier: str | None, *, is_lost: bool
) -> CheckpointKey | Verifier | None:
    """Return the key that signs now; of a lost one what verifies, None if it has signed nothing."""
    path = data_dir / KEY_FILE_NAME
    if is_key_of(path, known):
        if is_lost:
            message = f"{path} is the key that signs, and not lost: leave out --lost."
            raise CheckpointKeyError(message)
        return open_checkpoint_key(data_dir)
    if is_lost:
        return parse_verifier(verifier) if verifier else None
    message = (
        f"{path} is {'another key than' if path.exists() else 'missing, and is'} the one that signs"
        " this log: copy it from the host or backup that has it. If it is lost for good, run"
        " integrations audit-key rotate --lost."
    )
    raise CheckpointKeyError(message)


def audit_key_fingerprint(key: CheckpointKey) -> Fingerprint:
    """Return the fingerprint by which the database knows *key*."""
    return Fingerprint("audit key", KEY_FILE_NAME, sha256(key.public_key).hexdigest())


def is_key_of(path: Path, known: Sequence[Fingerprint]) -> bool:
    """Return whether the file *path* is the *known* audit key."""
    if not path.exists():
        return False
    key = CheckpointKey(load_key(path, "checkpoint key", create=False))
    return audit_key_fingerprint(key) in known
