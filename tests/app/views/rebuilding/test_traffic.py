"""A rebuild takes one lane while others are at work on the database."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from app.views.rebuilding.session import open_session
from app.views.rebuilding.shadows import Shadow
from app.views.rebuilding.traffic import CALM, CONNECTED, WINDOW, Traffic
from app.views.rebuilding.workers import in_lanes

if TYPE_CHECKING:  # pytest loads conftest.py itself
    from tests.app.views.rebuilding.conftest import Live, Views

TELL_AT_ONCE = "SELECT pg_stat_force_next_flush()"


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have two cores, wherever the test runs."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)


def work(admin: Connection[TupleRow]) -> None:
    """Do as many transactions as requests would."""
    for _ in range(200):
        admin.execute("SELECT 1")
    admin.execute(TELL_AT_ONCE)


def test_where_nobody_else_works_there_is_a_lane_for_each_core_and_one_more(
    dsn: str, admin: Connection[TupleRow]
) -> None:
    admin.execute(TELL_AT_ONCE)
    with open_session(dsn) as connection:
        traffic = Traffic(connection)
        assert traffic.lanes == 1
        time.sleep(WINDOW)
        assert traffic.lanes == 3


def test_where_nobody_else_is_connected_there_are_all_lanes_at_once(dsn: str) -> None:
    with open_session(dsn) as connection:
        while connection.execute(CONNECTED).fetchone() != (1,):
            time.sleep(0.01)  # until whoever made this test's database has gone
        assert Traffic(connection).lanes == 3


def test_while_others_work_and_shortly_after_there_is_one_lane(
    dsn: str, admin: Connection[TupleRow]
) -> None:
    with open_session(dsn) as connection:
        traffic = Traffic(connection)
        work(admin)
        time.sleep(WINDOW)
        assert traffic.lanes == 1
        seen: list[int] = []
        for _ in range(CALM):
            time.sleep(WINDOW)
            seen.append(traffic.lanes)
        assert seen == [1, 1, 3]


@pytest.mark.parametrize(("commits", "lanes"), [(201, 3), (100, 1)])
def test_what_the_rebuild_itself_commits_is_no_traffic(
    dsn: str, admin: Connection[TupleRow], commits: int, lanes: int
) -> None:
    admin.execute(TELL_AT_ONCE)
    with open_session(dsn) as connection, ThreadPoolExecutor(3) as threads:
        traffic = Traffic(connection)

        def start(_: int) -> Future[None]:
            return threads.submit(work, admin)

        in_lanes(start, [1], traffic, lambda _: None, commits)
        time.sleep(WINDOW)
        assert traffic.lanes == lanes


def test_what_our_own_connection_did_before_is_no_traffic_later(dsn: str) -> None:
    with open_session(dsn) as connection:
        traffic = Traffic(connection)
        for _ in range(200):
            connection.execute("SELECT 1")
        traffic.settle()
        seen: list[int] = []
        for _ in range(4):  # the server tells what a session did a second later, or more
            time.sleep(WINDOW)
            seen.append(traffic.lanes)
        assert seen[-1] == 3


async def test_a_rebuild_settles_what_it_did_to_prepare_before_its_workers_begin(
    live: "Live", views: "Views", monkeypatch: pytest.MonkeyPatch
) -> None:
    await live(1, 20)
    steps: list[str] = []
    for owner, name in ((Shadow, "open"), (Traffic, "settle"), (Traffic, "expect")):
        note_calls(monkeypatch, owner, name, steps)

    views.rebuild()

    begun = steps[: steps.index("expect") + 1]
    assert begun == ["open"] * 4 + ["settle", "expect"]


def note_calls(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, steps: list[str]) -> None:
    """Have *steps* tell when the method *name* of *owner* is called."""
    plain = getattr(owner, name)

    def noted(*arguments: Any) -> Any:
        steps.append(name)
        return plain(*arguments)

    monkeypatch.setattr(owner, name, noted)


def test_what_was_expected_and_has_ended_hides_no_traffic(
    dsn: str, admin: Connection[TupleRow]
) -> None:
    with open_session(dsn) as connection:
        traffic = Traffic(connection)
        traffic.expect(1_000)
        traffic.settle()
        work(admin)
        time.sleep(WINDOW)
        assert traffic.lanes == 1


def test_jobs_run_in_as_many_lanes_as_there_are_and_all_results_come_back(
    dsn: str, admin: Connection[TupleRow]
) -> None:
    running: list[int] = []
    most: list[int] = []

    def job(number: int) -> int:
        running.append(number)
        most.append(len(running))
        time.sleep(0.05)
        running.remove(number)
        return number

    with open_session(dsn) as connection, ThreadPoolExecutor(4) as threads:
        traffic = Traffic(connection)
        work(admin)
        time.sleep(WINDOW)

        def start(number: int) -> Future[int]:
            return threads.submit(job, number)

        assert sorted(in_lanes(start, range(6), traffic, lambda _: None, 0)) == [*range(6)]
    assert max(most) == 1
