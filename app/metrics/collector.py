"""Metrics: counts requests, and samples pools, batchers and the process once a second."""

import asyncio
import os
from collections.abc import (
    Awaitable,
    Callable,
    Container,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Protocol

from app.metrics.instruments import MULTIPROCESS_DIR, Instruments, RequestLabels

SAMPLE_INTERVAL = 1.0  # seconds


class Pool(Protocol):
    """A pool of connections, as psycopg's are."""

    name: str

    def get_stats(self) -> dict[str, int]:
        """Return how many connections there are, and how many requests wait for one."""
        ...


class BatchStats(Protocol):
    """Counts of a batcher, as app/batching.py has them."""

    batches: int
    requests: int

    @property
    def waiting(self) -> int:
        """How many requests wait for the next batch."""
        ...


MetricValue = tuple[float, str, *tuple[str, ...]]
"""A value, the name of its metric, and that of each label."""


class Metrics:
    """Metrics of *pools*, of *batchers* by name, and the gauges that *read_gauges* returns.

    *own_values* yields more of this process; what *read_gauges* returns is the same in all.
    `in_progress` is how many requests are being processed.
    """

    def __init__(
        self,
        version: str,
        pools: Sequence[Pool],
        batchers: Mapping[str, BatchStats],
        read_gauges: Callable[[], Awaitable[Mapping[str, float]]],
        own_values: Callable[[], Iterable[MetricValue]],
    ) -> None:
        self.in_progress = 0
        self._version = version
        self._pools = pools
        self._batchers = batchers
        self._gauges = read_gauges
        self._own_values = own_values
        self._instruments = Instruments()

    def count(self, kind: RequestLabels, seconds: float) -> None:
        """Count a request of *kind* that took *seconds*."""
        self._instruments.count(kind, seconds)

    async def text(self) -> bytes:
        """Return all there is in Prometheus' text format."""
        self._sample()
        return self._instruments.text(self._version, await self._gauges())

    async def run(self) -> None:
        """Sample periodically, until cancelled, so that other workers can report this one."""
        while True:
            self._sample()
            await asyncio.sleep(SAMPLE_INTERVAL)

    def _sample(self) -> None:
        show = self._instruments.set
        show(1, "integrations_workers")
        show(self.in_progress, "integrations_http_requests_in_progress")
        for pool in self._pools:
            stats = pool.get_stats()
            size, idle = stats["pool_size"], stats["pool_available"]
            show(size, "integrations_pool_connections", pool.name)
            show(size - idle, "integrations_pool_connections_in_use", pool.name)
            show(stats["pool_max"], "integrations_pool_connections_max", pool.name)
            show(stats["requests_waiting"], "integrations_pool_waiting", pool.name)
        for name, batcher in self._batchers.items():
            show(batcher.batches, "integrations_batches_total", name)
            show(batcher.requests, "integrations_batch_requests_total", name)
            show(batcher.waiting, "integrations_batch_waiting", name)
        for figure in self._own_values():
            show(*figure)
        self._instruments.set_process()


@contextmanager
def multiprocess_dir() -> Generator[None]:
    """Make the workers that are started in this block store their metrics in one folder.

    The library takes its name from the environment, which workers inherit.
    """
    with TemporaryDirectory(prefix="integrations-metrics-", ignore_cleanup_errors=True) as folder:
        os.environ[MULTIPROCESS_DIR] = folder
        yield


def drop_dead_gauges(living: Container[int | None]) -> None:
    """Drop what workers other than *living*, by their pids, set as gauges; counts stay."""
    for file in Path(os.environ[MULTIPROCESS_DIR]).glob("gauge_live*_*.db"):
        if int(file.stem.rpartition("_")[2]) not in living:
            file.unlink(missing_ok=True)


def remove_dir() -> None:
    """Remove the folder after its creator has died."""
    rmtree(os.environ[MULTIPROCESS_DIR], ignore_errors=True)
