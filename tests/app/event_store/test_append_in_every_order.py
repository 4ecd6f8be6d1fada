"""Two writers and a reader, step by step over real connections, in every order that can be.

A writer begins and appends, then commits or rolls back; a reader asks for what comes after the
last position it has seen. The second writer's append waits until the first has ended, so writers
end in the order of their appends; every other order of the steps is played.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack
from itertools import permutations, product
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from msgspec import Struct
from psycopg import AsyncConnection, Connection
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from app.event_store import postgres

Step = tuple[str, str]
ROLE = "-c role=integrations_command -c app.workspace=demo"
APPEND = """
SELECT generate_series(head + 1, head + 2) FROM integrations.append((
    SELECT jsonb_agg(jsonb_build_object(
        'workspace', 'demo', 'stream', %(stream)s::text, 'version', version, 'type', 'Toggled',
        'action', 'A', 'actor_id', 'user-1', 'at', now(), 'envelope', %(who)s::text
    )) FROM generate_series(1, 2) AS version
)) AS head
"""
TAIL = """
SELECT position, convert_from(envelope, 'UTF8') FROM integrations.events
WHERE position > %s ORDER BY position
"""
HEAD = "SELECT coalesce(max(position), 0) FROM integrations.events"
WAITING = "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted"
APPEND_SQL = (Path(postgres.__file__).with_name("sql") / "append.sql").read_text()
LOCK = "PERFORM integrations.lock_log();"
DENSE = "head := integrations.head();"
FROM_A_SEQUENCE = "PERFORM 1; head := nextval('integrations.gaps') * 2 - 2;"


class Play(Struct, frozen=True):
    """One case: the order of the steps, how each writer ends, and whether both write one stream."""

    order: tuple[Step, ...]
    ends: dict[str, LiteralString]
    same_stream: bool


def orders(steps: tuple[str, ...]) -> Iterator[tuple[Step, ...]]:
    """Yield every order of two writers' *steps* and two reads in which writers end as they append.

    A always appends first: the other half is the same with the names exchanged.
    """
    who = ("A", "B") * len(steps) + ("R", "R")
    for names in sorted(set(permutations(who))):
        left = {"A": iter(steps), "B": iter(steps), "R": iter(("read", "read"))}
        order = tuple((name, next(left[name])) for name in names)
        appends = order.index(("A", "append")), order.index(("B", "append"))
        ends = order.index(("A", "end")), order.index(("B", "end"))
        if appends[0] < appends[1] and ends[0] < ends[1]:
            yield order


def plays(*steps: str) -> list[Play]:
    """Return every case: every order, every pair of endings, one stream and two."""
    ways: list[LiteralString] = ["COMMIT", "ROLLBACK"]
    endings = [dict(zip("AB", both, strict=True)) for both in product(ways, repeat=2)]
    return [Play(*case) for case in product(orders(steps), endings, [True, False])]


class Writer:
    """A connection that appends two events in a transaction of its own."""

    def __init__(self, connection: AsyncConnection, name: str, stream: str) -> None:
        self.connection = connection
        self.name = name
        self.stream = stream
        self.appending: asyncio.Task[list[int]] | None = None

    async def begin(self) -> None:
        """Begin the transaction."""
        await self.connection.execute("BEGIN")

    async def append(self, onlooker: AsyncConnection) -> bool:
        """Send the append; return, once it is done or waits for a lock, whether it waits."""
        if self.connection.info.transaction_status == TransactionStatus.IDLE:
            await self.begin()
        self.appending = asyncio.create_task(self._append())
        while not await self.waits(onlooker):
            finished, _ = await asyncio.wait([self.appending], timeout=0.002)
            if finished:
                return False
        return True

    async def _append(self) -> list[int]:
        cursor = await self.connection.execute(APPEND, {"stream": self.stream, "who": self.name})
        return [position for (position,) in await cursor.fetchall()]

    async def waits(self, onlooker: AsyncConnection) -> bool:
        """Tell whether the database says that this writer waits for a lock."""
        cursor = await onlooker.execute(WAITING, (self.connection.info.backend_pid,))
        return await cursor.fetchone() != (0,)

    async def end(self, how: LiteralString) -> list[int]:
        """End the transaction; return the positions committed, none after a conflict."""
        assert self.appending is not None
        try:
            positions = await self.appending
        except psycopg.errors.UniqueViolation as conflict:
            await self.connection.execute("ROLLBACK")
            if conflict.diag.constraint_name != "events_version":
                message = "two events at one position"
                raise AssertionError(message) from None
            return []
        await self.connection.execute(how)
        return positions if how == "COMMIT" else []


class Reader:
    """Tails the log from the last position that it has seen."""

    def __init__(self, connection: AsyncConnection, head: int) -> None:
        self.connection = connection
        self.seen: list[tuple[int, str]] = []
        self.last = head

    async def read(self) -> None:
        """Ask for what has come since."""
        cursor = await self.connection.execute(TAIL, (self.last,))
        for position, who in await cursor.fetchall():
            self.seen.append((position, who))
            self.last = position


class Stage:
    """Four connections, on which one play after the other is played."""

    def __init__(self, connections: list[AsyncConnection]) -> None:
        *self.writing, self.reading, self.onlooker = connections
        self.number = 0

    async def perform(self, play: Play) -> list[bool]:
        """Play *play*; return of each append whether it waited.

        Raises:
            AssertionError: an event was missed, repeated or out of order, or there is a hole.
        """
        self.number += 1
        writers = {name: self.writer(name, play) for name in "AB"}
        head = await self.head()
        reader = Reader(self.reading, head)
        committed: list[tuple[int, str]] = []
        waited: list[bool] = []
        try:
            for name, step in play.order:
                if step == "read":
                    await reader.read()
                elif step == "begin":
                    await writers[name].begin()
                elif step == "append":
                    waited.append(await writers[name].append(self.onlooker))
                else:
                    ended = await writers[name].end(play.ends[name])
                    committed += [(position, name) for position in ended]
        finally:
            for connection in self.writing:
                await connection.execute("ROLLBACK")
        await reader.read()
        assert reader.seen == committed
        assert [position for position, _ in committed] == [
            *range(head + 1, head + 1 + len(committed))
        ]
        return waited

    def writer(self, name: str, play: Play) -> Writer:
        """Return the writer *name* with the stream that it writes in *play*."""
        own = name if not play.same_stream else ""
        return Writer(self.writing["AB".index(name)], name, f"int_{self.number}{own}")

    async def head(self) -> int:
        """Return the last position of the log."""
        row = await (await self.onlooker.execute(HEAD)).fetchone()
        assert row is not None
        return row[0]


@pytest.fixture
async def stage(dsn: str) -> AsyncGenerator[Stage]:
    """A stage on a database of its own."""
    conninfo = make_conninfo(dsn, options=ROLE)
    async with AsyncExitStack() as stack:
        connecting = [AsyncConnection.connect(conninfo, autocommit=True) for _ in range(4)]
        yield Stage([await stack.enter_async_context(await each) for each in connecting])


def events_of(play: Play) -> int:
    """Return how many events are recorded: the second of one stream loses to what is committed."""
    first, second = (play.ends[name] == "COMMIT" for name in "AB")
    return 2 * first + 2 * (second and not (first and play.same_stream))


async def perform_all(stage: Stage, every: list[Play]) -> None:
    for play in every:
        head = await stage.head()
        waited = await stage.perform(play)
        order = [step for step in play.order if step[1] in ("append", "end")]
        overlapping = order[1] == ("B", "append")
        assert waited == [False, overlapping], play
        assert await stage.head() == head + events_of(play), play


async def test_whatever_the_order_nothing_is_missed_repeated_or_left_out(stage: Stage) -> None:
    every = plays("append", "end")
    assert len(every) == 240
    await perform_all(stage, every)


@pytest.mark.slow
async def test_when_transactions_begin_makes_no_difference(stage: Stage) -> None:
    await perform_all(stage, plays("begin", "append", "end"))


async def test_a_reader_never_waits_for_a_writer(stage: Stage) -> None:
    writer = stage.writer("A", Play((), {}, same_stream=False))
    await writer.begin()
    await writer.append(stage.onlooker)
    reader = Reader(stage.reading, 0)
    await asyncio.wait_for(reader.read(), timeout=5)
    assert reader.seen == []
    await writer.end("COMMIT")
    await reader.read()
    assert reader.seen == [(1, "A"), (2, "A")]


# ----- Would the plays notice? -----
def broken(*changes: tuple[str, str]) -> bytes:
    """Return append.sql with each text, which must be there, replaced by another."""
    text = APPEND_SQL
    for right, wrong in changes:
        assert text.count(right) == 1
        text = text.replace(right, wrong)
    return text.encode()


async def faults(stage: Stage, every: list[Play]) -> list[Play]:
    """Return the plays that go wrong."""
    wrong: list[Play] = []
    for play in every:
        try:
            await stage.perform(play)
        except AssertionError:
            wrong.append(play)
    return wrong


async def test_without_the_lock_the_plays_notice(stage: Stage, admin: Connection[TupleRow]) -> None:
    admin.execute(broken((LOCK, "")))
    wrong = await faults(stage, plays("append", "end"))
    assert wrong
    assert all(play.ends["A"] == "COMMIT" for play in wrong)


async def test_positions_from_a_sequence_make_a_reader_miss_events_and_the_plays_notice(
    stage: Stage, admin: Connection[TupleRow]
) -> None:
    admin.execute(broken((LOCK, ""), (DENSE, FROM_A_SEQUENCE)))
    # Two writers of one workspace would wait for each other here, too.
    admin.execute("ALTER TABLE integrations.events DROP CONSTRAINT events_sequence")
    admin.execute("CREATE SEQUENCE integrations.gaps")
    admin.execute("GRANT USAGE ON SEQUENCE integrations.gaps TO integrations_command")
    late: tuple[Step, ...] = (
        ("A", "append"), ("B", "append"), ("B", "end"), ("R", "read"), ("A", "end"), ("R", "read"),
    )  # fmt: skip
    both: dict[str, LiteralString] = {"A": "COMMIT", "B": "COMMIT"}
    with pytest.raises(AssertionError, match=r"Right contains 2 more items.*\(1, 'A'\)"):
        await stage.perform(Play(late, both, same_stream=False))
    holes = plays("append", "end")
    rolled_back = [p for p in holes if p.ends == {"A": "ROLLBACK", "B": "COMMIT"}]
    assert await faults(stage, rolled_back) == rolled_back
