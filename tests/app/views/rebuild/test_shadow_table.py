"""A shadow takes over all that its view has, and its maker has few rights."""

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.views.rebuild.conftest import Live, Views


def shape_of(admin: Connection[TupleRow]) -> list[TupleRow]:
    """Return keys, indexes, rights and statistics of all tables, by name."""
    return admin.execute("""
        SELECT relname, reloptions, relacl::text, relrowsecurity, relforcerowsecurity,
            relowner::regrole::text,
            ARRAY(SELECT pg_get_indexdef(indexrelid) FROM pg_index
                WHERE indrelid = c.oid ORDER BY 1),
            ARRAY(SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint
                WHERE conrelid = c.oid ORDER BY 1),
            ARRAY(SELECT attname || attnum || format_type(atttypid, atttypmod) || attnotnull
                    || attstorage::text || coalesce(attstattarget::text, '')
                    || coalesce(attacl::text, '')
                FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0),
            ARRAY(SELECT policyname || permissive || roles::text || cmd || coalesce(qual, '')
                || coalesce(with_check, '') FROM pg_policies WHERE tablename = relname ORDER BY 1)
        FROM pg_class c WHERE relnamespace = 'integrations'::regnamespace AND relkind IN ('r', 'i')
        ORDER BY relname
    """).fetchall()


async def test_a_switched_table_has_all_that_the_old_one_had(live: "Live", views: "Views") -> None:
    await live(1, 20)
    views.admin.execute("""
        ALTER TABLE integrations.integration_view NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE integrations.integration_view SET (autovacuum_enabled = true);
        CREATE POLICY gap ON integrations.integration_view FOR SELECT TO integrations_query
            USING (workspace_id = current_setting('app.workspace'));
        CREATE POLICY door ON integrations.integration_view AS PERMISSIVE FOR ALL
            TO integrations_command, integrations_rebuild USING (true) WITH CHECK (true);
        GRANT SELECT ON integrations.integration_view TO PUBLIC;
        GRANT SELECT (id), UPDATE (name) ON integrations.integration_view TO PUBLIC
    """)
    before = shape_of(views.admin)

    views.rebuild()

    assert shape_of(views.admin) == before


async def test_a_rebuilt_view_still_has_its_wall(live: "Live", views: "Views") -> None:
    await live(1, 80)
    views.rebuild()
    with psycopg.connect(views.dsn, options="-c role=integrations_query") as reader:
        for table in ("integration_view",):
            whose = SQL("SELECT DISTINCT workspace_id FROM integrations.{}")
            seen = whose.format(Identifier(table))
            reader.execute("SELECT set_config('app.workspace', 'a', false)")
            assert reader.execute(seen).fetchall() == [("a",)]
            reader.execute("SELECT set_config('app.workspace', 'nobody', false)")
            assert reader.execute(seen).fetchall() == []


async def test_who_rebuilds_cannot_touch_the_log_nor_put_a_shadow_in_its_place(dsn: str) -> None:
    with psycopg.connect(dsn, options="-c role=integrations_rebuild", autocommit=True) as rebuilder:
        for refused in (
            "SELECT integrations.create_shadow('events', 1)",
            "SELECT integrations.switch_shadow('events', 1, 0)",
            "SELECT integrations.build_index('events', 1, 'events_position')",
            "SELECT integrations.analyze_shadow('events', 1)",
            "INSERT INTO integrations.projections (name) VALUES ('events')",
            "DELETE FROM integrations.integration_view",
            "DROP TABLE integrations.integration_view",
        ):
            with pytest.raises(
                (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable)
            ):
                rebuilder.execute(refused)
    with psycopg.connect(dsn, options="-c role=integrations_command", autocommit=True) as writer:
        for refused in (
            "create_shadow('integration_view', 1)",
            "switch_shadow('integration_view', 1, 0)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                writer.execute(f"SELECT integrations.{refused}")
