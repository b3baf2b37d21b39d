"""How an attempt begins: created gated, entered into the status, released; never two at a time, never one twice."""

from __future__ import annotations

import pytest

from processing_operator.domain.decide import decide
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
    job,
    pod,
    runs,
    waiting,
)

LOST_ONCE = begun(
    state="Pending", attemptHistory=[{"attempt": 1, "reason": "Evicted", "endTime": "2026-01-01T00:00:30Z"}]
)


def look(*seen: Obj, status: Obj | None = None, now: float = 40, gone: Obj | None = None) -> Plan:
    census = job(status=status)
    return decide(census, facts(census, *seen, gone=gone), at(now))


def test_first_look_creates_the_pod_and_writes_nothing_yet() -> None:
    plan = look()
    assert plan.create is not None
    assert plan.create["metadata"]["name"] == "census-1a2b3c4d-1-0"
    assert plan.create["spec"]["schedulingGates"] == [{"name": "processing-operator.dev/recorded"}]
    assert (plan.claim, plan.status, plan.events) == (None, None, ())


def test_pod_is_claimed_and_released() -> None:
    plan = look(pod(gated=True))
    assert plan.claim is not None
    assert (plan.claim.attempts, plan.claim.state, plan.claim.start_time) == (1, "Pending", at(0))
    assert [(entry.pod, entry.pod_uid) for entry in plan.claim.instances] == [("census-1a2b3c4d-1-0", "pod-1")]
    assert [release.pod.uid for release in plan.releases] == ["pod-1"]
    assert [event.reason for event in plan.events] == ["Created"]


def test_claimed_pod_is_released_after_a_crash() -> None:
    plan = look(pod(gated=True), status=begun())
    assert [release.pod.uid for release in plan.releases] == ["pod-1"]
    assert plan.claim is None


def test_second_pod_of_an_attempt_is_never_released() -> None:
    """An operator that had been overtaken has made it, after the first had come and gone."""
    plan = look(pod(gated=True, uid="other"), status=begun())
    assert plan.releases == ()
    assert plan.claim is None
    assert plan.create is None


def test_pod_that_runs_though_the_status_was_lost_is_adopted() -> None:
    plan = look(downloading())
    assert plan.claim is not None
    assert plan.claim.attempts == 1
    assert (plan.releases, plan.create) == ((), None)


def test_pod_of_another_owner_is_not_looked_at() -> None:
    assert look(pod(owner="somebody else")).create is not None


# another attempt follows once the old Pod is really gone
BETWEEN: list[tuple[str, tuple[Obj, ...], float, bool, int]] = [
    ("old Pod ends", (pod(phase="Pending", fetch=runs(), deleting=29),), 40, False, 0),
    ("old Pod has ended", (pod(phase="Failed", fetch=runs()),), 40, False, 1),
    ("too early", (), 31, False, 0),
    ("now", (), 32, True, 0),
]


@pytest.mark.parametrize(
    ("seen", "now", "creates", "deletes"), [row[1:] for row in BETWEEN], ids=[row[0] for row in BETWEEN]
)
def test_between_two_attempts(seen: tuple[Obj, ...], now: float, creates: bool, deletes: int) -> None:
    plan = look(*seen, status=LOST_ONCE, now=now)
    assert (plan.create is not None, len(plan.deletions)) == (creates, deletes)
    assert plan.requeue_at is not None
    assert plan.status is None


def test_delay_grows_with_each_loss() -> None:
    delays = []
    for losses in range(1, 11):
        history = [{"attempt": n, "reason": "Evicted", "endTime": "2026-01-01T00:00:30Z"} for n in range(1, losses + 1)]
        due = look(status=begun(losses, attemptHistory=history), now=30).requeue_at
        assert due is not None
        delays.append((due - at(30)).total_seconds())
    assert delays == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_second_attempt_is_claimed_with_a_clean_slate() -> None:
    status = {**LOST_ONCE, "phases": [{"name": "Downloading", "startTime": "2026-01-01T00:00:01Z"}]}
    plan = look(pod(2, gated=True), status=status)
    assert plan.claim is not None
    assert (plan.claim.attempts, plan.claim.phases, len(plan.claim.attempt_history)) == (2, (), 1)
    assert [entry.pod_uid for entry in plan.claim.instances] == ["pod-2"]


def test_loss_that_turns_out_to_be_later_than_thought_fails() -> None:
    """The last state of the Pod shows that its script had started after all."""
    plan = look(status=LOST_ONCE, gone=pod(script=runs(29), deleting=29))
    assert plan.status is not None
    assert (plan.status.state, plan.status.failure_reason) == ("Failed", "PodDeleted")


def test_finished_job_is_left_alone() -> None:
    status = begun(state="Completed", conditions=[condition("Complete")])
    plan = look(completed(), status=status)
    assert plan == Plan.nothing()


LEFTOVERS: list[tuple[str, Obj, bool]] = [
    ("late Pod", pod(gated=True, uid="late"), True),
    ("late next Pod", pod(2, gated=True), True),
    ("injected container", completed(others=[{"name": "proxy", **runs()}]), False),
    ("ended, the kubelet tells of the Pod later", pod(fetch=FETCHED, upload=UPLOADED, script=ended()), False),
    (
        "fetch failed, the kubelet tells of the Pod later",
        pod(phase="Pending", fetch=ended(64), script=waiting()),
        False,
    ),
    ("not started", created(), True),
    ("being deleted", pod(phase="Pending", fetch=runs(), deleting=3), False),
]


@pytest.mark.parametrize(("seen", "deletes"), [row[1:] for row in LEFTOVERS], ids=[row[0] for row in LEFTOVERS])
def test_what_a_finished_job_leaves_running_for_nothing_is_deleted(seen: Obj, deletes: bool) -> None:
    status = begun(state="Failed", conditions=[condition("Failed")])
    plan = look(seen, status=status)
    assert (len(plan.deletions), plan.status, plan.claim, plan.create) == (deletes, None, None, None)


def test_pod_with_an_injected_container_is_deleted_once_ours_have_ended() -> None:
    seen = completed(others=[{"name": "proxy", **runs()}])
    seen["status"]["phase"] = "Running"
    plan = look(seen, status=begun(state="Completed", conditions=[condition("Complete")]))
    assert len(plan.deletions) == 1


def test_pod_of_which_the_kubelet_has_not_yet_said_that_it_ended_is_kept() -> None:
    seen = completed()
    seen["status"]["phase"] = "Running"
    plan = look(seen, status=begun(state="Completed", conditions=[condition("Complete")]))
    assert plan == Plan.nothing()


def test_deleted_job_is_left_to_the_collector() -> None:
    census = job(status=begun(), meta={"deletionTimestamp": "2026-01-01T00:00:05Z"})
    assert decide(census, facts(census), at(40)) == Plan.nothing()


def test_what_may_be_left_is_looked_for_after_the_end() -> None:
    """The kubelet tells of the Pod's end a moment after that of its containers, and an injected one may go on."""
    assert look(pod(fetch=FETCHED, upload=UPLOADED, script=ended()), status=begun()).requeue_at == at(45)
    assert look(completed(), status=begun()).requeue_at is None
