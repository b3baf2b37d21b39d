"""A stop that was asked for: before the Pod, before the script, while it runs, and after."""

from __future__ import annotations

import pytest

from processing_operator.domain.decide import decide
from tests.unit.domain.builders import (
    FETCHED,
    Obj,
    at,
    begun,
    completed,
    created,
    downloading,
    ended,
    facts,
    job,
    pod,
    running,
    runs,
    stop_latched,
    uploading,
    waiting,
)

# what is seen; signalled, deleted; the state afterwards
STOPS: list[tuple[str, Obj, bool, bool, str]] = [
    ("pending", created(), False, True, "Stopping"),
    ("gated", pod(gated=True), False, True, "Stopping"),
    ("downloading", downloading(), False, True, "Stopping"),
    ("script pulls", pod(phase="Pending", fetch=FETCHED, upload=runs(4), script=waiting()), False, True, "Stopping"),
    ("running", running(), True, False, "Stopping"),
    ("signalled", pod(fetch=FETCHED, upload=runs(4), script=runs(4), signal="stop"), False, False, "Stopping"),
    ("uploading", uploading(), False, False, "Stopping"),
    ("deleted", pod(fetch=FETCHED, upload=runs(4), script=runs(4), deleting=9), False, False, "Stopping"),
    ("deleted before the start", pod(phase="Pending", fetch=runs(), deleting=9), False, False, "Stopping"),
    ("completed", completed(), False, False, "Completed"),
]


@pytest.mark.parametrize(
    ("seen", "signalled", "deleted", "state"), [row[1:] for row in STOPS], ids=[row[0] for row in STOPS]
)
def test_stop(seen: Obj, signalled: bool, deleted: bool, state: str) -> None:
    census = job(status=begun(state="Running"), stop=True)
    plan = decide(census, facts(census, seen), at(30))
    assert (len(plan.signals), len(plan.deletions)) == (signalled, deleted)
    status = plan.claim or plan.status
    assert status is not None
    assert status.state == state
    assert any(entry.type == "StopRequested" and entry.status == "True" for entry in status.conditions)
    if signalled or deleted:
        assert plan.claim is not None, "remembered before it is acted upon"


def test_stop_is_latched() -> None:
    census = job(status=stop_latched(state="Stopping"), stop=False)
    plan = decide(census, facts(census, running()), at(30))
    assert [signal.value for signal in plan.signals] == ["stop"]


@pytest.mark.parametrize("status", [{}, {"state": "Waiting"}], ids=["new", "waiting"])
def test_stop_before_a_pod_was_created(status: Obj) -> None:
    census = job(status=status, stop=True)
    plan = decide(census, facts(census), at(30))
    assert plan.create is None
    assert plan.status is not None
    assert (plan.status.state, plan.status.failure_reason) == ("Stopped", "StopRequested")


def test_stop_deletes_a_pod_that_was_not_claimed() -> None:
    census = job(stop=True)
    unclaimed = pod(gated=True)
    plan = decide(census, facts(census, unclaimed), at(30))
    assert (len(plan.deletions), plan.releases) == (1, ())
    assert plan.claim is not None
    assert (plan.claim.state, plan.claim.attempts) == ("Stopping", 0)


def test_stopped_once_the_pod_is_gone() -> None:
    census = job(status=stop_latched(state="Stopping"))
    gone = pod(phase="Failed", fetch=ended(143), deleting=9)
    plan = decide(census, facts(census, gone=gone), at(30))
    assert plan.status is not None
    assert (plan.status.state, plan.status.failure_reason) == ("Stopped", "StopRequested")
    assert [entry.type for entry in plan.status.conditions if entry.status == "True"] == ["StopRequested", "Stopped"]


def test_stop_between_two_attempts() -> None:
    status = stop_latched(state="Pending", attemptHistory=[{"attempt": 1, "reason": "Evicted"}])
    census = job(status=status)
    waits = decide(census, facts(census, pod(phase="Pending", fetch=runs(), deleting=9)), at(30))
    assert (waits.create, waits.deletions) == (None, ())
    plan = decide(census, facts(census), at(31))
    assert plan.status is not None
    assert plan.status.state == "Stopped"


def test_stop_is_told_once() -> None:
    census = job(status=begun(state="Running"), stop=True)
    plan = decide(census, facts(census, running()), at(30))
    assert [event.reason for event in plan.events] == ["Started", "StopRequested"]
    assert plan.claim is not None
    again = job(status=plan.claim.dump(), stop=True)
    assert (
        decide(again, facts(again, pod(fetch=FETCHED, upload=runs(4), script=runs(4), signal="stop")), at(31)).events
        == ()
    )
