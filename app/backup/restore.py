"""Restores a backup into an empty database and data directory: `integrations restore DIR`.

The rows come in one transaction, with a mark on the schema that they are not verified yet. After
the log was verified against the checkpoint of the backup the keys get to their places, and the mark
goes last. Whatever happens before, the same command starts again.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
from msgspec.structs import replace

from app.audit.checkpoint import open_checkpoint_key
from app.audit.errors import NoteError
from app.audit.verify import external_checkpoint, read_audit_keys, verify, verify_scope
from app.backup.errors import BackupError
from app.backup.key_files import find_foreign_key_file, place_keys, places, require_no_other_keys
from app.backup.manifest import Manifest, check_files, read_manifest
from app.backup.tables import Session, copy_in, own_schema, require_empty, session
from app.database.connection import require_primary
from app.database.database import open_database
from app.database.migrate import first_error_line, migrate
from app.progress import ProgressCallback
from app.secrets.secret import Secret
from app.settings import Settings

MARK_SQL: LiteralString = "COMMENT ON SCHEMA integrations IS 'integrations restore is unfinished'"
UNMARK_SQL: LiteralString = "COMMENT ON SCHEMA integrations IS NULL"
IS_MARKED_SQL: LiteralString = """
SELECT obj_description(to_regnamespace('integrations'), 'pg_namespace')
    = 'integrations restore is unfinished'
"""
DROP_SQL: LiteralString = "DROP SCHEMA integrations CASCADE"
# A restore that was killed may have its session, and so the lock, for a moment more.
WAIT_FOR_LOCK_SQL: LiteralString = """
SET lock_timeout = '10s'; SELECT pg_advisory_lock(7597137600296673655)
"""


def restore(settings: Settings, directory: Path, report: ProgressCallback) -> Manifest:
    """Restore the backup in *directory* to what *settings* name; return what is in it.

    Raises:
        BackupError: it was not restored; one line says why. The command can be run again.
    """
    manifest = read_manifest(directory)
    require_same_schema(manifest)
    check_files(directory, manifest, report)
    keys = {
        place: Secret((directory / name).read_bytes())
        for name, place in places(settings, manifest.keys).items()
    }
    require_no_other_keys(settings, keys)
    source = replace(settings, data_dir=directory)
    try:
        with open_database(settings) as dsn, exclusive_session(require_primary(dsn)) as connection:
            load(connection, dsn, directory, manifest)
            verify_or_drop(connection, dsn, source, manifest, report)
            place_keys(keys)
            unmark(connection)
    except psycopg.Error as error:
        message = f"The backup was not restored: {first_error_line(error)}. Run this again."
        raise BackupError(message) from None
    return manifest


def require_same_schema(manifest: Manifest) -> None:
    """Raise BackupError if the tables of the backup are not those of this release."""
    if manifest.schema != own_schema():
        message = (
            f"The backup was made by release {manifest.release}, which has other tables: restore it"
            " with that release, then start this one."
        )
        raise BackupError(message)


@contextmanager
def exclusive_session(dsn: str) -> Generator[Session]:
    """Yield a connection for copying; BackupError if another restore has the database."""
    with session(dsn) as connection:
        try:
            connection.execute(WAIT_FOR_LOCK_SQL)
        except psycopg.errors.LockNotAvailable:
            message = "Another integrations restore is filling this database: wait for its end."
            raise BackupError(message) from None
        yield connection


def load(connection: Session, dsn: str, directory: Path, manifest: Manifest) -> None:
    """Fill the database with the tables in *directory*, all or none; raise BackupError."""
    if connection.execute(IS_MARKED_SQL).fetchone() == (True,):
        connection.execute(DROP_SQL)
    require_empty(connection)
    migrate(dsn)
    with connection.transaction():
        connection.execute(MARK_SQL)
        copy_in(connection, directory, manifest.tables)


def unmark(connection: Session) -> None:
    """Remove the mark: what was restored is whole and verified."""
    connection.execute(UNMARK_SQL)


def verify_or_drop(
    connection: Session, dsn: str, source: Settings, manifest: Manifest, report: ProgressCallback
) -> None:
    """Verify what was loaded; empty the database if it is not what was signed, and raise."""
    if (problem := find_problem(dsn, source, manifest, report)) is not None:
        connection.execute(DROP_SQL)
        message = f"Nothing was restored, as the backup cannot be verified: {problem}."
        raise BackupError(message)


def find_problem(
    dsn: str, source: Settings, manifest: Manifest, report: ProgressCallback
) -> str | None:
    """Return what is wrong with the log, the views or the keys of the backup *source*, or None."""
    if problem := asyncio.run(find_foreign_key_file(dsn, source)):
        return problem
    public_key = open_checkpoint_key(source.data_dir).public_key
    try:
        keys = asyncio.run(read_audit_keys(dsn, public_key))
        note = manifest.checkpoint
        kept = external_checkpoint(note.encode(), keys) if note is not None else None
    except NoteError as error:
        return str(error).rstrip(".")
    verified = asyncio.run(verify(dsn, keys, verify_scope(None, kept), report))
    if verified.first is None and verified.events != manifest.position:
        return f"it has {verified.events:,} events and should have {manifest.position:,}"
    return str(verified.first) if verified.first else None
