"""What follows the log skips nothing, waits for the database, and stops at once."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice

import psycopg
import pytest
from eventsourcing.persistence import Notification, PersistenceError
from psycopg import Connection
from psycopg.rows import DictRow, TupleRow

from app.database.pools import SyncTimeoutConnection
from app.event_store.log_range import LogCorruptedError
from app.event_store.recorder import LibraryRecorder, open_recorder
from app.event_store.subscription import PollingSubscription
from tests.reliability.proxy import Proxy

Log = Connection[TupleRow]
Append = Callable[..., None]
AWAY = "The database is away; waiting for it."
SESSIONS = """
FROM pg_stat_activity
WHERE application_name = 'integrations_recorder' AND datname = current_database()
"""
TERMINATE = f"SELECT pg_terminate_backend(pid) {SESSIONS}"
STATES = f"SELECT DISTINCT state {SESSIONS}"
SOON = 30  # seconds, on a busy machine; a response may take 65


def positions(events: Sequence[Notification]) -> list[int]:
    return [event.id for event in events]


def delete(admin: Log, first: int, last: int) -> None:
    """Delete events as a superuser can, whom no trigger stops."""
    admin.execute("SET session_replication_role = replica")
    admin.execute("DELETE FROM integrations.events WHERE position BETWEEN %s AND %s", (first, last))


def test_a_subscription_wakes_for_events_that_come_after_it(
    recorder: LibraryRecorder, append: Append
) -> None:
    with recorder.subscribe(gt=0) as subscription:
        arriving: Iterator[int] = (notification.id for notification in subscription)
        for version in range(1, 6):
            append(1)
            assert list(islice(arriving, 1)) == [version]


def test_a_subscription_from_a_position_starts_after_it(
    recorder: LibraryRecorder, append: Append
) -> None:
    append(1201)
    with recorder.subscribe(gt=600) as subscription:
        assert positions([*islice(subscription, 601)]) == [*range(601, 1202)]


def test_a_subscription_that_cannot_read_raises_to_its_follower(dsn: str) -> None:
    opened = open_recorder(dsn)
    opened.close()
    with pytest.raises(Exception, match="pool"), opened.subscribe(gt=0) as subscription:
        next(subscription)


def test_following_goes_on_with_what_is_new_over_lost_connections(
    recorder: LibraryRecorder, admin: Log, append: Append, caplog: pytest.LogCaptureFixture
) -> None:
    append(4)
    seen: list[int] = []
    with recorder.subscribe(gt=0) as subscription:
        for more in range(3):
            seen.extend(positions([*islice(subscription, 4 + more)]))
            admin.execute(TERMINATE)
            append(5 + more)

    assert seen == [*range(1, 16)]
    assert caplog.messages.count(AWAY) == 2


def test_a_long_loss_is_reported_once(
    recorder: LibraryRecorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(PollingSubscription, "_read", failing(psycopg.OperationalError("away"), 5))
    subscription = recorder.subscribe(gt=0)
    assert [subscription.poll() for _ in range(6)] == [()] * 6
    assert caplog.messages == [AWAY]


def failing(error: psycopg.Error, times: int) -> Callable[..., Sequence[Notification]]:
    """Return what reads in a subscription's place: it fails so many *times*, then works."""
    read, left = PollingSubscription._read, [error] * times  # noqa: SLF001 — what it stands for  # pyright: ignore[reportPrivateUsage]

    def instead(
        self: PollingSubscription, connection: Connection[DictRow]
    ) -> Sequence[Notification]:
        if left:
            raise left.pop()
        return read(self, connection)

    return instead


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (psycopg.OperationalError("the server is away"), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.InternalError("got no result from the query"), True),
        (psycopg.errors.DataCorrupted(), False),
        (psycopg.errors.InsufficientPrivilege(), False),
    ],
)
def test_only_a_broken_connection_is_waited_for(
    recorder: LibraryRecorder,
    append: Append,
    monkeypatch: pytest.MonkeyPatch,
    error: psycopg.Error,
    *,
    lost: bool,
) -> None:
    append(1)
    monkeypatch.setattr(PollingSubscription, "_read", failing(error, 1))
    following = recorder.subscribe(gt=0)
    if lost:
        assert next(following).id == 1
    else:
        with pytest.raises(PersistenceError) as raised:
            next(following)
        assert raised.value.__cause__ is error


def test_following_one_workspace_skips_the_others_and_misses_nothing(
    recorder: LibraryRecorder, append: Append
) -> None:
    append(3, "b", "int_3")
    following = recorder.subscribe(gt=0, workspace="a").batches()
    append(1, "a", "int_1")
    assert positions(next(following)) == [4]
    append(2, "b", "int_3")
    append(2, "a", "int_1")
    append(1, "b", "int_3")
    assert positions(next(following)) == [7, 8]


def test_following_one_integration_skips_the_others(
    recorder: LibraryRecorder, append: Append
) -> None:
    for _ in range(2):
        append(1, "a", "int_1")
        append(1, "a", "int_2")
        append(1, "b", "int_1")
    following = recorder.subscribe(gt=1, workspace="a", stream="int_1")
    assert positions(following.poll()) == [4]
    assert positions(following.poll()) == []


def test_a_log_that_has_become_shorter_stops_the_follower(
    recorder: LibraryRecorder, admin: Log, append: Append
) -> None:
    append(3)
    following = recorder.subscribe(gt=0).batches()
    assert len(next(following)) == 3
    delete(admin, 2, 3)

    with pytest.raises(LogCorruptedError, match="ends at 1, and 3 was read before"):
        next(following)


@pytest.mark.parametrize("gone", [1, 2, 5, 7])
def test_a_missing_position_stops_the_follower_after_what_came_before(
    recorder: LibraryRecorder, admin: Log, append: Append, gone: int
) -> None:
    append(8)
    delete(admin, gone, gone)
    seen: list[int] = []

    with pytest.raises(LogCorruptedError, match=f"position {gone} is missing"):
        seen.extend(event.id for event in recorder.subscribe(gt=0))

    assert seen == [*range(1, gone)]


def test_no_transaction_stays_open_while_it_waits(
    recorder: LibraryRecorder, admin: Log, append: Append
) -> None:
    append(1)
    following = recorder.subscribe(gt=0)
    assert next(following).id == 1
    assert following.poll() == ()
    assert admin.execute(STATES).fetchall() == [("idle",)]


def test_a_stop_ends_the_wait_of_another_thread(recorder: LibraryRecorder) -> None:
    following = recorder.subscribe(gt=0)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(lambda: [*following])
        time.sleep(0.3)
        following.stop()
        assert waiting.result(SOON) == []


def test_a_way_that_stalls_does_not_hold_up_a_stop(dsn: str) -> None:
    proxy = Proxy()
    with proxy.open(dsn) as way, closing(open_recorder(way)) as recorder:
        following = recorder.subscribe(gt=0)
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(lambda: [*following])
            time.sleep(0.5)
            proxy.stalled = True
            time.sleep(0.5)  # by now it waits for a response
            following.stop()
            assert waiting.result(SOON) == []


def test_a_way_that_stalls_is_given_up(
    dsn: str, append: Append, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(SyncTimeoutConnection, "response_timeout", 0.3)
    append(1)
    proxy = Proxy()
    with proxy.open(dsn) as way, closing(open_recorder(way)) as recorder:
        following = recorder.subscribe(gt=0)
        assert positions(following.poll()) == [1]
        proxy.stalled = True
        assert following.poll() == ()
        assert caplog.messages == [AWAY]
        proxy.stalled = False
        append(1)
        assert next(following).id == 2
