"""The status: phases, counts, conditions, messages and Events of jobs that go on and that end."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

from typing import Any

import pytest

from processing_operator.api.status import JobStatus
from processing_operator.domain.decide import decide
from processing_operator.domain.facts import Progress
from processing_operator.domain.plan import Plan
from tests.unit.domain.builders import (
    FETCHED,
    UPLOADED,
    Obj,
    at,
    begun,
    completed,
    condition,
    created,
    downloading,
    ended,
    facts,
    failed,
    job,
    pod,
    record,
    result,
    running,
    runs,
    text,
    uploading,
    waiting,
)

SPEC: Obj = {
    "inputs": [
        {"name": "data", "path": "/opt/ml/processing/data", "s3": {"uri": "s3://data/in"}},
        {"name": "code", "path": "/opt/ml/processing/code", "inline": {"a.py": ""}},
    ],
    "outputs": [
        {"name": "out", "path": "/opt/ml/processing/out", "s3": {"uri": "s3://data/out"}},
        {"name": "model", "path": "/opt/ml/model", "s3": {"uri": "s3://data/model"}},
    ],
}
LANDED = result(items=[[1, 2000, 620, "C"], [1, 0, 1, "C"]])
SENT = result(items=[[2, 300, 400, "C"], [0, 0, 0, "S"]], exit={"code": 0, "reason": "Exited"})


def look(seen: Obj, now: float = 30, status: Obj | None = None, progress: Progress | None = None, **meta: Any) -> Plan:
    census = job(status=status or begun(), meta=meta, **SPEC)
    return decide(census, facts(census, seen, progress=progress), at(now))


def status_of(plan: Plan) -> JobStatus:
    assert plan.status is not None
    return plan.status


STATES: list[tuple[str, Obj, str, str]] = [
    ("created", created(), "Pending", "being started"),
    ("downloading", downloading(), "Downloading", "downloading (attempt 1)"),
    ("fetched", pod(phase="Pending", fetch=FETCHED, upload=waiting(), script=waiting()), "Pending", "inputs are in place"),
    ("running", running(), "Running", "script is running (attempt 1)"),
    ("uploading", uploading(), "Uploading", "uploading (attempt 1)"),
    ("deleted", pod(fetch=FETCHED, upload=runs(4), script=runs(4), deleting=9), "Stopping", "census-1a2b3c4d-1-0 is being deleted"),
    ("fetch crashed", pod(phase="Pending", fetch=waiting(last=ended(137), restarts=1)), "Downloading", "137 (SIGKILL)"),
    ("upload crashed", pod(fetch=FETCHED, upload=runs(8, last=ended(1), restarts=2), script=ended()), "Uploading", "restarted, 2 in all, after exit code 1"),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "state", "word"), [row[1:] for row in STATES], ids=[row[0] for row in STATES])
def test_state(seen: Obj, state: str, word: str) -> None:
    status = status_of(look(seen))
    assert status.state == state
    assert word in (status.message or "")
    assert [entry.type for entry in status.conditions] == ["Reconciling"]
    assert status.observed_generation == 1
    assert status.completion_time is None


PHASES: list[tuple[str, Obj, list[tuple[str, float, float | None]]]] = [
    ("created", created(), []),
    ("downloading", downloading(), [("Downloading", 1, None)]),
    ("running", running(), [("Downloading", 1, 3), ("Running", 4, None)]),
    ("uploading", uploading(), [("Downloading", 1, 3), ("Running", 4, 7), ("Uploading", 7, None)]),
    ("completed", completed(), [("Downloading", 1, 3), ("Running", 4, 7), ("Uploading", 7, 9)]),
    ("fetch restarted", pod(phase="Pending", fetch=runs(9, last=ended(1, 1, 2), restarts=1)), [("Downloading", 1, None)]),
    ("no Secret", pod(phase="Pending", fetch=ended(75, 1, 2)), []),
    ("no Secret until now", pod(phase="Pending", fetch=runs(9, last=ended(75, 1, 2), restarts=1)), [("Downloading", 9, None)]),
    ("no input", pod(phase="Failed", fetch=ended(64, 1, 3, message=result("InputNotFound"))), [("Downloading", 1, 3)]),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "expected"), [row[1:] for row in PHASES], ids=[row[0] for row in PHASES])
def test_phases(seen: Obj, expected: list[tuple[str, float, float | None]]) -> None:
    phases = status_of(look(seen, status=begun(state="Running"))).phases
    assert [(phase.name.value, phase.start_time, phase.end_time) for phase in phases] == [
        (name, at(start), None if end is None else at(end)) for name, start, end in expected
    ]


def test_phases_stay_when_the_sandbox_is_made_anew() -> None:
    before = status_of(look(uploading()))
    seen = pod(
        fetch=ended(0, 20, 21, restarts=1), upload=runs(22, last=ended(137, 4, 20), restarts=1), script=ended(0, 4, 7)
    )
    after = status_of(look(seen, status=before.dump()))
    assert after.phases == before.phases
    assert after.inputs == before.inputs


def test_counts() -> None:
    seen = pod(
        fetch=ended(0, 1, 3, message=LANDED),
        upload=ended(0, 4, 9, message=SENT),
        script=ended(0, 4, 7, message="accuracy 0.95\n"),
        phase="Succeeded",
    )
    status = status_of(look(seen))
    assert [entry.model_dump(exclude_none=True) for entry in status.inputs] == [
        {"name": "data", "objects": 1, "bytes": 2000, "seconds": 0.62},
        {"name": "code", "objects": 1, "bytes": 0, "seconds": 0.001},
    ]
    assert [(entry.name, entry.objects, entry.bytes, entry.upload) for entry in status.outputs] == [
        ("out", 2, 300, "Complete"),
        ("model", 0, 0, "Skipped"),
    ]
    assert (status.exit_code, status.exit_message) == (0, "accuracy 0.95\n")


UNREADABLE = [
    "",
    "?",
    "[]",
    '{"v": 2}',
    '{"v": 1, "items": "?"}',
    '{"v": 1, "items": [[1, 2, 3]]}',
    '{"v":1,"items":[[1,2,3,"C"]]}',
]


@pytest.mark.parametrize("message", UNREADABLE)
def test_unreadable_result_means_counts_unknown_and_no_failure(message: str) -> None:
    """The last one has fewer items than the job has inputs: nobody knows which they are."""
    seen = pod(fetch=ended(0, 1, 3, message=message), upload=ended(0, 4, 9, message=message), script=ended(0, 4, 7))
    status = status_of(look(seen))
    assert (status.state, status.inputs, status.outputs) == ("Completed", (), ())


def test_exit_message_is_cut_on_a_character() -> None:
    seen = pod(fetch=FETCHED, upload=UPLOADED, script=ended(0, 4, 7, message="é" * 600))
    assert status_of(look(seen)).exit_message == "é" * 512


CONDITIONS: list[tuple[str, Obj, list[str]]] = [
    ("completed", completed(), ["Complete"]),
    ("failed", failed(1), ["Failed", "Stalled"]),
    ("stopped", failed(143, ended(0, 4, 9, message=record("MaxRuntimeExceeded"))), ["Stopped"]),
]


@pytest.mark.parametrize(("seen", "expected"), [row[1:] for row in CONDITIONS], ids=[row[0] for row in CONDITIONS])
def test_conditions_at_the_end(seen: Obj, expected: list[str]) -> None:
    status = status_of(look(seen))
    assert [entry.type for entry in status.conditions] == expected
    assert {entry.reason for entry in status.conditions} == {status.failure_reason or "Completed"}
    assert {entry.last_transition_time for entry in status.conditions} == {at(30)}
    assert status.completion_time == at(9)


def test_completion_time_is_now_where_the_pod_does_not_tell() -> None:
    seen = pod(fetch=FETCHED, upload=runs(4), script=runs(4), phase="Failed", status={"reason": "Evicted"})
    assert status_of(look(seen)).completion_time == at(30)


def test_dropped_restart_rules_are_told_of() -> None:
    plan = look(pod(phase="Pending", fetch=runs(1), rules=False))
    entry = status_of(plan).conditions[0]
    assert (entry.type, entry.status, entry.reason) == ("RestartRules", "False", "Dropped")
    assert [event.reason for event in plan.events] == ["RestartRulesDropped"]
    again = look(pod(phase="Pending", fetch=runs(1), rules=False), status=status_of(plan).dump())
    assert (again.status, again.events) == (None, ())


def test_stalled_goes_when_the_job_can_be_read_again() -> None:
    status = begun(conditions=[condition("Reconciling", reason="Pending"), condition("Stalled", reason="InvalidPod")])
    assert [entry.type for entry in status_of(look(running(), status=status)).conditions] == ["Reconciling"]


@pytest.mark.parametrize("seen", [created(), downloading(), running(), uploading()])
def test_nothing_new_writes_nothing(seen: Obj) -> None:
    first = status_of(look(seen))
    again = look(seen, now=40, status=first.dump())
    assert (again.status, again.claim, again.events) == (None, None, ())


def test_quick_phases_are_written_together() -> None:
    plan = look(downloading(), now=2)
    assert (plan.status, plan.requeue_at) == (None, at(3))
    assert status_of(look(downloading(), now=3)).state == "Downloading"
    assert look(uploading(), now=8, status=begun(state="Running")).status is None
    assert status_of(look(running(), now=4)).state == "Running"


def test_clock_of_the_kubelet_does_not_hold_a_phase_back_for_long() -> None:
    ahead = pod(phase="Pending", fetch=runs(500))
    assert status_of(look(ahead, now=2)).state == "Downloading"


def test_progress_is_told_and_kept() -> None:
    progress = Progress("Downloading", 12, 123, total_objects=20, total_bytes=456)
    first = status_of(look(downloading(), progress=progress))
    assert first.message == "downloading (attempt 1); 12 of 20 objects, 123 of 456 bytes"
    assert look(downloading(), status=first.dump()).status is None
    trouble = Progress("Downloading", 12, 123, retries=3, error="503 SlowDown")
    second = status_of(look(downloading(), status=first.dump(), progress=trouble))
    assert second.message == "downloading (attempt 1); 12 objects, 123 bytes; 3 retries, last error: 503 SlowDown"


EVENTS: list[tuple[str, Obj, Obj, list[str]]] = [
    ("downloading", downloading(), begun(), []),
    ("running", running(), begun(state="Downloading"), ["Started"]),
    ("uploading", uploading(), begun(state="Running", phases=[{"name": "Running", "startTime": text(4)}]), []),
    ("completed", completed(), begun(state="Uploading", phases=[{"name": "Running", "startTime": text(4)}]), ["Completed"]),
    ("all at once", completed(), begun(), ["Started", "Completed"]),
    ("failed", failed(1), begun(), ["Started", "ScriptFailed"]),
    ("siblings", pod(fetch=ended(0, 1, 3, message=result(items=[[1, 1, 1, "C"]] * 2, errors=["warning: in-2.csv was taken, too"])), upload=runs(4), script=runs(4)), begun(), ["InputsNotice", "Started"]),
    ("links", pod(fetch=FETCHED, upload=ended(0, 4, 9, message=result(items=[[1, 1, 1, "C"]] * 2, errors=["warning: a link"])), script=ended(0, 4, 7)), begun(), ["Started", "OutputsNotice", "Completed"]),
    ("upload restarted", pod(fetch=FETCHED, upload=runs(8, last=ended(1), restarts=1), script=ended(0, 4, 7)), begun(state="Running"), ["Started", "Restarted"]),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "before", "reasons"), [row[1:] for row in EVENTS], ids=[row[0] for row in EVENTS])
def test_events(seen: Obj, before: Obj, reasons: list[str]) -> None:
    assert [event.reason for event in look(seen, status=before).events] == reasons


def test_long_words_of_others_are_cut() -> None:
    seen = pod(phase="Pending", fetch=waiting("CreateContainerError", "x" * 9000))
    status = status_of(look(seen))
    assert len(status.message or "") == 4096
    end = status_of(look(pod(phase="Failed", fetch=ended(64, message=result("R" * 900, "m" * 9000)))))
    assert (len(end.message or ""), len(end.failure_reason or "")) == (4096, 253)
