"""The Prometheus metrics of the service; docs/metrics.md says how to read them.

Each worker stores its metrics in a file, and the one that is scraped adds them up. Counters of
workers that have died stay in the sum, or every rate would jump; their gauges are dropped.
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
FEED_POSITION = "integrations_feed_position"  # of the slowest worker, which no sum shows
# Gauges and counters by name: the help text, and the names of the labels.
GAUGES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "integrations_http_requests_in_progress": ("Requests in progress.", ()),
    "integrations_workers": ("Worker processes.", ()),
    "integrations_pool_connections": ("Open connections to the database.", ("pool",)),
    "integrations_pool_connections_in_use": ("Connections in use.", ("pool",)),
    "integrations_pool_connections_max": ("Maximum number of connections.", ("pool",)),
    "integrations_pool_waiting": ("Requests waiting for a connection.", ("pool",)),
    "integrations_batch_waiting": ("Requests waiting for the next batch.", ("batch",)),
    FEED_POSITION: ("Position that the change feed has reached.", ()),
    "integrations_feed_streams": ("Open streams of changes.", ()),
    "process_resident_memory_bytes": ("Resident memory.", ()),
    "process_open_fds": ("Open file descriptors.", ()),
}
COUNTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "integrations_batches_total": ("Batches: round trips shared by waiting requests.", ("batch",)),
    "integrations_batch_requests_total": ("Requests in all batches.", ("batch",)),
    "integrations_leases_total": ("Requests for leases, by what became of them.", ("outcome",)),
    "integrations_access_records_total": ("Records added to the access journal.", ()),
    "process_cpu_seconds_total": ("CPU time, user and system.", ()),
}
# The same in every worker.
SHARED_GAUGES = {
    "integrations_database_up": "1 if the database is reachable, else 0 without the following.",
    "integrations_log_position": "Last position of the log.",
    "integrations_log_unsigned_events": "Events that no signed checkpoint covers yet.",
    "integrations_checkpoint_timestamp_seconds": "Time of the latest signed checkpoint.",
    "integrations_overdue_responses": "Stored responses that have expired and are not deleted yet.",
    "integrations_overdue_response_age_seconds": "How long ago the oldest of them expired.",
}
NAMES = (REQUEST, *GAUGES, *COUNTERS, *SHARED_GAUGES, f"{BUILD}_info")
RequestLabels = tuple[str, str, int]
"""Of a request: the template of its route, its method, the status of its response."""


class Instruments:
    """The metrics of this worker, and in the text those of all workers."""

    def __init__(self) -> None:
        disable_created_metrics()
        self._registry = registry = CollectorRegistry()
        self._requests = Histogram(
            REQUEST,
            "Duration of requests; _count is their number.",
            ("route", "method", "status"),
            buckets=BUCKETS,
            registry=registry,
        )
        self._requests.labels("/metrics", "GET", 200)  # its file must be there from the start
        self._kinds: dict[RequestLabels, Histogram] = {}
        self._gauges = {
            name: Gauge(
                name,
                *about,
                registry=registry,
                multiprocess_mode="livemin" if name == FEED_POSITION else "livesum",
            )
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
        """Set the gauge or counter *name* to *value*."""
        if name in self._gauges:
            gauge = self._gauges[name]
            (gauge.labels(*labels) if labels else gauge).set(value)
        else:
            counter = self._counters[name]
            grown = value - self._previous.get((name, *labels), 0)
            (counter.labels(*labels) if labels else counter).inc(grown)
            self._previous[name, *labels] = value

    def set_process(self) -> None:
        """Show what the system says of this process, if it says anything."""
        for metric in ProcessCollector(registry=None).collect():
            for sample in metric.samples:
                if sample.name in GAUGES or sample.name in COUNTERS:
                    self.set(sample.value, sample.name)

    def text(self, version: str, gauges: Mapping[str, float]) -> bytes:
        """Return all there is, with *gauges*, in Prometheus' text format."""
        same = CollectorRegistry()
        same.register(ConstantCollector(version, gauges))
        return generate_latest(self._of_all_workers()) + generate_latest(same)

    def _of_all_workers(self) -> CollectorRegistry:
        if MULTIPROCESS_DIR not in os.environ:
            return self._registry
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        return registry


class ConstantCollector(Collector):
    """Metrics that are the same in every worker."""

    def __init__(self, version: str, gauges: Mapping[str, float]) -> None:
        self._version = version
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        """Yield each."""
        yield InfoMetricFamily(BUILD, "Version of the service.", {"version": self._version})
        for name, value in self._gauges.items():
            yield GaugeMetricFamily(name, SHARED_GAUGES[name], value)
