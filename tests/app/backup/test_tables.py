"""Copying tables: all of them, as they are at one moment, in UTF-8."""

import threading
from itertools import count

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from app.backup.errors import BackupError
from app.backup.tables import copy_out, session, snapshot
from tests.support.waiting import wait_until

NUMBERS = count(1)
ADD_ROWS = """
INSERT INTO integrations.integration_counts SELECT 'demo', 'SENDGRID', true, 1
"""
# As the end of a rebuild does it (app/views/rebuild/sql/switch_shadow.sql).
SWITCH = """
CREATE TABLE integrations.counts_v2 (LIKE integrations.integration_counts);
INSERT INTO integrations.counts_v2 SELECT 'demo', 'SENDGRID', true, 7;
DROP TABLE integrations.integration_counts;
ALTER TABLE integrations.counts_v2 RENAME TO integration_counts;
"""
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"


def rows_of(dsn: str, table: str) -> bytes:
    """Return what a backup of *table* holds."""
    pieces: list[bytes] = []
    with snapshot(dsn) as (connection, tables):
        assert table in tables
        copy_out(connection, table, pieces.append)
    return b"".join(pieces)


def test_a_view_that_a_rebuild_puts_in_its_place_meanwhile_is_copied_whole(dsn: str) -> None:
    copied: list[bytes] = []
    with psycopg.connect(dsn) as rebuild, psycopg.connect(dsn, autocommit=True) as watcher:
        rebuild.execute(ADD_ROWS)
        rebuild.commit()
        rebuild.execute(SWITCH)
        backup = threading.Thread(target=lambda: copied.append(rows_of(dsn, "integration_counts")))
        backup.start()
        name = (rebuild.info.dbname,)
        wait_until(lambda: watcher.execute(WAITING, name).fetchone() != (0,))
        rebuild.commit()
        backup.join()
    assert (7).to_bytes(8, "big") in copied[0]


def test_what_is_written_after_the_first_table_is_copied_is_in_none(dsn: str) -> None:
    pieces: list[bytes] = []
    with snapshot(dsn) as (connection, _):
        copy_out(connection, "events", pieces.append)
        with psycopg.connect(dsn) as writer:
            writer.execute(ADD_ROWS)
        copy_out(connection, "integration_counts", pieces.append)
    assert b"SENDGRID" not in b"".join(pieces)


def test_shadows_the_list_of_migrations_and_who_is_signed_in_are_left_out(dsn: str) -> None:
    with psycopg.connect(dsn) as rebuild:
        rebuild.execute("CREATE TABLE integrations.integration_view_v9 (x int)")
    with snapshot(dsn) as (_, tables):
        assert "events" in tables
        assert not {"migrations", "integration_view_v9"} & {*tables}
        assert not {"console_codes", "console_sessions"} & {*tables}


def test_every_column_that_is_stored_is_one_that_a_backup_can_bring_back(dsn: str) -> None:
    """No sequence, whose value a backup would not have, and no generated column."""
    with psycopg.connect(dsn) as connection:
        found = connection.execute("""
            SELECT attrelid::regclass, attname FROM pg_attribute JOIN pg_class ON oid = attrelid
            WHERE relnamespace = 'integrations'::regnamespace
                AND (relkind = 'S' OR attgenerated <> '' OR attidentity <> '')
        """).fetchall()
    assert found == []


def test_a_user_who_does_not_see_all_rows_is_refused(dsn: str) -> None:
    name = f"reader_{next(NUMBERS)}"
    with psycopg.connect(dsn) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN IN ROLE integrations_audit".encode())
    with (
        pytest.raises(BackupError, match="does not see all rows"),
        snapshot(make_conninfo(dsn, user=name)),
    ):
        pass


def test_text_is_utf_8_whatever_the_encoding_of_the_database(server_dsn: str) -> None:
    name = f"latin_{next(NUMBERS)}"
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        admin.execute(
            f"CREATE DATABASE {name} ENCODING LATIN1 LOCALE 'C' TEMPLATE template0".encode()
        )
    pieces: list[bytes] = []
    with session(make_conninfo(server_dsn, dbname=name)) as connection:
        connection.execute("CREATE SCHEMA integrations")
        connection.execute("CREATE TABLE integrations.texts AS SELECT chr(233) AS text")
        copy_out(connection, "texts", pieces.append)
    assert "é".encode() in b"".join(pieces)
