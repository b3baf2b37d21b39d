"""How an attempt begins: created gated, entered into the status, released; never two at a time, never one twice."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

import pytest

from processing_operator.domain.actions import Actions
from processing_operator.domain.decide import decide
from tests.unit.domain.builders import (
    Obj,
    at,
    begun,
    completed,
    downloading,
    ended,
    facts,
    job,
    pod,
    running,
    runs,
    text,
    written,
)

LOST_ONCE = begun(attemptHistory=[{"attempt": 1, "reason": "Evicted", "endTime": text(30)}], retries={"beforeStart": 1})
QUEUE = "kueue.x-k8s.io/admission"


def look(
    *seen: Obj, status: Obj | None = None, now: float = 40, gone: Obj | None = None, created: set[str] | None = None
) -> Actions:
    census = job(status=status, timeouts={"pendingSeconds": 600})
    return decide(census, facts(census, *seen, gone=gone, created=created or set()), at(now))


def test_first_look_creates_the_pod_and_writes_nothing_yet() -> None:
    actions = look()
    assert actions.create is not None
    assert actions.create["metadata"]["name"] == "census-1a2b3c4d-1-0"
    assert actions.create["spec"]["schedulingGates"] == [{"name": "processing-operator.dev/recorded"}]
    assert (actions.claim, actions.status, actions.events) == (None, None, ())


@pytest.mark.parametrize("gates", [(), (QUEUE,)], ids=["ours alone", "a queue's too"])
def test_pod_is_claimed_and_released(gates: tuple[str, ...]) -> None:
    actions = look(pod(gated=True, gates=gates), created={"pod-1"})
    assert actions.claim is not None
    assert (actions.claim.attempts, actions.claim.state, actions.claim.start_time) == (1, "Pending", at(0))
    assert [(entry.pod, entry.pod_uid) for entry in actions.claim.instances] == [("census-1a2b3c4d-1-0", "pod-1")]
    assert actions.claim.pending_since == at(40)
    assert [release.target.uid for release in actions.release] == ["pod-1"]
    assert [event.reason for event in actions.events] == ["Created"]


@pytest.mark.parametrize("created", [set(), {"pod-1"}], ids=["by another process", "by this one"])
def test_claimed_pod_is_released_after_a_crash(created: set[str]) -> None:
    actions = look(pod(gated=True), status=begun(), created=created)
    assert [release.target.uid for release in actions.release] == ["pod-1"]
    assert actions.claim is None


BOUNDS = [
    # the script's limit for ephemeral-storage; what its launcher is told; whether people are
    ("", "", False),
    ("100Mi", '{"ephemeralStorage":104857600,"script":104857600}', True),
    ("40Gi", '{"ephemeralStorage":42949672960,"script":42949672960}', False),
]


@pytest.mark.parametrize(("limit", "told", "warned"), BOUNDS)
def test_the_limits_that_the_pod_was_admitted_with_are_handed_on(limit: str, told: str, *, warned: bool) -> None:
    census = job()
    actions = decide(census, facts(census, pod(gated=True, storage=limit), created={"pod-1"}), at(0))
    assert [release.bounds for release in actions.release] == [told]
    events = [event.message for event in actions.events if event.reason == "WorkspaceLimited"]
    assert bool(events) is warned
    assert all("104857600 bytes" in message and "spec.workspace.size, 30Gi" in message for message in events)


def test_second_pod_of_an_attempt_is_never_released() -> None:
    """An operator that had been overtaken has made it, after the first had come and gone."""
    actions = look(pod(gated=True, uid="other", since=35), status=begun(), created={"other"})
    assert (actions.release, actions.claim, actions.create) == ((), None, None)


# a gated Pod that the status does not know, seen at 40: what this process has created; claimed, deleted, another created
UNCLAIMED: list[tuple[str, Obj, set[str], tuple[bool, bool, bool]]] = [
    ("its own", pod(gated=True), {"pod-1"}, (True, False, False)),
    ("another's", pod(gated=True, since=31), set(), (False, False, False)),
    ("another's, 10 s old", pod(gated=True, since=30), set(), (False, True, False)),
    ("another's, the API server's clock is ahead", pod(gated=True, since=42), set(), (False, True, False)),
    ("another's, being deleted", pod(gated=True, since=10, deleting=39), set(), (False, False, False)),
    ("its own, being deleted", pod(gated=True, since=31, deleting=39), {"pod-1"}, (False, False, False)),
    ("forged under another name", pod(gated=True, name="forged", uid="forged"), set(), (False, False, True)),
    ("of a later attempt", pod(2, gated=True), {"pod-2"}, (False, False, True)),
]


@pytest.mark.parametrize(
    ("seen", "created", "expected"), [row[1:] for row in UNCLAIMED], ids=[row[0] for row in UNCLAIMED]
)
def test_gated_pod_is_claimed_only_by_the_process_that_made_it(
    seen: Obj, created: set[str], expected: tuple[bool, bool, bool]
) -> None:
    """Any other has never run: it is deleted, and made again."""
    actions = look(seen, created=created)
    assert (actions.claim is not None, bool(actions.delete), actions.create is not None) == expected
    assert (actions.status, bool(actions.release)) == (None, expected[0])
    assert actions.again_at is not None


def test_orphan_is_looked_at_again_when_it_is_old_enough() -> None:
    assert look(pod(gated=True, since=33)).again_at == at(43)
    assert look(pod(gated=True, since=30, deleting=39)).again_at == at(45)


def test_orphans_never_hold_up_what_the_job_itself_needs() -> None:
    """Whoever may create Pods may make as many as they like."""
    forged = pod(gated=True, name="forged", uid="forged")
    first = look(running(), forged, status=begun())
    assert (written(first).state, first.delete) == ("Running", ())
    assert [target.uid for target in look(running(), forged, status=written(first).dump()).delete] == ["forged"]


def test_orphan_that_does_not_go_is_waited_for_no_longer_than_for_anything_else() -> None:
    """A finalizer holds it."""
    stuck = pod(gated=True, since=0, deleting=11)
    assert look(stuck, now=60).status is None
    status = written(look(stuck, now=80))
    assert (status.state, status.reason, status.pending_since) == ("Waiting", "PodTerminating", at(80))
    assert "census-1a2b3c4d-1-0" in (status.message or "")
    assert look(stuck, status=status.dump(), now=679).status is None
    last = written(look(stuck, status=status.dump(), now=680))
    assert (last.state, last.reason) == ("Failed", "PendingTimeout")
    assert "kubectl delete pod -n default census-1a2b3c4d-1-0" in (last.message or "")


# Pods of this job that run although the status does not know them
STRANGERS: list[tuple[str, Obj]] = [
    ("runs", running()),
    ("downloads", downloading()),
    ("has ended", completed()),
    ("of a later attempt", pod(2, fetch=runs())),
    ("behind a queue's gate", pod(gates=(QUEUE,))),
]


@pytest.mark.parametrize("seen", [row[1] for row in STRANGERS], ids=[row[0] for row in STRANGERS])
def test_pod_that_runs_and_was_never_claimed_is_a_conflict(seen: Obj) -> None:
    """Forged, or the status was lost: another Pod beside it might start the script a second time."""
    actions = look(seen, created={"pod-1"})
    status = written(actions)
    assert (status.state, status.reason, status.attempts) == ("Failed", "NameConflict", 0)
    assert seen["metadata"]["name"] in (status.message or "")
    assert (actions.claim, actions.create, actions.delete) == (None, None, ())


# another attempt follows once the old Pod is really gone
BETWEEN: list[tuple[str, tuple[Obj, ...], float, bool, int]] = [
    ("old Pod ends", (pod(phase="Pending", fetch=runs(), deleting=29),), 40, False, 0),
    ("old Pod has ended", (pod(phase="Failed", fetch=runs()),), 40, False, 1),
    ("old Pod has ended, and is being deleted", (pod(phase="Failed", fetch=runs(), deleting=29),), 40, False, 0),
    ("the clock is set back", (), -40, False, 0),
    ("too early", (), 31, False, 0),
    ("now", (), 32, True, 0),
]


@pytest.mark.parametrize(
    ("seen", "now", "creates", "deletes"), [row[1:] for row in BETWEEN], ids=[row[0] for row in BETWEEN]
)
def test_between_two_attempts(seen: tuple[Obj, ...], now: float, creates: bool, deletes: int) -> None:
    actions = look(*seen, status=LOST_ONCE, now=now)
    assert (actions.create is not None, len(actions.delete)) == (creates, deletes)
    assert actions.again_at is not None
    assert actions.status is None


def test_old_pod_that_does_not_go_is_waited_for_no_longer_than_for_anything_else() -> None:
    """Its node is dead."""
    stuck = pod(phase="Pending", fetch=runs(), deleting=29)
    assert look(stuck, status=LOST_ONCE, now=88).status is None
    status = written(look(stuck, status=LOST_ONCE, now=89))
    assert (status.state, status.reason, status.pending_since) == ("Waiting", "PodTerminating", at(0))
    assert look(stuck, status=status.dump(), now=599).status is None
    last = written(look(stuck, status=status.dump(), now=600))
    assert (last.state, last.reason) == ("Failed", "PendingTimeout")
    assert "kubectl delete pod -n default census-1a2b3c4d-1-0 --force" in (last.message or "")


@pytest.mark.parametrize(
    ("losses", "seconds"),
    [(1, 2), (2, 4), (3, 8), (4, 16), (5, 32), (6, 64), (7, 128), (8, 256), (9, 300), (10**6, 300)],
)
def test_delay_grows_with_each_loss(losses: int, seconds: int) -> None:
    history = [{"attempt": losses, "reason": "Evicted", "endTime": text(30)}]
    actions = look(status=begun(losses, attemptHistory=history, retries={"beforeStart": losses}), now=30)
    assert (actions.again_at, actions.create) == (at(30 + seconds), None)


def test_loss_of_unknown_time_is_made_good_at_once() -> None:
    """Somebody has edited the status."""
    assert look(status=begun(attemptHistory=[{"attempt": 1, "reason": "Evicted"}])).create is not None


def test_second_attempt_is_claimed_with_a_clean_slate() -> None:
    old: Obj = {
        "phases": [{"name": "Downloading", "startTime": text(1)}],
        "restarts": {"fetch": 2},
        "progress": {"phase": "Downloading", "objects": 1, "bytes": 1},
        "exitCode": 128,
    }
    status = written(look(pod(2, gated=True, since=39), status={**LOST_ONCE, **old}, created={"pod-2"}))
    assert status.start_time == at(0)
    assert (status.attempts, len(status.attempt_history), status.pending_since) == (2, 1, at(0))
    assert (status.phases, status.restarts, status.progress, status.exit_code) == ((), None, None, None)
    assert [entry.pod_uid for entry in status.instances] == ["pod-2"]


@pytest.mark.parametrize("gone", [False, True], ids=["listed", "gone"])
@pytest.mark.parametrize("script", [runs(29), ended(143, 29, 31)], ids=["runs", "ended"])
def test_loss_that_turns_out_to_be_later_than_thought_fails(script: Obj, gone: bool) -> None:
    """The Pod shows that its script had started after all: it is not started again."""
    late = pod(script=script, deleting=29)
    actions = look(status=LOST_ONCE, gone=late) if gone else look(late, status=LOST_ONCE)
    status = written(actions)
    assert (status.state, status.reason, actions.create) == ("Failed", "PodDeleted", None)


def test_deleted_job_is_left_to_the_collector() -> None:
    census = job(status=begun(), meta={"deletionTimestamp": text(5)})
    assert decide(census, facts(census, pod(gated=True)), at(40)) == Actions()
