"""What Prometheus is told. No name of a job is ever a label: there are as many as users make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from processing_operator.api.status import JobStatus
    from processing_operator.controller.queue import Outcome
    from processing_operator.controller.store import Store

_RECONCILE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30)
_PHASE_BUCKETS = (1, 5, 15, 60, 300, 900, 3600, 14400, 86400)
_PREFIX = "processing_operator"

disable_created_metrics()  # type: ignore[no-untyped-call]  # half of all samples, for nobody


class Metrics:
    """The operator's numbers, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._reconciles = self._counter("reconciles", "Times that a job was looked at", "result")
        self._errors = self._counter("errors", "Errors, by kind; each is in the log", "kind")
        self._writes = self._counter("writes", "Successful writes to the API server", "verb", "resource")
        self._phases = self._histogram(
            "phase_seconds", "How long phases of ended attempts took", _PHASE_BUCKETS, "phase"
        )
        self._durations = self._histogram("reconcile_seconds", "How long looking at a job took", _RECONCILE_BUCKETS)
        self._depth = self._gauge("queue_depth", "Jobs that wait for a worker")
        self._resync = self._gauge("last_resync_timestamp_seconds", "When all jobs were last listed (Unix time)")
        self._resync_seconds = self._histogram("resync_seconds", "How long listing took", _RECONCILE_BUCKETS)
        self._stale = self._gauge("stale_watch_seconds", "For how long a watch has been behind the lists")
        self._ended = self._counter("jobs_ended", "Jobs that have ended", "state", "reason")
        self._lost = self._counter("attempts_lost", "Attempts lost before their script started", "reason")
        self._leader = self._gauge("leader", "1 while this process is the one that acts")

    def export(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self._registry)

    def count_jobs(self, store: Store) -> None:
        """Report jobs by state and the store's size, counted at each scrape."""
        self._registry.register(_JobsByState(store.count_by_state))
        self._gauge("store_records", "Jobs of which something is kept").set_function(lambda: len(store))

    def queue_depth(self, depth: int) -> None:
        """So many jobs wait for a worker."""
        self._depth.set(depth)

    def processed(self, seconds: float, outcome: Outcome) -> None:
        """A job was looked at."""
        self._durations.observe(seconds)
        self._reconciles.labels("failed" if outcome.failed else "done").inc()

    def failed(self, error: Exception) -> None:
        """Something went wrong."""
        self._errors.labels(type(error).__name__).inc()

    def wrote(self, verb: str, resource: str) -> None:
        """The API server took a write."""
        self._writes.labels(verb, resource).inc()

    def told(self, before: JobStatus, after: JobStatus) -> None:
        """A job's status was written: of what it tells of only once."""
        if after.attempt_history[-1:] != before.attempt_history[-1:]:
            self._lost.labels(after.attempt_history[-1].reason).inc()
        if after.completion_time is None or before.completion_time is not None:
            return
        self._ended.labels(after.state, after.reason or "").inc()
        for phase in after.phases:
            if phase.start_time is not None and phase.end_time is not None:
                self._phases.labels(phase.name).observe((phase.end_time - phase.start_time).total_seconds())

    def resynced(self, seconds: float, stale: float) -> None:
        """All was listed, which took so long; a watch has been stale for so long."""
        self._resync.set_to_current_time()
        self._resync_seconds.observe(seconds)
        self._stale.set(stale)

    def leads(self, leading: bool) -> None:
        """Whether this process acts."""
        self._leader.set(leading)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{_PREFIX}_{name}", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", text, registry=self._registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"{_PREFIX}_{name}", text, labels, buckets=buckets, registry=self._registry)


class _JobsByState(Collector):
    def __init__(self, count: Callable[[], Mapping[str, int]]) -> None:
        self._count = count

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(f"{_PREFIX}_jobs", "Jobs by state", labels=["state"])
        for state, number in sorted(self._count().items()):
            family.add_metric([state], number)
        yield family
