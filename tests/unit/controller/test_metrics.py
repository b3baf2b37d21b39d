"""What Prometheus is told of jobs."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from processing_operator.api.reasons import Reason
from processing_operator.api.status import JobStatus, State
from processing_operator.controller.metrics import Metrics
from processing_operator.controller.store import Store
from tests.unit.controller.objects import Obj
from tests.unit.domain.builders import at, begun, condition, job, text

PREFIX = "processing_operator_"


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """By name and the values of the labels, which are in the order of their names."""
    return {
        (sample.name.removeprefix(PREFIX), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(metrics.export().decode())
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }


def told(*statuses: Obj) -> dict[tuple[str, ...], float]:
    """What is counted when a job, of time 0, goes through these statuses."""
    metrics = Metrics()
    before: Obj = {}
    for after in statuses:
        metrics.told(job(status=before), JobStatus.model_validate(after))
        before = after
    return samples(metrics)


def phase(name: str, start: float, end: float | None = None) -> Obj:
    return {"name": name, "startTime": text(start), "endTime": text(end)}


def test_series_are_there_from_the_start() -> None:
    """Prometheus sees no increase from nothing to 1."""
    seen = samples(Metrics())
    assert seen["jobs_ended_total", "", "Completed"] == 0
    for reason in Reason:
        stopped = reason in (Reason.STOP_REQUESTED, Reason.MAX_RUNTIME_EXCEEDED)
        assert seen["jobs_ended_total", reason, "Stopped" if stopped else "Failed"] == 0
    assert seen["errors_total", "TransientError"] == 0
    assert seen["reconciles_total", "failed"] == 0
    assert seen["queue_depth", "front"] == seen["queue_depth", "back"] == 0
    assert seen["transferred_bytes_total", "Uploading"] == seen["store_retries_total", "Downloading"] == 0
    assert seen["build_info", "0.1.0"] == 1


def test_an_end_is_counted_once_by_state_and_reason() -> None:
    end = {"state": "Failed", "reason": "ScriptFailed", "completionTime": text(9)}
    seen = told(begun(), end, {**end, "message": "more is known"})
    assert sum(value for key, value in seen.items() if key[0] == "jobs_ended_total") == 1


def test_the_time_to_the_scripts_start_is_told_once() -> None:
    download, run = phase("Downloading", 2, 60), phase("Running", 90)
    seen = told(begun(), begun(phases=[download]), begun(phases=[download, run]), begun(phases=[download, run]))
    assert (seen["script_start_seconds_count",], seen["script_start_seconds_sum",]) == (1, 90)


def test_a_nodes_clock_that_is_behind() -> None:
    assert told(begun(phases=[phase("Running", -50)]))["script_start_seconds_sum",] == 0


def moved(*sizes: int) -> list[Obj]:
    return [{"name": f"i{n}", "bytes": size} for n, size in enumerate(sizes)]


def test_bytes_are_counted_as_they_are_reported() -> None:
    seen = told(begun(inputs=moved(10, 5)), begun(inputs=moved(10, 5)), begun(inputs=moved(10, 5), outputs=moved(7)))
    assert seen["transferred_bytes_total", "Downloading"] == 15
    assert seen["transferred_bytes_total", "Uploading"] == 7
    again = told(begun(inputs=moved(10)), begun(2), begun(2, inputs=moved(10)))
    assert again["transferred_bytes_total", "Downloading"] == 20, "another attempt moves them again"


def progress(phase: str, retries: int) -> Obj:
    return begun(progress={"phase": phase, "objects": 0, "bytes": 0, "retries": retries})


def test_retries_are_counted_as_they_come() -> None:
    rows = [("Downloading", 2), ("Downloading", 5), ("Downloading", 1), ("Uploading", 4)]  # the third: started again
    seen = told(*(progress(*row) for row in rows))
    assert seen["store_retries_total", "Downloading"] == 6
    assert seen["store_retries_total", "Uploading"] == 4


# -- jobs by state


def raw(name: str, status: Obj) -> Obj:
    metadata = {"name": name, "namespace": "ns", "uid": name, "resourceVersion": "1", "creationTimestamp": text(0)}
    return {"metadata": metadata, "spec": {}, "status": status}


def by_state(*statuses: Obj, now: float = 1000, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, ...], float]:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:  # noqa: ARG003
            return at(now)

    monkeypatch.setattr("processing_operator.controller.metrics.datetime", Clock)
    store, metrics = Store(), Metrics()
    for number, status in enumerate(statuses):
        store.saw_job(raw(f"j{number}", status))
    metrics.count_jobs(store)
    return samples(metrics)


TURNED = [condition("Reconciling", reason="Stopping", since=850)]
SINCE: list[tuple[str, Obj, str, float]] = [
    ("nobody has looked at it", {"attempts": 0}, "New", 1000),
    ("waits, whatever for", {"state": "Waiting", "pendingSince": text(100), "conditions": TURNED}, "Waiting", 900),
    ("waits, others hold it", {"state": "Pending", "conditions": TURNED}, "Pending", 150),
    ("runs", {"state": "Running", "phases": [phase("Downloading", 1, 2), phase("Running", 700)]}, "Running", 300),
    ("stops", {"state": "Stopping", "phases": [phase("Running", 700)], "conditions": TURNED}, "Stopping", 150),
    ("a word of a newer operator", {"state": "Holding", "conditions": TURNED}, "Holding", 150),
    ("a time that is none", {"state": "Waiting", "pendingSince": "soon"}, "Waiting", 0),
    ("a clock that is ahead", {"state": "Waiting", "pendingSince": text(2000)}, "Waiting", 0),
]


@pytest.mark.parametrize(("status", "state", "age"), [row[1:] for row in SINCE], ids=[row[0] for row in SINCE])
def test_how_long_a_job_is_in_its_state(status: Obj, state: str, age: float, monkeypatch: pytest.MonkeyPatch) -> None:
    assert by_state(status, monkeypatch=monkeypatch)["oldest_state_seconds", state] == age


def test_the_oldest_counts_and_ended_jobs_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = {"state": "Completed", "conditions": [condition("Complete")]}
    waits = [{"state": "Pending", "pendingSince": text(since)} for since in (500, 200, 900)]
    seen = by_state(ended, *waits, monkeypatch=monkeypatch)
    assert seen["oldest_state_seconds", "Pending"] == 800
    assert (seen["jobs", "Pending"], seen["jobs", "Completed"], seen["jobs", "Running"]) == (3, 1, 0)
    ages = {key[1] for key in seen if key[0] == "oldest_state_seconds"}
    assert ages == {"New", *(str(state) for state in State if not state.terminal)}


def test_a_scrape_with_many_jobs_is_cheap() -> None:
    """10,000 ended and 1,500 live ones: a scrape is in the event loop's way, every 30 s or so."""
    store, metrics = Store(), Metrics()
    now = datetime.now(UTC)
    for number in range(11_500):
        live = {"state": "Pending", "pendingSince": (now - timedelta(seconds=number)).isoformat()}
        ended = {"state": "Completed", "conditions": [condition("Complete")]}
        store.saw_job(raw(f"j{number}", live if number < 1500 else ended))
    metrics.count_jobs(store)
    metrics.export()
    began = time.process_time()
    metrics.export()
    assert time.process_time() - began < 0.1, "10 ms, on a machine of 2026"
