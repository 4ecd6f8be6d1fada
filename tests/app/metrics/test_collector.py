"""Metrics tell what was counted, and look at pools and batchers when somebody asks."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from app.batching import Batcher
from app.metrics.collector import Metrics

REQUEST = "integrations_http_request_duration_seconds"
GET = ("/{locale}/api/integration", "GET", 200)


class EightConnections:
    """A pool of eight connections: three at work, two idle, and four requests that wait."""

    name = "commands"

    def get_stats(self) -> dict[str, int]:
        return {"pool_max": 8, "pool_size": 5, "pool_available": 2, "requests_waiting": 4}


async def squares(numbers: Sequence[int]) -> list[int | Exception]:
    await asyncio.sleep(0.01)
    return [number**2 for number in numbers]


async def nothing_more() -> Mapping[str, float]:
    return {}


@pytest.fixture
def batcher() -> Batcher[int, int]:
    return Batcher(squares)


@pytest.fixture
def metrics(batcher: Batcher[int, int]) -> Metrics:
    return Metrics(
        "1.2.3",
        [EightConnections()],
        {"squares": batcher},
        nothing_more,
        lambda: [(3, "integrations_feed_streams"), (5, "integrations_leases_total", "GRANTED")],
    )


async def lines(metrics: Metrics) -> list[str]:
    return (await metrics.text()).decode().splitlines()


async def test_a_request_is_counted_by_its_kind_and_in_the_bucket_of_its_time(
    metrics: Metrics,
) -> None:
    for seconds in (0.004, 0.004, 0.3):
        metrics.count(GET, seconds)

    told = await lines(metrics)
    labels = 'method="GET",route="/{locale}/api/integration",status="200"'
    assert f"{REQUEST}_count{{{labels}}} 3.0" in told
    assert f'{REQUEST}_bucket{{le="0.0025",{labels}}} 0.0' in told
    assert f'{REQUEST}_bucket{{le="0.005",{labels}}} 2.0' in told
    assert f'{REQUEST}_bucket{{le="0.5",{labels}}} 3.0' in told


async def test_a_pool_reports_its_size_its_use_and_its_waiting_requests(metrics: Metrics) -> None:
    told = await lines(metrics)

    assert 'integrations_pool_connections{pool="commands"} 5.0' in told
    assert 'integrations_pool_connections_in_use{pool="commands"} 3.0' in told
    assert 'integrations_pool_connections_max{pool="commands"} 8.0' in told
    assert 'integrations_pool_waiting{pool="commands"} 4.0' in told


async def test_batches_and_their_requests_are_counted_once_however_often_they_are_read(
    metrics: Metrics, batcher: Batcher[int, int]
) -> None:
    asking = asyncio.gather(*map(batcher.submit, range(5)))
    await asyncio.sleep(0)
    await lines(metrics)
    await asking

    for _ in range(2):
        told = await lines(metrics)
        assert 'integrations_batches_total{batch="squares"} 1.0' in told
        assert 'integrations_batch_requests_total{batch="squares"} 5.0' in told
        assert 'integrations_batch_waiting{batch="squares"} 0.0' in told


async def test_what_the_process_counts_is_shown_with_its_labels(metrics: Metrics) -> None:
    for _ in range(2):
        told = await lines(metrics)
        assert "integrations_feed_streams 3.0" in told
        assert 'integrations_leases_total{outcome="GRANTED"} 5.0' in told


async def test_the_version_and_the_resources_of_the_process_are_reported(metrics: Metrics) -> None:
    metrics.in_progress = 7

    told = dict(line.rsplit(" ", 1) for line in await lines(metrics) if line[0] != "#")
    assert told['integrations_build_info{version="1.2.3"}'] == "1.0"
    assert told["integrations_http_requests_in_progress"] == "7.0"
    assert float(told["process_resident_memory_bytes"]) > 1e7
    assert float(told["process_cpu_seconds_total"]) > 0
