"""What only the log in PostgreSQL has: transactions that fail, and a database that is away."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from itertools import chain

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import Connection
from psycopg.rows import TupleRow

from app.database.availability import UnavailableError
from app.database.pools import Pool
from app.event_store.codec import encoder
from app.event_store.postgres import PostgresEventLog
from app.event_store.protocol import Changeset, ConcurrencyError, StoredResponse
from domain.integration import IntegrationCreated, IntegrationDeleted, IntegrationToggled
from projections.integration_view import IntegrationRow
from tests.support import commands

WriteOf = Callable[..., Changeset]
COUNTS = """
SELECT (SELECT count(*) FROM integrations.events), (SELECT count(*) FROM integrations.secret_store),
       (SELECT count(*) FROM integrations.integration_view),
       (SELECT count(*) FROM integrations.idempotent_responses)
"""
LOCK = "SELECT pg_advisory_lock(7597137600296673652)"
API_KEY = replace(commands.API_KEY, ciphertext=b"canary-ciphertext")
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'integrations_command' AND datname = current_database()
"""
CANCEL = """
SELECT pg_cancel_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE NOT granted AND datname = current_database()
"""
ANSWER = StoredResponse("key-1", b"print", 201, {}, b"{}")
TABLES = ("events", "integration_view", "secret_store", "idempotent_responses")


def counts(admin: Connection[TupleRow]) -> object:
    """Return how many events, secrets, rows and answers there are."""
    return admin.execute(COUNTS).fetchone()


@pytest.mark.parametrize("table", TABLES)
async def test_where_one_write_fails_nothing_at_all_is_recorded(
    commands: Pool,
    admin: Connection[TupleRow],
    write_of: WriteOf,
    created: IntegrationCreated,
    table: str,
) -> None:
    admin.execute(f"ALTER TABLE integrations.{table} ADD CHECK (false) NOT VALID".encode())
    write = replace(write_of(created, sealed=[API_KEY]), response=ANSWER)
    with pytest.raises(psycopg.errors.CheckViolation):
        await PostgresEventLog(commands).append(write)
    assert counts(admin) == (0, 0, 0, 0)


async def test_secrets_are_shredded_only_if_the_deletion_is_recorded(
    commands: Pool, admin: Connection[TupleRow], write_of: WriteOf, created: IntegrationCreated
) -> None:
    log = PostgresEventLog(commands)
    await log.append(write_of(created, sealed=[API_KEY]))
    admin.execute("ALTER TABLE integrations.events ADD CHECK (position < 2)")
    delete = write_of(
        IntegrationDeleted(), after=await log.read("demo", "int_1"), deletes_secrets=True
    )
    with pytest.raises(psycopg.errors.CheckViolation):
        await log.append(delete)
    assert counts(admin) == (1, 1, 1, 0)
    admin.execute("ALTER TABLE integrations.events DROP CONSTRAINT events_position_check")
    await log.append(delete)
    assert counts(admin) == (2, 0, 0, 0)


async def test_a_writer_that_hangs_makes_others_unavailable_after_two_seconds_and_no_reader(
    commands: Pool, admin: Connection[TupleRow], write_of: WriteOf, created: IntegrationCreated
) -> None:
    log = PostgresEventLog(commands)
    admin.execute(LOCK)
    started = asyncio.get_running_loop().time()
    with pytest.raises(UnavailableError):
        await log.append(write_of(created))
    assert 1.5 < asyncio.get_running_loop().time() - started < 10
    assert await log.read("demo", "int_1") == []
    admin.execute(LOCK.replace("lock(", "unlock("))  # pyright: ignore[reportArgumentType] — a constant
    assert await log.append(write_of(created)) == [1]


async def test_an_answer_is_forgotten_after_24_hours_and_its_key_can_be_used_again(
    commands: Pool, admin: Connection[TupleRow], write_of: WriteOf, created: IntegrationCreated
) -> None:
    log = PostgresEventLog(commands)
    await log.append(replace(write_of(created), response=ANSWER))
    admin.execute(
        "UPDATE integrations.idempotent_responses"
        " SET stored_at = now() - interval '24 hours 1 second'"
    )
    assert await log.stored_response("demo", "key-1") is None
    later = replace(ANSWER, status=200, fingerprint=b"other")
    await log.append(replace(write_of(created, stream="int_2"), response=later))
    assert await log.stored_response("demo", "key-1") == later


async def test_a_pool_that_is_closed_is_unavailable(
    commands: Pool, write_of: WriteOf, created: IntegrationCreated
) -> None:
    await commands.close()
    with pytest.raises(UnavailableError):
        await PostgresEventLog(commands).append(write_of(created))
    with pytest.raises(UnavailableError):
        await PostgresEventLog(commands).read("demo", "int_1")


async def test_a_server_that_cuts_connections_soon_works_again(
    commands: Pool, admin: Connection[TupleRow], write_of: WriteOf, created: IntegrationCreated
) -> None:
    log = PostgresEventLog(commands)
    await log.read("demo", "int_1")
    admin.execute(CUT)
    for _ in range(9):  # those that are seen to be cut are replaced; the others are few
        with suppress(UnavailableError):
            assert await log.append(write_of(created)) == [1]
            break
    assert len(await log.read("demo", "int_1")) == 1


async def test_an_append_whose_statement_is_cancelled_is_unavailable(
    commands: Pool, admin: Connection[TupleRow], write_of: WriteOf, created: IntegrationCreated
) -> None:
    admin.execute(LOCK)
    appending = asyncio.create_task(PostgresEventLog(commands).append(write_of(created)))
    async with asyncio.timeout(5):
        while not admin.execute(CANCEL).fetchall():  # noqa: ASYNC110 — the event is in the database
            await asyncio.sleep(0.01)
    with pytest.raises(UnavailableError):
        await appending


# ----- What waits together -----
async def test_appends_that_wait_together_each_get_what_is_theirs(
    commands: Pool, write_of: WriteOf, created: IntegrationCreated
) -> None:
    log = PostgresEventLog(commands)
    off = IntegrationToggled(is_active=False)
    writes = [write_of(created, off, stream=f"int_{number % 20}") for number in range(40)]
    results = await asyncio.gather(*map(log.append, writes), return_exceptions=True)
    taken = [result for result in results if isinstance(result, ConcurrencyError)]
    positions = [result for result in results if isinstance(result, list)]
    assert (len(taken), len(positions)) == (20, 20)
    assert sorted(chain(*positions)) == list(range(1, 41))
    for write, result in zip(writes, results, strict=True):
        if isinstance(result, list):
            history = await log.read("demo", write.stream)
            assert [event.position for event in history] == result


async def test_each_workspace_numbers_its_own_events_without_gaps_also_in_one_batch(
    commands: Pool, admin: Connection[TupleRow], write_of: WriteOf, created: IntegrationCreated
) -> None:
    log = PostgresEventLog(commands)
    off = IntegrationToggled(is_active=False)
    for round_ in range(3):
        writes = [
            write_of(created, off, workspace="a", stream=f"int_{round_}"),
            write_of(created, off, workspace="b", stream=f"int_{round_}"),
            write_of(created, workspace="a", stream=f"int_{round_}_more"),
            write_of(created, off, workspace="c", stream=f"int_{round_}"),
        ]
        await asyncio.gather(*map(log.append, writes))
    numbers = admin.execute(
        "SELECT workspace_id, array_agg(sequence ORDER BY position) FROM integrations.events"
        " GROUP BY workspace_id ORDER BY workspace_id"
    ).fetchall()
    assert numbers == [("a", [*range(1, 10)]), ("b", [*range(1, 7)]), ("c", [*range(1, 7)])]


@pytest.mark.parametrize(("together", "batches"), [(1, 6), (128, 2)])
async def test_how_many_appends_share_a_commit_can_be_said(
    commands: Pool, write_of: WriteOf, created: IntegrationCreated, together: int, batches: int
) -> None:
    log = PostgresEventLog(commands, max_batch=together)
    first = asyncio.create_task(log.append(write_of(created, stream="int_0")))
    await asyncio.sleep(0)  # it is under way; the others wait for it
    await asyncio.gather(*(log.append(write_of(created, stream=f"int_{n}")) for n in range(1, 6)))
    assert await first == [1]
    assert log.batchers["appends"].batches == batches


@pytest.mark.parametrize("text", ["\0", "\ud800"], ids=["NUL", "half a pair"])
async def test_a_write_that_the_database_cannot_take_fails_alone(
    commands: Pool, write_of: WriteOf, created: IntegrationCreated, text: str
) -> None:
    log = PostgresEventLog(commands)
    bad = write_of(replace(created, name=text), stream="int_bad")
    writes = [write_of(created, stream="int_1"), bad, write_of(created, stream="int_2")]
    first = asyncio.create_task(log.append(write_of(created, stream="int_0")))
    await asyncio.sleep(0)  # it is under way; the three wait for it, and then go together
    results = await asyncio.gather(*map(log.append, writes), return_exceptions=True)
    assert await first == [1]
    assert [results[0], results[2]] == [[2], [3]]
    assert isinstance(results[1], psycopg.DataError)
    assert str(results[1]) == ""


async def test_the_stored_bytes_are_the_encoded_envelope(
    commands: Pool, admin: Connection[TupleRow], write_of: WriteOf, created: IntegrationCreated
) -> None:
    write = write_of(replace(created, name='Ümläut "\\ \u2028 🐘 \t \\u0041 \x7f'))
    await PostgresEventLog(commands).append(write)
    stored = admin.execute("SELECT type, envelope FROM integrations.events").fetchall()
    assert stored == [("IntegrationCreated", encoder.encode(write.envelopes[0]))]


async def test_no_error_and_no_log_line_holds_what_was_written(
    commands: Pool,
    admin: Connection[TupleRow],
    write_of: WriteOf,
    created: IntegrationCreated,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    log = PostgresEventLog(commands)
    write = write_of(replace(created, name="canary-name"), sealed=[API_KEY])
    await log.append(write)
    taken = await error_of(log, write)
    admin.execute(LOCK)
    errors = [taken, await error_of(log, write_of(created, stream="canary"))]
    assert [type(error) for error in errors] == [ConcurrencyError, UnavailableError]
    said = caplog.text + "".join(f"{error!r}{error}{error.__cause__!r}" for error in errors)
    assert "canary" not in said


async def error_of(log: PostgresEventLog, write: Changeset) -> Exception:
    with pytest.raises(Exception) as raised:  # noqa: PT011 — whatever it is
        await log.append(write)
    return raised.value


async def test_the_row_of_the_view_is_the_fold_of_the_log_to_the_last_column(
    commands: Pool, admin: Connection[TupleRow], write_of: WriteOf, created: IntegrationCreated
) -> None:
    write = write_of(replace(created, name='Ümläut "\\ \u2028 🐘', sender_name="null"))
    await PostgresEventLog(commands).append(write)
    [row] = admin.execute("TABLE integrations.integration_view").fetchall()
    assert IntegrationRow(*row) == write.rows["integration_view"]
