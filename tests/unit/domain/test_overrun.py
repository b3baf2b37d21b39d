"""The second line: scripts that outlive their time or a stop, since their launcher does not act; Pods that do not go.

All by the operator's clock: `since` is when the job was told to be running or stopping.
"""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

from typing import Any

import pytest

from processing_operator.domain.actions import Actions
from processing_operator.domain.decide import decide
from tests.unit.domain.builders import (
    FETCHED,
    Obj,
    at,
    begun,
    condition,
    ended,
    facts,
    job,
    pod,
    record,
    result,
    runs,
    uploading,
    written,
)

GAVE_UP = ended(64, 4, 20, message=result("BadPlan", "mounts: missing"))
LIMITS: Obj = {"runSeconds": 60, "stopGraceSeconds": 10, "terminationUploadSeconds": 20}
ASKED = '{"stop":"2026-01-01T00:00:20Z"}'
HOURS = 7200


def told(state: str, since: float, *, stop: bool = False, more: list[Obj] | None = None) -> Obj:
    latched = [condition("StopRequested", reason="StopRequested")] if stop else []
    phases = [{"name": "Running", "startTime": "2026-01-01T00:00:04Z"}]
    reason = {"MaxRuntimeExceeded": "Stopping"}.get(state, state)
    conditions = [condition("Reconciling", reason=state, since=since), *latched, *(more or [])]
    return begun(state=reason, phases=phases, conditions=conditions)


def running(signal: str = "", start: float = 4) -> Obj:
    return pod(fetch=FETCHED, upload=runs(4), script=runs(start), signal=signal, grace=30)


def look(seen: Obj, status: Obj, now: float, **spec: Any) -> Actions:
    census = job(status=status, timeouts=LIMITS, **spec)
    return decide(census, facts(census, seen), at(now))


# what was told and since when, what is seen; when the script is asked to stop, when its Pod is deleted (None: never)
SLOW: list[tuple[str, Obj, Obj, float | None, float | None]] = [
    ("told to be running at 5: 60 + 10 + 120 s", told("Running", 5), running(), 195, None),
    ("its node's clock hours behind", told("Running", 5), running(start=4 - HOURS), 195, None),
    ("its node's clock hours ahead", told("Running", 5), running(start=4 + HOURS), 195, None),
    ("not told yet", begun(state="Pending"), running(), None, None),
    ("asked to stop at 195: 10 + 120 s", told("MaxRuntimeExceeded", 195), running(ASKED), None, 325),
    ("asked by the user at 20", told("Stopping", 20, stop=True), running(ASKED), None, 150),
    ("told to end for its uploader", told("BadPlan", 20), pod(fetch=FETCHED, upload=GAVE_UP, script=runs(4), signal=ASKED), None, 150),
    ("told to end, and that was not written", told("Running", 5), running(ASKED), None, None),
    ("it has ended", told("Running", 5), uploading(), None, None),
    ("its Pod is on its way out", told("Running", 5), pod(fetch=FETCHED, upload=runs(4), script=runs(4), deleting=10**6), None, None),
]  # fmt: skip


@pytest.mark.parametrize("row", SLOW, ids=[row[0] for row in SLOW])
def test_when_the_operator_acts(row: tuple[str, Obj, Obj, float | None, float | None]) -> None:
    _, status, seen, stop, delete = row
    for due, write in ((stop, "stop"), (delete, "delete")):
        times = [6.0, 140.0, 10.0**5] if due is None else [due - 1, due]
        counts = [len(getattr(look(seen, status, now), write)) for now in times]
        assert counts == ([0, 0, 0] if due is None else [0, 1]), times


def test_it_is_told_first_by_a_signal_then_by_the_deletion_of_its_pod() -> None:
    first = look(running(), told("Running", 5), 195)
    status = written(first)
    assert (status.state, status.reason) == ("Stopping", "MaxRuntimeExceeded")
    assert "runs longer than spec.timeouts.runSeconds, 60, and its launcher has not ended it" in (status.message or "")
    assert [event.reason for event in first.events] == ["MaxRuntimeExceeded"]
    waits = look(running(ASKED), status.dump(), 324)
    assert (waits.status, waits.stop, waits.delete, waits.again_at) == (None, (), (), at(325))
    second = look(running(ASKED), status.dump(), 325)
    assert second.claim is not None, "remembered before it is acted upon"
    assert (second.claim.state, second.claim.reason, len(second.delete)) == ("Stopping", "MaxRuntimeExceeded", 1)


DECIDED = [condition("FailureTarget", reason="MaxRuntimeExceeded", message="its launcher did not act")]
SENT = ended(0, 4, 360, message=record("StopRequested", 143, ms=300_000))
# the end was decided: how the Pod is seen, whether it is gone; what the job says
AFTER: list[tuple[str, Obj, bool, str, str, str]] = [
    ("not deleted yet", running(ASKED), False, "Stopping", "MaxRuntimeExceeded", "did not act"),
    ("it goes", pod(fetch=FETCHED, upload=runs(4), script=runs(4), deleting=900), False, "Stopping", "MaxRuntimeExceeded", "did not act"),
    ("gone", running(ASKED), True, "Stopped", "MaxRuntimeExceeded", "did not act"),
    ("killed at its grace's end", pod(fetch=FETCHED, upload=ended(137, 4, 360), script=ended(137, 4, 360), deleting=359, phase="Failed"), True, "Stopped", "MaxRuntimeExceeded", "did not act"),
    ("it has obeyed at last", pod(fetch=FETCHED, upload=runs(4), script=ended(143, 4, 330), signal=ASKED), False, "Uploading", "", "uploading"),
    ("it has obeyed and uploaded", pod(fetch=FETCHED, upload=SENT, script=ended(143, 4, 330), signal=ASKED), False, "Stopped", "MaxRuntimeExceeded", "ran longer than"),
]  # fmt: skip


@pytest.mark.parametrize("row", AFTER, ids=[row[0] for row in AFTER])
def test_the_end_that_was_decided(row: tuple[str, Obj, bool, str, str, str]) -> None:
    _, seen, gone, state, reason, words = row
    census = job(status=told("MaxRuntimeExceeded", 195, more=DECIDED), timeouts=LIMITS)
    status = written(decide(census, facts(census, gone=seen) if gone else facts(census, seen), at(370)))
    assert (status.state, status.reason or "") == (state, reason)
    assert words in (status.message or "")


def test_a_stop_that_was_asked_for_and_is_not_obeyed() -> None:
    asked = look(running(ASKED), told("Stopping", 20, stop=True), 150, stop=True)
    assert asked.claim is not None
    assert (asked.claim.state, asked.claim.reason) == ("Stopping", "StopRequested")
    assert "was asked to stop; its launcher did not act within spec.timeouts.stopGraceSeconds, 10, and 120 s" in (asked.claim.message or "")  # fmt: skip
    census = job(status=asked.claim.dump(), timeouts=LIMITS, stop=True)
    status = written(decide(census, facts(census, gone=running(ASKED)), at(200)))
    assert (status.state, status.reason) == ("Stopped", "StopRequested")


def test_a_pod_that_does_not_go_is_told_of_once() -> None:
    stuck = pod(fetch=FETCHED, upload=runs(4), script=runs(4), deleting=100)
    status = told("Running", 5)
    assert written(look(stuck, status, 159)).reason is None
    actions = look(stuck, status, 160)
    after = written(actions)
    assert (after.state, after.reason) == ("Stopping", "PodTerminating")
    for words in ("since", "2026-01-01T00:01:40Z", "node n1", "kubectl delete pod -n default census-1a2b3c4d-1-0 --force", "only forgets the Pod"):  # fmt: skip
        assert words in (after.message or ""), after.message
    assert [(event.type, event.reason) for event in actions.events] == [("Warning", "PodTerminating")]
    again = look(stuck, after.dump(), 10**5)
    assert (again.status, again.events) == (None, ())


# what was going on when the node died
STUCK: list[tuple[str, Obj, Obj, str]] = [
    ("a stop was asked for", pod(fetch=FETCHED, upload=runs(4), script=runs(4), deleting=100), told("Stopping", 20, stop=True), "Stopping"),
    ("before the script", pod(fetch=runs(1), phase="Pending", deleting=100), told("Stopping", 20, stop=True), "Stopping"),
    ("the end was decided", pod(fetch=runs(1), phase="Pending", deleting=100), told("Failing", 20, more=[condition("FailureTarget", reason="DownloadTimeout", message="too slow")]), "Failing"),
]  # fmt: skip


@pytest.mark.parametrize("row", STUCK, ids=[row[0] for row in STUCK])
def test_whatever_the_pod_was_to_go_for(row: tuple[str, Obj, Obj, str]) -> None:
    _, seen, status, state = row
    after = written(look(seen, status, 160))
    assert (after.state, after.reason) == (state, "PodTerminating")
    assert ("too slow; " in (after.message or "")) is (state == "Failing")


def test_it_is_asked_again_where_the_signal_was_not_written() -> None:
    actions = look(running(), told("MaxRuntimeExceeded", 195), 196)
    assert (len(actions.stop), actions.delete) == (1, ())


def test_a_script_that_does_not_end_for_its_uploader_ends_with_the_uploaders_reason() -> None:
    seen = pod(fetch=FETCHED, upload=GAVE_UP, script=runs(4), signal=ASKED)
    asked = look(seen, told("BadPlan", 20), 150)
    assert asked.claim is not None
    assert (asked.claim.state, asked.claim.reason) == ("Failing", "BadPlan")
    again = look(seen, asked.claim.dump(), 151)
    assert (again.status, len(again.delete)) == (None, 1)
    killed = pod(fetch=FETCHED, upload=GAVE_UP, script=ended(137, 4, 180), signal=ASKED, deleting=180, phase="Failed")
    census = job(status=asked.claim.dump(), timeouts=LIMITS)
    status = written(decide(census, facts(census, gone=killed), at(200)))
    assert (status.state, status.reason) == ("Failed", "BadPlan")
    assert "mounts: missing" in (status.message or "")
