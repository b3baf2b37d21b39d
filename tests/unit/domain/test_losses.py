"""Attempts that are lost before their script starts are made good by another; Pods that vanish are not."""

from __future__ import annotations

import pytest

from processing_operator.domain.actions import Actions
from processing_operator.domain.decide import decide
from tests.unit.domain.builders import (
    FETCHED,
    Obj,
    at,
    begun,
    completed,
    disrupted,
    ended,
    facts,
    job,
    pod,
    result,
    runs,
    stop_latched,
    text,
    waiting,
    written,
)

UNKNOWN = ended(137, None, 6, reason="ContainerStatusUnknown")


def look(*seen: Obj, gone: Obj | None = None, status: Obj | None = None, now: float = 30) -> Actions:
    census = job(status=status or begun(state="Downloading"))
    return decide(census, facts(census, *seen, gone=gone), at(now))


BEFORE_START: list[tuple[str, Obj, str, bool]] = [
    ("deleted while pending", pod(phase="Pending", fetch=waiting(), deleting=5), "PodDeleted", False),
    ("deleted while downloading", pod(phase="Pending", fetch=runs(), deleting=5), "PodDeleted", False),
    ("fetch cut off", pod(phase="Failed", fetch=ended(143), deleting=5), "PodDeleted", False),
    ("fetch ended by SIGTERM", pod(phase="Failed", fetch=ended(64), deleting=5), "PodDeleted", False),
    ("preempted", pod(fetch=runs(), deleting=5, conditions=[disrupted("PreemptionByScheduler")]), "Preempted", False),
    ("evicted", pod(fetch=ended(137), phase="Failed", status={"reason": "Evicted"}), "Evicted", True),
    (
        "evicted and ended",
        pod(phase="Failed", fetch=ended(143), deleting=5, conditions=[disrupted("EvictionByEvictionAPI")]),
        "Evicted",
        False,
    ),
    (
        "evicted, old API server",
        pod(phase="Failed", fetch=ended(137), status={"reason": "Evicted"}, rules=False),
        "Evicted",
        True,
    ),
    ("refused by the node, old API server", pod(phase="Failed", rules=False), "NodeLost", True),
    ("ended, nobody says why", pod(phase="Failed", fetch=ended(1)), "NodeLost", True),
    ("never bound, deleted", pod(phase="Pending", node="", deleting=5), "PodDeleted", False),
    ("never bound, ended", pod(phase="Failed", node=""), "NodeLost", True),
    (
        "fetch ended by SIGTERM, and says so",
        pod(phase="Failed", fetch=ended(64, message=result("Terminated")), deleting=5),
        "PodDeleted",
        False,
    ),
    (
        "never began, and upload gave up",
        pod(fetch=FETCHED, upload=ended(64), script=UNKNOWN, phase="Failed", deleting=3),
        "PodDeleted",
        False,
    ),
    ("never began", pod(fetch=FETCHED, upload=runs(), script=UNKNOWN, phase="Failed", deleting=3), "PodDeleted", False),
]


@pytest.mark.parametrize(
    ("seen", "reason", "deletes"), [row[1:] for row in BEFORE_START], ids=[row[0] for row in BEFORE_START]
)
def test_loss_before_the_script_started_is_made_good(seen: Obj, reason: str, deletes: bool) -> None:
    actions = look(seen)
    status = written(actions)
    assert (status.state, status.reason, status.completion_time) == ("Pending", reason, None)
    assert [(entry.attempt, entry.reason) for entry in status.attempt_history] == [(1, reason)]
    assert [(entry.start_time, entry.end_time) for entry in status.attempt_history] == [(at(0), at(30))]
    assert status.retries is not None
    assert (status.retries.before_start, status.retries.infrastructure, status.retries.script) == (1, 0, 0)
    assert bool(actions.delete) is deletes
    assert [event.reason for event in actions.events if event.reason != "RestartRulesDropped"] == ["AttemptLost"]


def lost(times: int) -> Obj:
    """The status of attempt `times + 1`, the ones before having been lost."""
    history = [{"attempt": number, "reason": "Evicted"} for number in range(1, times + 1)]
    return begun(times + 1, attemptHistory=history[-10:], retries={"beforeStart": times})


@pytest.mark.parametrize(("times", "goes_on"), [(0, True), (8, True), (9, False)])
def test_ten_losses_in_a_row_are_enough(times: int, goes_on: bool) -> None:
    """The job fails with the last one's reason."""
    seen = pod(times + 1, phase="Failed", fetch=ended(137), status={"reason": "Preempting", "message": "for another"})
    actions = look(seen, status=lost(times))
    status = written(actions)
    assert (status.state, actions.create) == ("Pending" if goes_on else "Failed", None)
    assert (status.reason, status.completion_time is None) == ("Preempted", goes_on)
    assert (status.retries and status.retries.before_start) == (times + goes_on or None)
    if not goes_on:
        assert "10 attempts in a row were lost before the script started" in (status.message or "")
        assert "for another" in (status.message or "")
        assert "Next: " in (status.message or "")


GONE_UNSTARTED: list[tuple[str, Obj, bool]] = [
    ("never bound", pod(phase="Pending", node=""), True),
    ("gated", pod(gated=True), True),
    ("ended by the kubelet", pod(phase="Failed", fetch=ended(143), deleting=5), True),
    ("deleted by force", pod(phase="Pending", fetch=runs(), deleting=5), False),
    ("node is gone", pod(phase="Failed", fetch=runs(), conditions=[disrupted("DeletionByPodGC")]), False),
]


@pytest.mark.parametrize(("seen", "again"), [row[1:] for row in GONE_UNSTARTED], ids=[row[0] for row in GONE_UNSTARTED])
def test_pod_that_went_before_its_script_was_seen_to_start(seen: Obj, again: bool) -> None:
    """Another attempt only where it is certain that the script has not started."""
    status = written(look(gone=seen))
    assert status.state == ("Pending" if again else "Failed")
    assert bool(status.attempt_history) is again


def test_pod_that_vanished_is_looked_for_and_then_given_up() -> None:
    """The watch may tell of its last state a moment after it is not there any more."""
    first = look()
    status = written(first)
    assert (status.state, status.reason, status.instances[0].state) == ("Downloading", "PodDeleted", "Lost")
    assert first.again_at == at(35)
    again = look(status=status.dump(), now=34)
    assert (again.status, again.again_at) == (None, at(35))
    last = written(look(status=status.dump(), now=35))
    assert (last.state, last.reason) == ("Failed", "PodDeleted")
    assert "nobody knows whether" in (last.message or "")


def test_pod_that_vanished_is_judged_by_its_last_state() -> None:
    vanished = written(look(status=begun(state="Running")))
    assert written(look(gone=completed(), status=vanished.dump(), now=31)).state == "Completed"


@pytest.mark.parametrize("instances", [[], [{"index": 0, "pod": "census-1a2b3c4d-1-0"}]], ids=["none", "without a uid"])
def test_attempt_whose_pod_the_status_does_not_name_comes_to_an_end(instances: list[Obj]) -> None:
    """Somebody has edited the status. Nobody knows whether the script has run."""
    status = written(look(status=begun(instances=instances)))
    last = written(look(status=status.dump(), now=40))
    assert (last.state, last.reason) == ("Failed", "PodDeleted")
    assert "Pod census-1a2b3c4d-1-0 was deleted" in (last.message or "")


def test_vanished_with_a_stop_requested_is_stopped() -> None:
    status = written(look(status=stop_latched(state="Stopping")))
    assert (status.state, status.reason) == ("Stopped", "StopRequested")


def test_vanished_after_the_script_had_started_fails_in_spite_of_the_stop() -> None:
    first = written(look(status=stop_latched(state="Stopping", phases=[{"name": "Running", "startTime": text(4)}])))
    last = written(look(status=first.dump(), now=40))
    assert (last.state, last.reason) == ("Failed", "PodDeleted")
    assert "after container script had started" in (last.message or "")
