"""Races of commands: the loser loads and decides again, and in the end each gets its turn."""

import asyncio

import pytest
from msgspec.structs import replace

from app.command_handler import (
    MAX_ATTEMPTS,
    CommandHandler,
    CommandRequest,
    PreparedCommand,
)
from app.database.availability import UnavailableError
from app.database.pools import Pool
from app.event_store.postgres import PostgresEventLog
from app.event_store.protocol import (
    Changeset,
    ConcurrencyError,
    EventLog,
    StoredResponse,
)
from app.event_store.snapshots import StreamState
from domain.envelope import RecordedEvent
from domain.errors import (
    IntegrationNotFoundError,
    VersionMismatchError,
)
from domain.integration import (
    Integration,
    IntegrationToggled,
    ReplaceCredentials,
)
from tests.support.commands import (
    API_KEY,
    CHECK,
    CREATE,
    DELETE,
    OFF,
    ON,
    ORIGIN,
    Contended,
    asks,
    ticking,
)
from tests.support.in_memory_log import InMemoryEventLog


class Racing:
    """A log in which the first *runners* readers wait for each other, so that all but one lose."""

    def __init__(self, log: EventLog, runners: int) -> None:
        self.log = log
        self.barrier = asyncio.Barrier(runners)
        self.left = runners
        self.lost = 0

    async def read(self, workspace: str, stream: str) -> list[RecordedEvent]:
        return await self.log.read(workspace, stream)

    async def load(self, workspace: str, stream: str) -> StreamState:
        past = await self.log.load(workspace, stream)
        if self.left:
            self.left -= 1
            await self.barrier.wait()
        return past

    async def append(self, write: Changeset) -> list[int]:
        try:
            return await self.log.append(write)
        except ConcurrencyError:
            self.lost += 1
            raise

    async def stored_response(self, workspace: str, key: str) -> StoredResponse | None:
        return await self.log.stored_response(workspace, key)

    async def confirm(self) -> None:
        await self.log.confirm()


@pytest.fixture(params=["memory", "postgres"])
def any_log(request: pytest.FixtureRequest) -> EventLog:
    """Each event log in turn."""
    if request.param == "memory":
        return InMemoryEventLog()
    pool: Pool = request.getfixturevalue("commands")
    return PostgresEventLog(pool)


async def test_the_loser_of_two_toggles_finds_that_it_already_is_so(any_log: EventLog) -> None:
    await CommandHandler(any_log, ticking()).handle(asks(CREATE))
    racing = Racing(any_log, 2)
    executor = CommandHandler(racing, ticking())
    first, second = await asyncio.gather(*[executor.handle(asks(OFF)) for _ in range(2)])
    assert first == second
    assert racing.lost == 1
    history = await any_log.read("demo", "int_1")
    assert [event.version for event in history] == [1, 2]


async def test_the_loser_of_two_deletions_finds_nothing_to_delete(any_log: EventLog) -> None:
    await CommandHandler(any_log, ticking()).handle(asks(CREATE))
    racing = Racing(any_log, 2)
    executor = CommandHandler(racing, ticking())
    results = await asyncio.gather(
        *[executor.handle(asks(DELETE)) for _ in range(2)], return_exceptions=True
    )
    assert sorted(map(type, results), key=str) == sorted(
        [type(None), IntegrationNotFoundError], key=str
    )
    assert racing.lost == 1
    assert len(await any_log.read("demo", "int_1")) == 2


async def test_eight_at_once_all_get_their_turn(any_log: EventLog) -> None:
    await CommandHandler(any_log, ticking()).handle(asks(CREATE))
    racing = Racing(any_log, 8)
    executor = CommandHandler(racing, ticking())
    asked = [asks(OFF if number % 2 else ON) for number in range(8)]
    rows = await asyncio.gather(*map(executor.handle, asked))
    wanted = [number % 2 == 0 for number in range(8)]
    assert [row and row.is_active for row in rows] == wanted
    history = await any_log.read("demo", "int_1")
    assert [event.version for event in history] == list(range(1, len(history) + 1))
    toggles = [e.event.is_active for e in history if isinstance(e.event, IntegrationToggled)]
    assert toggles == [number % 2 == 1 for number in range(len(toggles))]


async def test_a_request_expecting_a_version_loses_a_race_for_good(any_log: EventLog) -> None:
    await CommandHandler(any_log, ticking()).handle(asks(CREATE))
    executor = CommandHandler(Racing(any_log, 2), ticking())
    expecting = replace(asks(OFF), expected_versions=frozenset({1}))
    results = await asyncio.gather(
        *[executor.handle(expecting) for _ in range(2)], return_exceptions=True
    )
    assert sum(isinstance(result, VersionMismatchError) for result in results) == 1


async def test_a_request_expecting_a_version_gets_its_turn_after_a_check(
    any_log: EventLog,
) -> None:
    """The check is appended between load and append; nothing shown has changed."""
    executor = CommandHandler(any_log, ticking())
    await executor.handle(asks(CREATE))
    checks = iter([asks(CHECK)])

    async def overtaken(_: Integration) -> PreparedCommand:
        for check in checks:
            await executor.handle(check)
        return PreparedCommand(OFF)

    expecting = replace(asks(OFF), command=overtaken, expected_versions=frozenset({1}))
    row = await executor.handle(expecting)
    assert row is not None
    assert (row.is_active, row.version) == (False, 3)


async def test_secrets_are_prepared_again_for_the_version_that_the_loser_finds(
    any_log: EventLog,
) -> None:
    await CommandHandler(any_log, ticking()).handle(asks(CREATE))
    racing = Racing(any_log, 2)
    seen: list[int] = []

    async def rotated(integration: Integration) -> PreparedCommand:
        version = max([c.version for c in integration.credentials], default=0) + 1
        seen.append(version)
        sealed = replace(API_KEY, version=version)
        return PreparedCommand(ReplaceCredentials(credentials=(sealed.credential,)), [sealed])

    request = CommandRequest(workspace="demo", stream="int_1", metadata=ORIGIN, command=rotated)
    await asyncio.gather(*[CommandHandler(racing, ticking()).handle(request) for _ in range(2)])
    assert seen == [1, 1, 2]


async def test_a_stream_that_is_too_contended_is_unavailable() -> None:
    log = Contended()
    with pytest.raises(UnavailableError):
        await CommandHandler(log, ticking()).handle(asks(OFF))
    assert log.appends == MAX_ATTEMPTS
