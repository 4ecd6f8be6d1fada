"""How far the log is, and how much of it is not signed yet."""

import time
from collections.abc import Awaitable, Callable

import pytest

from app.audit.lag import TIMEOUT, AuditLag
from app.database.pools import CANCEL_TIMEOUT, Pool, open_pool
from domain.integration import IntegrationCreated
from tests.app.audit.conftest import Writer
from tests.reliability.proxy import Proxy

Follow = Callable[[], Awaitable[None]]


@pytest.fixture
def lag(audits: Pool) -> AuditLag:
    return AuditLag(audits)


async def test_an_empty_log_has_nothing_to_sign(lag: AuditLag) -> None:
    assert await lag.gauges() == {
        "integrations_database_up": 1,
        "integrations_log_position": 0,
        "integrations_log_unsigned_events": 0,
    }


async def test_events_lag_until_a_checkpoint_covers_them(
    lag: AuditLag, writer: Writer, follow: Follow, created: IntegrationCreated
) -> None:
    await writer.append("demo", "int_1", created)
    await writer.append("other", "int_2", created)
    before = await lag.gauges()
    await follow()
    after = await lag.gauges()

    assert before["integrations_log_position"] == after["integrations_log_position"] == 2
    assert before["integrations_log_unsigned_events"] == 2
    assert after["integrations_log_unsigned_events"] == 0
    assert after["integrations_checkpoint_timestamp_seconds"] == pytest.approx(time.time(), abs=60)


async def test_a_database_that_is_away_is_told_and_not_raised(lag: AuditLag, audits: Pool) -> None:
    await audits.close()

    assert await lag.gauges() == {"integrations_database_up": 0}


async def test_across_a_way_that_stalls_it_is_told_in_time(dsn: str) -> None:
    proxy = Proxy()
    with proxy.open(dsn) as way:
        async with open_pool(way, "integrations_past") as audits:
            lag = AuditLag(audits)
            await lag.gauges()
            proxy.stalled = True
            began = time.monotonic()
            assert await lag.gauges() == {"integrations_database_up": 0}
            assert time.monotonic() - began < TIMEOUT + CANCEL_TIMEOUT + 20  # a busy machine
            proxy.stalled = False
            assert (await lag.gauges())["integrations_database_up"] == 1
