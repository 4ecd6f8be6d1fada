"""Eight writers at once, and two tailing readers that must not miss or repeat a position."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Event

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from app.database.pools import open_pool
from app.event_store.codec import decode_recorded
from app.event_store.postgres import PostgresEventLog
from app.event_store.protocol import Changeset, ConcurrencyError, EventLog
from app.event_store.recorder import LibraryRecorder
from domain.envelope import RecordedEvent
from domain.integration import IntegrationCreated, IntegrationToggled

WRITERS, WRITES = 8, 40
LAST = """
SELECT integrations.append('[
    {
        "workspace": "demo", "stream": "int_last", "version": 1, "type": "Last", "action": "A",
        "actor_id": "user-1", "at": "2026-11-23T00:00:00Z", "envelope": "x"
    }
]')
"""
EVERY = "SELECT position, envelope FROM integrations.events ORDER BY position"
TAIL = "SELECT position FROM integrations.events WHERE position > %s ORDER BY position LIMIT 7"
WriteOf = Callable[..., Changeset]


class Writer:
    """Appends to streams of its own, and to two that all writers write."""

    def __init__(
        self, dsn: str, number: int, write_of: WriteOf, created: IntegrationCreated
    ) -> None:
        self.dsn = dsn
        self.number = number
        self.write_of = write_of
        self.created = created
        self.random = Random(number)  # noqa: S311 — a reproducible choice, no secret
        self.written: dict[int, tuple[str, int]] = {}
        self.conflicts = 0

    def run(self) -> None:
        """Write in a thread and an event loop of its own."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        async with open_pool(self.dsn, "integrations_command") as pool:
            for _ in range(WRITES):
                await self._write(PostgresEventLog(pool))

    async def _write(self, log: EventLog) -> None:
        own = f"int_{self.number}_{self.random.randrange(3)}"
        stream = self.random.choice([own, "int_shared_1", "int_shared_2"])
        history = await log.read("demo", stream)
        stale = self.random.random() < 0.2
        write = self.write_of(*self.events(history), after=[] if stale else history, stream=stream)
        try:
            positions = await log.append(write)
        except ConcurrencyError:
            self.conflicts += 1
        else:
            versions = [(stream, envelope.version) for envelope in write.envelopes]
            self.written |= dict(zip(positions, versions, strict=True))

    def events(
        self, history: list[RecordedEvent]
    ) -> Sequence[IntegrationCreated | IntegrationToggled]:
        """Return one to three events that may follow *history*."""
        more = [IntegrationToggled(is_active=even) for even in (False, True, False)]
        return [self.created] if not history else more[: self.random.randint(1, 3)]


def followed(log: LibraryRecorder, done: Event) -> list[int]:
    """Return the positions that a subscription hands out until all is written and handed out."""
    seen: list[int] = []
    with log.subscribe(gt=0) as subscription:
        for notification in subscription:
            seen.append(notification.id)
            if notification.topic == "Last":
                assert done.is_set()
                return seen
    return seen


def polled(dsn: str, done: Event) -> list[int]:
    """Return the positions that a plain poller finds, small page by small page."""
    conninfo = make_conninfo(dsn, options="-c role=integrations_command -c app.workspace=demo")
    with psycopg.connect(conninfo, autocommit=True) as connection:
        return list(pages(connection, done))


def pages(connection: Connection[TupleRow], done: Event) -> Iterator[int]:
    last = 0
    while True:
        ending = done.is_set()
        page = [position for (position,) in connection.execute(TAIL, (last,))]
        yield from page
        last = page[-1] if page else last
        if ending and not page:
            return


def write_all(writers: list[Writer], admin: Connection[TupleRow], done: Event) -> None:
    """Let all writers write; then append an event that tells the subscription to end."""
    with ThreadPoolExecutor(WRITERS) as threads:
        for ended in [threads.submit(writer.run) for writer in writers]:
            ended.result()
    done.set()
    admin.execute(LAST)


def test_eight_writers_leave_no_hole_and_no_reader_misses_or_repeats_a_position(
    dsn: str,
    recorder: LibraryRecorder,
    admin: Connection[TupleRow],
    write_of: WriteOf,
    created: IntegrationCreated,
) -> None:
    writers = [Writer(dsn, number, write_of, created) for number in range(WRITERS)]
    done = Event()
    with ThreadPoolExecutor(2) as readers:
        subscribed = readers.submit(followed, recorder, done)
        tailed = readers.submit(polled, dsn, done)
        write_all(writers, admin, done)

    stored = admin.execute(EVERY).fetchall()
    positions = [position for position, _ in stored]
    assert positions == list(range(1, len(stored) + 1))
    assert subscribed.result() == positions
    assert tailed.result() in (positions, positions[:-1])  # the last is appended after `done`

    assert all(writer.conflicts for writer in writers)
    told = {at: place for writer in writers for at, place in writer.written.items()}
    events = [decode_recorded(*row) for row in stored[:-1]]
    assert told == {event.position: (event.stream, event.version) for event in events}
    assert sum(len(writer.written) for writer in writers) == len(events)
    for stream in {event.stream for event in events}:
        versions = [event.version for event in events if event.stream == stream]
        assert versions == list(range(1, len(versions) + 1))
