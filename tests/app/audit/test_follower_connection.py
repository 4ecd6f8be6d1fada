"""The follower across a way that swallows all: it comes back, and never holds up a stop."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from app.audit import follower, follower_connection
from app.audit.checkpoint import CheckpointKey
from app.audit.follower import SHUTDOWN_TIMEOUT, follow_log
from app.audit.follower_connection import cancel_after, follower_session
from app.audit.verify import VerificationResult
from app.database.pools import CANCEL_TIMEOUT
from tests.app.audit.conftest import Writer, until_signed
from tests.reliability.proxy import Proxy

Verify = Callable[..., Awaitable[VerificationResult]]
SOON = 60  # seconds
BUSY = 20  # seconds that a busy machine may need in addition
SETTINGS = """
SELECT name, reset_val FROM pg_settings
WHERE name LIKE 'tcp_%' OR name IN ('lock_timeout', 'statement_timeout') ORDER BY name
"""  # reset_val, as nothing of TCP holds on the Unix socket that these tests go through


async def test_a_way_that_stalls_is_given_up_and_all_is_signed_once_it_is_free(
    writer: Writer, dsn: str, key: CheckpointKey, verifying: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "POLL_INTERVAL", 0.05)
    monkeypatch.setattr(follower_connection.SlowQueryConnection, "response_timeout", 0.5)
    proxy, stopping = Proxy(), asyncio.Event()
    with proxy.open(dsn) as way, capture_logs() as told:
        task = asyncio.create_task(follow_log(way, lambda: key, stopping))
        await writer.append("demo", "int_9", writer.off)
        await until_signed(verifying)
        proxy.stalled = True
        await writer.append("demo", "int_9", writer.on)
        async with asyncio.timeout(SOON):
            while not told:  # noqa: ASYNC110 — it tells nobody but its log
                await asyncio.sleep(0.05)
        proxy.stalled = False
        await until_signed(verifying)
        stopping.set()
        await asyncio.wait_for(task, SOON)
    assert {line["event"] for line in told} == {"audit follower waits for the database"}


async def test_a_way_that_stalls_does_not_hold_up_a_stop(
    dsn: str, key: CheckpointKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "POLL_INTERVAL", 0.05)
    proxy, stopping = Proxy(), asyncio.Event()
    with proxy.open(dsn) as way:
        task = asyncio.create_task(follow_log(way, lambda: key, stopping))
        await asyncio.sleep(0.5)
        proxy.stalled = True
        await asyncio.sleep(0.2)  # by now it waits for an answer
        stopping.set()
        began = time.monotonic()
        await task
    assert time.monotonic() - began < SHUTDOWN_TIMEOUT + CANCEL_TIMEOUT + BUSY


async def test_a_loss_is_missed_by_both_sides_and_large_statements_have_their_time(
    dsn: str,
) -> None:
    async with follower_session(dsn) as connection:
        ours = connection.info.get_parameters()
        theirs = await (await connection.execute(SETTINGS)).fetchall()
    assert (ours["connect_timeout"], ours["tcp_user_timeout"]) == ("3", "5000")
    assert (ours["keepalives_idle"], ours["application_name"]) == ("5", "integrations_follower")
    assert theirs == [
        ("lock_timeout", "0"),
        ("statement_timeout", "60000"),
        ("tcp_keepalives_count", "3"),
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "2"),
        ("tcp_user_timeout", "5000"),
    ]


async def test_who_is_to_stop_has_so_long_from_then_on_and_who_is_not_has_for_ever() -> None:
    stopping = asyncio.Event()
    async with cancel_after(stopping, 0.1):
        await asyncio.sleep(0.3)
    stopping.set()
    with pytest.raises(TimeoutError):
        async with cancel_after(stopping, 0.1):
            await asyncio.sleep(SOON)
