"""All that is counted, in the words of Prometheus; docs/metrics.md says how to read it.

Several workers keep their figures in a file each, and whichever is asked adds them up. Counts of
workers that have died stay in the sum, or every rate would jump; what was so at a moment goes.
"""

import os
from collections.abc import Iterator, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4"
MULTIPROCESS_DIR = "PROMETHEUS_MULTIPROC_DIR"  # the library's name; it looks when it is imported
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds
REQUEST = "integrations_http_request_duration_seconds"
BUILD = "integrations_build"
# What is at a moment, and what only grows: the text, and the names of its labels.
GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "integrations_http_requests_in_progress": ("Requests that are being answered.", ()),
    "integrations_workers": ("Processes that serve.", ()),
    "integrations_pool_connections": ("Open connections to the database.", ("pool",)),
    "integrations_pool_connections_in_use": ("Those that somebody uses.", ("pool",)),
    "integrations_pool_connections_max": ("As many may be open.", ("pool",)),
    "integrations_pool_waiting": ("Requests that wait for a connection.", ("pool",)),
    "integrations_batch_waiting": ("Questions that wait for the next batch.", ("batch",)),
    "process_resident_memory_bytes": ("Resident memory.", ()),
    "process_open_fds": ("Open file descriptors.", ()),
}
COUNTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "integrations_batches_total": ("Batches: round trips for what waited together.", ("batch",)),
    "integrations_batch_questions_total": ("Questions in all batches.", ("batch",)),
    "process_cpu_seconds_total": ("Processor time, user and system.", ()),
}
# The same whichever worker is asked.
SHARED_GAUGES = {
    "integrations_database_up": "1 where the database answers, else 0, and the next are absent.",
    "integrations_log_position": "Last position of the log.",
    "integrations_log_unsigned_events": "Events that no signed checkpoint covers yet.",
    "integrations_checkpoint_timestamp_seconds": "When the newest checkpoint was signed.",
}
NAMES = (REQUEST, *GAUGES, *COUNTERS, *SHARED_GAUGES, f"{BUILD}_info")
RequestLabels = tuple[str, str, int]
"""Of a request: its route's template, its method, the status of its answer."""


class Instruments:
    """The figures of this worker, and for the text those of the others."""

    def __init__(self) -> None:
        disable_created_metrics()
        self._registry = registry = CollectorRegistry()
        self._requests = Histogram(
            REQUEST,
            "How long requests took; _count is how many there were.",
            ("route", "method", "status"),
            buckets=BUCKETS,
            registry=registry,
        )
        self._requests.labels("/metrics", "GET", 200)  # its file must be there from the start
        self._kinds: dict[RequestLabels, Histogram] = {}
        self._gauges = {
            name: Gauge(name, *about, registry=registry, multiprocess_mode="livesum")
            for name, about in GAUGES.items()
        }
        self._counters = {
            name: Counter(name, *about, registry=registry) for name, about in COUNTERS.items()
        }
        self._previous: dict[tuple[str, ...], float] = {}

    def count(self, kind: RequestLabels, seconds: float) -> None:
        """Count a request of *kind* that took *seconds*."""
        counted = self._kinds.get(kind)
        if counted is None:
            counted = self._kinds[kind] = self._requests.labels(*kind)
        counted.observe(seconds)

    def set(self, value: float, name: str, *labels: str) -> None:
        """Let the gauge or counter *name* say *value*."""
        if name in self._gauges:
            gauge = self._gauges[name]
            (gauge.labels(*labels) if labels else gauge).set(value)
        else:
            counter = self._counters[name]
            grown = value - self._previous.get((name, *labels), 0)
            (counter.labels(*labels) if labels else counter).inc(grown)
            self._previous[name, *labels] = value

    def set_process(self) -> None:
        """Show what the system says of this process, where it says anything."""
        for metric in ProcessCollector(registry=None).collect():
            for sample in metric.samples:
                if sample.name in GAUGES or sample.name in COUNTERS:
                    self.set(sample.value, sample.name)

    def text(self, version: str, figures: Mapping[str, float]) -> bytes:
        """Return all there is, with *figures*, in Prometheus' text format."""
        same = CollectorRegistry()
        same.register(ConstantCollector(version, figures))
        return generate_latest(self._of_all_workers()) + generate_latest(same)

    def _of_all_workers(self) -> CollectorRegistry:
        if MULTIPROCESS_DIR not in os.environ:
            return self._registry
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        return registry


class ConstantCollector(Collector):
    """What is the same whichever worker is asked."""

    def __init__(self, version: str, figures: Mapping[str, float]) -> None:
        self._version = version
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Yield each."""
        yield InfoMetricFamily(BUILD, "What runs.", {"version": self._version})
        for name, value in self._figures.items():
            yield GaugeMetricFamily(name, SHARED_GAUGES[name], value)
