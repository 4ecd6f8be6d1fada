"""Reading the rows: one workspace's, and nobody else's."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.database.availability import UnavailableError
from app.database.pools import Pool, open_pool
from app.event_store.postgres import PostgresEventLog
from app.event_store.protocol import Changeset
from app.views.integrations import IntegrationViews
from domain.integration import IntegrationCreated, IntegrationDeleted

WriteOf = Callable[..., Changeset]


@pytest.fixture
def views(queries: Pool) -> IntegrationViews:
    return IntegrationViews(queries)


@pytest.fixture
def log(commands: Pool) -> PostgresEventLog:
    return PostgresEventLog(commands)


async def test_a_row_is_read_as_it_was_written(
    views: IntegrationViews, log: PostgresEventLog, write_of: WriteOf, created: IntegrationCreated
) -> None:
    write = write_of(created)
    await log.append(write)
    assert await views.one("demo", "int_1") == write.rows["integration_view"]
    assert await views.all("demo") == [write.rows["integration_view"]]


async def test_nobody_sees_what_is_another_workspaces(
    views: IntegrationViews, log: PostgresEventLog, write_of: WriteOf, created: IntegrationCreated
) -> None:
    await log.append(write_of(created, workspace="mine", stream="int_1"))
    await log.append(write_of(created, workspace="theirs", stream="int_2"))
    assert await views.one("mine", "int_2") is None
    assert await views.one("mine", "int_3") is None
    assert [row.id for row in await views.all("mine")] == ["int_1"]
    assert not await views.all("nobody")


async def test_the_list_is_oldest_first_and_then_by_id(
    views: IntegrationViews, log: PostgresEventLog, write_of: WriteOf, created: IntegrationCreated
) -> None:
    for stream in ("int_3", "int_1", "int_2"):
        await log.append(write_of(created, stream=stream))
    assert [row.id for row in await views.all("demo")] == ["int_1", "int_2", "int_3"]


async def test_a_deleted_integration_is_gone(
    views: IntegrationViews, log: PostgresEventLog, write_of: WriteOf, created: IntegrationCreated
) -> None:
    await log.append(write_of(created))
    await log.append(write_of(IntegrationDeleted(), after=await log.read("demo", "int_1")))
    assert await views.one("demo", "int_1") is None
    assert not await views.all("demo")


async def test_questions_that_wait_together_each_get_their_own_answer(
    views: IntegrationViews, log: PostgresEventLog, write_of: WriteOf, created: IntegrationCreated
) -> None:
    places = [(f"w{number % 3}", f"int_{number}") for number in range(30)]
    for workspace, stream in places:
        await log.append(write_of(created, workspace=workspace, stream=stream))
    found = await asyncio.gather(*[views.one(*place) for place in places * 2])
    assert [row and (row.workspace_id, row.id) for row in found] == places * 2
    strangers = await asyncio.gather(*[views.one("w0", f"int_{n}") for n in range(30)])
    assert [row is not None for row in strangers] == [n % 3 == 0 for n in range(30)]
    lists = await asyncio.gather(*[views.all(f"w{number % 4}") for number in range(12)])
    assert [len(rows) for rows in lists] == [10, 10, 10, 0] * 3
    assert all({row.workspace_id for row in rows} <= {f"w{n % 4}"} for n, rows in enumerate(lists))


async def test_times_are_utc_wherever_the_database_thinks_it_is(
    dsn: str,
    admin: Connection[TupleRow],
    log: PostgresEventLog,
    write_of: WriteOf,
    created: IntegrationCreated,
) -> None:
    database = admin.info.dbname
    admin.execute(f"ALTER DATABASE {database} SET timezone = 'Asia/Tokyo'".encode())
    await log.append(write_of(created))
    async with open_pool(dsn, "integrations_query") as pool:
        row = await IntegrationViews(pool).one("demo", "int_1")
    assert row is not None
    assert row.created_at.utcoffset() == timedelta(0)
    assert row.created_at.hour == 9


async def test_a_database_that_is_away_is_unavailable(
    views: IntegrationViews, queries: Pool
) -> None:
    await queries.close()
    with pytest.raises(UnavailableError):
        await views.one("demo", "int_1")
    with pytest.raises(UnavailableError):
        await views.all("demo")
