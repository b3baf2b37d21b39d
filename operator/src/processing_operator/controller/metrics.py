"""What Prometheus is told. No name of a job and no namespace is ever a label: there are as many as users make.

Counters with known labels are there from the start, at 0: an increase from nothing is none to Prometheus.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

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

from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.controller.states import UNSEEN, count_by_state
from processing_operator.kube.errors import KubeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from processing_operator.api.status import InputStatus, JobStatus, OutputStatus, TransferProgress
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.controller.queue import Outcome
    from processing_operator.controller.states import InState
    from processing_operator.controller.store import Store

_QUICK_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30)
_PHASE_BUCKETS: Final = (1, 5, 15, 60, 300, 900, 3600, 14400, 86400)
_PREFIX: Final = "processing_operator"
_MOVED: Final = (State.DOWNLOADING, State.UPLOADING)
_STOPPED_FOR: Final = (Reason.MAX_RUNTIME_EXCEEDED, Reason.STOP_REQUESTED)

disable_created_metrics()  # type: ignore[no-untyped-call]  # half of all samples, for nobody


class Metrics:
    """The operator's numbers, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._make_job_metrics()
        self._make_operator_metrics()

    def _make_job_metrics(self) -> None:
        self._ended = self._counter("jobs_ended", "Jobs that have ended", "state", "reason")
        self._lost = self._counter("attempts_lost", "Attempts lost before their script started", "reason")
        self._starts = self._histogram(
            "script_start_seconds", "From a job's creation to its script's start", _PHASE_BUCKETS
        )
        self._phases = self._histogram(
            "phase_seconds", "How long phases of ended attempts took", _PHASE_BUCKETS, "phase"
        )
        self._bytes = self._counter("transferred_bytes", "Bytes that jobs have reported as moved", "phase")
        self._retries = self._counter("store_retries", "Requests to stores made again, as far as seen", "phase")
        self._ended.labels(State.COMPLETED, "")
        for reason in Reason:
            self._ended.labels(State.STOPPED if reason in _STOPPED_FOR else State.FAILED, reason)
            self._lost.labels(reason)
        for phase in _MOVED:
            self._bytes.labels(phase)
            self._retries.labels(phase)

    def _make_operator_metrics(self) -> None:
        self._reconciles = self._counter("reconciles", "Times that a job was looked at", "result")
        self._durations = self._histogram("reconcile_seconds", "How long looking at a job took", _QUICK_BUCKETS)
        self._depth = self._gauge("queue_depth", "Jobs that wait for a worker", "lane")
        self._waits = self._histogram("queue_seconds", "How long jobs waited for a worker", _QUICK_BUCKETS, "lane")
        self._requests = self._counter("api_requests", "Requests to the API server", "verb", "resource", "code")
        self._errors = self._counter("errors", "Errors, by kind; each is in the log", "kind")
        self._resync = self._gauge("last_resync_timestamp_seconds", "When all jobs were last listed (Unix time)")
        self._resync_seconds = self._histogram("resync_seconds", "How long listing took", _QUICK_BUCKETS)
        self._stale = self._gauge("stale_watch_seconds", "For how long a watch has been behind the lists")
        self._leader = self._gauge("leader", "1 while this process is the one that acts")
        self._gauge("build_info", "Always 1", "version").labels(version("processing-operator")).set(1)
        self.queue_depth(0, 0)
        for result in ("done", "failed"):
            self._reconciles.labels(result)
        for kind in KubeError.__subclasses__():
            self._errors.labels(kind.__name__)

    def export(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self._registry)

    def count_jobs(self, store: Store) -> None:
        """Report the jobs by state and the store's size, counted at each scrape."""
        self._registry.register(_JobsByState(store))
        self._gauge("store_records", "Jobs of which something is kept").set_function(lambda: len(store))

    def queue_depth(self, front: int, back: int) -> None:
        """So many jobs wait for a worker, by lane."""
        self._depth.labels("front").set(front)
        self._depth.labels("back").set(back)

    def queue_waited(self, lane: str, seconds: float) -> None:
        """A job has waited so long for a worker."""
        self._waits.labels(lane).observe(seconds)

    def processed(self, seconds: float, outcome: Outcome) -> None:
        """A job was looked at."""
        self._durations.observe(seconds)
        self._reconciles.labels("failed" if outcome.failed else "done").inc()

    def failed(self, error: Exception) -> None:
        """Something went wrong."""
        self._errors.labels(type(error).__name__).inc()

    def requested(self, verb: str, resource: str, code: str) -> None:
        """The API server was asked, and answered so."""
        self._requests.labels(verb, resource, code).inc()

    def told(self, job: ProcessingJob, after: JobStatus) -> None:
        """A job's status was written: of what it tells of only once. `job`: as it was before."""
        before = job.status
        if after.attempt_history[-1:] != before.attempt_history[-1:]:
            self._lost.labels(after.attempt_history[-1].reason).inc()
        self._tell_transfer(before, after)
        if (began := _script_start(after)) is not None and _script_start(before) is None:
            created = job.metadata.creation_timestamp or began
            self._starts.observe(max((began - created).total_seconds(), 0.0))  # by two machines' clocks
        if after.completion_time is None or before.completion_time is not None:
            return
        self._ended.labels(after.state, after.reason or "").inc()
        for phase in after.phases:
            if phase.start_time is not None and phase.end_time is not None:
                self._phases.labels(phase.name).observe((phase.end_time - phase.start_time).total_seconds())

    def _tell_transfer(self, before: JobStatus, after: JobStatus) -> None:
        self._bytes.labels(State.DOWNLOADING).inc(max(_bytes(after.inputs) - _bytes(before.inputs), 0))
        self._bytes.labels(State.UPLOADING).inc(max(_bytes(after.outputs) - _bytes(before.outputs), 0))
        if after.progress is not None and after.progress.phase in _MOVED:
            self._retries.labels(after.progress.phase).inc(_more_retries(before.progress, after.progress))

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

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"{_PREFIX}_{name}", text, labels, buckets=buckets, registry=self._registry)


def _script_start(status: JobStatus) -> datetime | None:
    return next((phase.start_time for phase in status.phases if phase.name == State.RUNNING), None)


def _bytes(items: Iterable[InputStatus | OutputStatus]) -> int:
    return sum(item.bytes or 0 for item in items)


def _more_retries(before: TransferProgress | None, after: TransferProgress) -> int:
    """A container that was started again counts from 0."""
    known = before.retries if before is not None and before.phase == after.phase else 0
    return after.retries - known if after.retries >= known else after.retries


class _JobsByState(Collector):
    """Jobs by state, and for how long the one that has been in it longest has been: where a job is stuck, it grows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterable[GaugeMetricFamily]:
        jobs = GaugeMetricFamily(f"{_PREFIX}_jobs", "Jobs by state", labels=["state"])
        oldest = GaugeMetricFamily(
            f"{_PREFIX}_oldest_state_seconds",
            "For how long the job that has been longest in the state has been in it",
            labels=["state"],
        )
        now = datetime.now(UTC)
        for state, found in sorted(_with_zeros(count_by_state(self._store)).items()):
            jobs.add_metric([state], 0 if found is None else found.jobs)
            if state not in _ENDS:
                oldest.add_metric([state], 0.0 if found is None else _age(found.since, now))
        yield jobs
        yield oldest


_ENDS: Final = frozenset(str(state) for state in State if state.terminal)


def _with_zeros(found: Mapping[str, InState]) -> dict[str, InState | None]:
    """With all states that there can be."""
    return {**dict.fromkeys([UNSEEN, *map(str, State)]), **found}


def _age(since: str, now: datetime) -> float:
    """0 where the time cannot be read, or is of a clock that is ahead."""
    try:
        return max((now - datetime.fromisoformat(since)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return 0.0
