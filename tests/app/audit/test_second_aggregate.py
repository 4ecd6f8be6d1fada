"""Whatever works on the log takes the default of a channel as it takes an integration."""

from collections.abc import Awaitable, Callable

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.audit.verify import VerificationResult
from app.command_handler import CommandHandler, CommandRequest, PreparedCommand, utc_now
from app.database.pools import Pool
from app.event_store.postgres import SNAPSHOT_EVERY, PostgresEventLog
from app.event_store.snapshots import SNAPSHOT_FORMATS, empty_stream
from app.progress import no_progress
from app.views.rebuild.comparison import compare_with_log
from app.views.rebuild.rebuild import rebuild
from app.views.rebuild.versions import register_versions
from domain.channel_default import ChannelDefaultCommand, ChooseDefault, ClearDefault
from domain.envelope import Actor, EventMetadata
from domain.integration import CreateIntegration
from domain.message import Command
from projections.history import history_entry
from projections.registry import PROJECTIONS

Verify = Callable[..., Awaitable[VerificationResult]]
Ask = Callable[..., Awaitable[None]]
METADATA = EventMetadata(actor=Actor(sub="user-1"))
CREATE = CreateIntegration(name="Mail", type="SENDGRID", channel="EMAIL")
FIRST, SECOND = ChooseDefault(integration_id="int_1"), ChooseDefault(integration_id="int_2")
CLEAR = ClearDefault()
ROW = "SELECT workspace_id, id, version, integration_id FROM integrations.channel_default_view"
FORGE_SNAPSHOTS = """
UPDATE integrations.snapshots
SET state = convert_to(replace(convert_from(state, 'UTF8'), 'int_2', 'int_9'), 'UTF8')
"""
SNAPSHOTS = "SELECT stream, shape FROM integrations.snapshots"


@pytest.fixture
def log(commands: Pool) -> PostgresEventLog:
    return PostgresEventLog(commands)


@pytest.fixture
def ask(log: PostgresEventLog) -> Ask:
    """Return what executes commands on the default of email in `demo`, or on another stream."""
    handler = CommandHandler(log, utc_now)

    async def ask(*commands: Command, workspace: str = "demo", stream: str = "def_EMAIL") -> None:
        for command in commands:
            await handler.handle(
                CommandRequest(
                    workspace=workspace,
                    stream=stream,
                    metadata=METADATA,
                    command=PreparedCommand(command),
                )
            )

    return ask


async def test_a_default_of_many_events_is_gone_on_from_its_own_snapshot(
    log: PostgresEventLog, ask: Ask, admin: Connection[TupleRow]
) -> None:
    await ask(CREATE, stream="int_1")
    await ask(*(FIRST, SECOND) * (SNAPSHOT_EVERY // 2))
    for _ in range(2):
        folded = await log.load("demo", "def_EMAIL")
        assert folded == empty_stream("def_EMAIL").apply(await log.read("demo", "def_EMAIL"))
        assert (folded.state.integration_id, folded.version) == ("int_2", SNAPSHOT_EVERY)
    kept = admin.execute(SNAPSHOTS).fetchall()
    assert kept == [("def_EMAIL", "channelDefault 1, channel_default_view 1")]
    assert SNAPSHOT_FORMATS["channelDefault"] == kept[0][1]
    admin.execute(FORGE_SNAPSHOTS)
    assert (await log.load("demo", "def_EMAIL")).state.integration_id == "int_9"


async def test_integrations_and_defaults_are_loaded_and_written_in_one_batch(
    log: PostgresEventLog, ask: Ask, admin: Connection[TupleRow]
) -> None:
    await ask(CREATE, stream="int_1")
    await ask(FIRST)
    await ask(SECOND, workspace="other")
    found = await log._read_all(  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] — one batch for certain
        [("demo", "int_1", None), ("demo", "def_EMAIL", None), ("other", "def_EMAIL", None)]
    )
    states = [snapshot.apply(events).state for snapshot, events in found]
    assert states[0].name == "Mail"
    assert [state.integration_id for state in states[1:]] == ["int_1", "int_2"]
    assert sorted(admin.execute(ROW)) == [
        ("demo", "def_EMAIL", 1, "int_1"),
        ("other", "def_EMAIL", 1, "int_2"),
    ]


@pytest.mark.parametrize(
    ("asked", "action", "old", "new"),
    [
        ((FIRST,), "DEFAULT_CHOSEN", None, "int_1"),
        ((FIRST, SECOND), "DEFAULT_CHOSEN", "int_1", "int_2"),
        ((FIRST, CLEAR), "DEFAULT_CLEARED", "int_1", None),
        ((FIRST, CLEAR, SECOND), "DEFAULT_CHOSEN", None, "int_2"),
    ],
)
async def test_the_history_says_what_was_the_default_and_what_is(  # noqa: PLR0913, PLR0917 — a row of the table
    log: PostgresEventLog,
    ask: Ask,
    asked: tuple[ChannelDefaultCommand, ...],
    action: str,
    old: str | None,
    new: str | None,
) -> None:
    await ask(*asked)
    entry = history_entry((await log.read("demo", "def_EMAIL"))[-1])
    assert (entry.action, entry.resource_name) == (action, "EMAIL")
    assert entry.details == {"changes": {"integrationId": {"from": old, "to": new}}}


async def test_a_rebuild_brings_back_what_was_lost_or_forged(
    ask: Ask, dsn: str, admin: Connection[TupleRow]
) -> None:
    register_versions(admin, PROJECTIONS.values())
    await ask(CREATE, stream="int_1")
    await ask(FIRST, SECOND)
    await ask(FIRST, stream="def_SMS")
    await ask(FIRST, CLEAR, stream="def_PUSH")
    live = sorted(admin.execute(ROW))
    for damage in ("DELETE FROM {}", "UPDATE {} SET integration_id = 'int_9'"):
        admin.execute(damage.format("integrations.channel_default_view").encode())
        compared = compare_with_log(dsn, PROJECTIONS.values(), no_progress)
        assert [t.count for t in compared.tables if t.table == "channel_default_view"] == [2]
        rebuild(dsn, PROJECTIONS.values(), no_progress)
        assert sorted(admin.execute(ROW)) == live
    await ask(FIRST)  # the service goes on with the view that has taken the place
    assert not compare_with_log(dsn, PROJECTIONS.values(), no_progress).differs


async def test_a_log_with_defaults_verifies_and_damage_is_found(
    ask: Ask, verifying: Verify, admin: Connection[TupleRow]
) -> None:
    await ask(CREATE, stream="int_1")
    await ask(*(FIRST, SECOND) * (SNAPSHOT_EVERY // 2), CLEAR, FIRST)
    assert (await verifying()).first is None
    admin.execute("UPDATE integrations.channel_default_view SET version = 9")
    found = (await verifying()).first
    assert found is not None
    assert "channel_default_view: the row after this event has other version" in str(found)


@pytest.mark.parametrize(
    ("stream", "kind"), [("int_1", "DefaultCleared"), ("def_EMAIL", "IntegrationDeleted")]
)
async def test_an_event_of_another_aggregate_is_no_event_of_this_stream(
    ask: Ask, verifying: Verify, dsn: str, stream: str, kind: str
) -> None:
    await ask(CREATE, stream="int_1")
    await ask(FIRST)
    with psycopg.connect(dsn) as forger:
        forger.execute("SET session_replication_role = replica")
        forger.execute(
            """
            UPDATE integrations.events SET envelope = convert_to(regexp_replace(
                convert_from(envelope, 'UTF8'), '"event":.*', '"event":{"kind":"' || %s || '"}}'
            ), 'UTF8') WHERE stream = %s
            """,
            (kind, stream),
        )
    found = (await verifying()).first
    assert found is not None
    assert "the stored bytes are no event" in str(found)
