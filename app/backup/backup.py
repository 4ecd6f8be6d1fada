"""Makes a backup, while the service runs: `integrations backup DIR`."""

import asyncio
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psycopg

from app.audit.checkpoint import WHOLE_LOG
from app.backup.errors import BackupError
from app.backup.key_files import find_foreign_key_file, key_files, read_key_file
from app.backup.manifest import Manifest
from app.backup.new_backup import NewBackup, new_backup
from app.backup.tables import Session, copy_out, own_schema, require_own_schema, snapshot
from app.database.migrate import first_error_line
from app.progress import ProgressCallback
from app.settings import Settings

POSITION_SQL = "SELECT coalesce(max(position), 0) FROM integrations.events"
# Those that a start needs (`find_foreign_keys` in `app/installation.py`): the newest, and those of
# stored secrets.
KEKS_SQL = """
(SELECT name FROM integrations.installation_keys
WHERE kind = 'KEK' AND name NOT IN (SELECT kek FROM integrations.closed_keks)
ORDER BY at DESC, name DESC LIMIT 1)
UNION SELECT integrations.keks_in_use() ORDER BY name
"""
CHECKPOINT_SQL = """
SELECT note FROM integrations.audit_checkpoints WHERE workspace_id = %s ORDER BY size DESC LIMIT 1
"""


def back_up(
    settings: Settings, dsn: str, directory: Path, report: ProgressCallback, *, with_keyring: bool
) -> Manifest:
    """Write the database *dsn* and the keys into *directory*; return what is in it.

    Without *with_keyring* the backup opens no secret. If anything fails, what was written is
    removed; a process that is killed leaves files without a manifest.

    Raises:
        BackupError: there is no backup; one line says why.
    """
    try:
        with new_backup(directory) as backup, snapshot(dsn) as (connection, tables):
            require_own_schema(connection)
            for number, table in enumerate(tables):
                report("Copying tables", number, len(tables))
                with backup.create(f"{table}.copy") as file:
                    copy_out(connection, table, file.write)
            report("Copying tables", len(tables), len(tables))
            # After the tables: one KEK more than they need does no harm, and one less would.
            copy_keys(backup, settings, with_keyring=with_keyring)
            require_own_keys(dsn, settings)
            manifest = describe(connection, backup)
            backup.finish(manifest)
            return manifest
    except psycopg.Error as error:
        message = f"No backup was made: {first_error_line(error)}."
        raise BackupError(message) from None


def copy_keys(backup: NewBackup, settings: Settings, *, with_keyring: bool) -> None:
    """Write the files with keys into *backup*."""
    for name, path in key_files(settings, with_keyring=with_keyring).items():
        with backup.create(name) as file:
            file.write(read_key_file(path).reveal())


def require_own_keys(dsn: str, settings: Settings) -> None:
    """Raise BackupError if the keys of this host are not those of the database *dsn*."""
    if problem := asyncio.run(find_foreign_key_file(dsn, settings)):
        message = f"{problem}: run this where the service runs, with its INTEGRATIONS_DATA_DIR."
        raise BackupError(message)


def describe(connection: Session, backup: NewBackup) -> Manifest:
    """Return the manifest of what *connection* sees and *backup* holds."""
    [(position,)] = connection.execute(POSITION_SQL).fetchall()
    notes = connection.execute(CHECKPOINT_SQL, (WHOLE_LOG,)).fetchall()
    return Manifest(
        release=version("integrations"),
        created_at=datetime.now(UTC).replace(microsecond=0),
        schema=own_schema(),
        position=position,
        checkpoint=notes[0][0] if notes else None,
        keks=tuple(kek for (kek,) in connection.execute(KEKS_SQL)),
        files=backup.files.copy(),
    )
