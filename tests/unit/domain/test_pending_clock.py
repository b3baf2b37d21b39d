"""One clock for all waiting before the script: a row is a life, and when the waiting counts from at its end."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

from typing import NamedTuple

import pytest

from processing_operator.api.v1alpha1 import ProcessingJob
from processing_operator.domain.actions import Actions
from processing_operator.domain.decide import decide
from processing_operator.domain.facts import Refusal
from tests.unit.domain.builders import (
    FETCHED,
    UNSCHEDULABLE,
    Obj,
    at,
    condition,
    downloading,
    ended,
    facts,
    job,
    pod,
    pod_condition,
    result,
    running,
    runs,
    waiting,
    written,
)

OUT = {"name": "out", "path": "/opt/ml/processing/out", "s3": {"uri": "s3://data/out"}}
SPEC: Obj = {
    "inputs": [{"name": "data", "path": "/opt/ml/processing/data", "from": {"job": "first", "output": "out"}}],
    "timeouts": {"pendingSeconds": 600},
    "serviceAccountName": "reader",
}
FIRST = job("first", outputs=[OUT], status={"conditions": [condition("Complete")]})


class Seen(NamedTuple):
    """What one look finds."""

    pods: tuple[Obj, ...] = ()
    refusal: Refusal | None = None
    first: ProcessingJob | None = FIRST


def pulls(fetch: Obj = FETCHED) -> Seen:
    return Seen((pod(phase="Pending", fetch=fetch, upload=runs(4), script=waiting("ErrImagePull", "i/o timeout")),))


QUOTA = Seen(refusal=Refusal("Quota", "exceeded quota: compute"))
ACCOUNT = Seen(refusal=Refusal("Account", 'serviceaccount "reader" not found'))
POLICY = Seen(refusal=Refusal("Policy", "denied the request: no privileged Pods"))
AWAITS = Seen(first=None)
OLD = Seen((pod(uid="old", owner="another", fetch=FETCHED, upload=runs(4), script=runs(4), deleting=30),))
CLAIM = Seen((pod(gated=True),))
CLAIM2 = Seen((pod(2, gated=True),))
UNBOUND = Seen((pod(phase="Pending", node="", conditions=[UNSCHEDULABLE]),))
QUEUED = Seen((pod(node="", gates=("kueue.x-k8s.io/admission",), conditions=[pod_condition("PodScheduled", "False", "SchedulingGated")]),))  # fmt: skip
LOADS = Seen((downloading(),))
CRASHES = Seen((pod(phase="Pending", fetch=waiting("CrashLoopBackOff", last=ended(137), restarts=3)),))
NO_SECRET = Seen((pod(phase="Pending", fetch=ended(75, 1, 100, message=result("SecretNotFound", "absent"))),))
LOST = Seen((pod(phase="Failed", fetch=ended(137), status={"reason": "Evicted"}),))
GONE = Seen()
PULLS = pulls()
STARTS = Seen((pod(phase="Pending", fetch=FETCHED, upload=runs(4), script=waiting()),))
RUNS = Seen((running(),))

# what is seen and when; since when the job waits then (nothing: it does not); whether the clock goes on
LIVES: list[tuple[str, list[tuple[float, Seen]], float | None, bool]] = [
    ("the first wait", [(10, QUOTA)], 10, True),
    ("another reason", [(10, QUOTA), (40, ACCOUNT)], 10, True),
    ("a policy", [(10, POLICY), (40, QUOTA)], 10, True),
    ("another job", [(10, AWAITS), (40, QUOTA)], 10, True),
    ("another job, after quota", [(10, QUOTA), (40, AWAITS)], 10, True),
    ("a predecessor", [(10, OLD), (100, QUOTA)], 10, True),
    ("its Pod", [(10, QUOTA), (40, CLAIM), (50, UNBOUND)], 10, True),
    ("its Pod's troubles", [(0, CLAIM), (20, UNBOUND), (40, NO_SECRET)], 0, True),
    ("another Pod", [(0, CLAIM), (20, LOST), (25, GONE), (25, CLAIM2)], 0, True),
    ("a download", [(0, CLAIM), (10, LOADS), (5010, PULLS)], 5000, True),
    ("a download that goes on", [(0, CLAIM), (10, LOADS), (5010, LOADS)], 0, False),
    ("a download that crashes", [(0, CLAIM), (10, LOADS), (60, CRASHES), (110, PULLS)], 100, True),
    ("two downloads", [(0, CLAIM), (10, LOADS), (110, NO_SECRET), (120, LOADS), (5120, PULLS)], 5100, True),
    ("a download that was lost", [(0, CLAIM), (10, LOADS), (5010, LOST), (5020, CLAIM2)], 5000, True),
    ("a quick download", [(0, CLAIM), (40, PULLS)], 2, True),
    ("a quick download, and nothing new", [(0, CLAIM), (40, STARTS)], 2, True),
    ("a download that nobody saw", [(0, CLAIM), (5010, pulls(ended(0, 10, 5005)))], 4995, True),
    ("a download that nobody saw, another clock", [(0, CLAIM), (5010, pulls(ended(0, 9010, 14005)))], 4995, True),
    ("another's gate", [(0, CLAIM), (10, QUEUED), (5010, UNBOUND)], 5000, True),
    ("another's gate stays", [(0, CLAIM), (10, QUEUED), (5010, QUEUED)], 0, False),
    ("gate and download", [(0, CLAIM), (10, QUEUED), (510, LOADS), (1010, PULLS)], 1000, True),
    ("the clock is set back", [(100, CLAIM), (110, LOADS), (50, PULLS)], 100, True),
    ("the script runs", [(0, CLAIM), (10, RUNS)], None, False),
]  # fmt: skip


def look(census: ProcessingJob, seen: Seen, now: float) -> Actions:
    facts_ = facts(census, *seen.pods, created={"pod-1", "pod-2"}, refusal=seen.refusal, awaited={"first": seen.first})
    return decide(census, facts_, at(now))


def live(steps: list[tuple[float, Seen]]) -> ProcessingJob:
    """The job after all that."""
    census = job(**SPEC)
    for now, seen in steps:
        actions = look(census, seen, now)
        if (after := actions.claim or actions.status) is not None:
            census = job(status=after.dump(), **SPEC)
    return census


@pytest.mark.parametrize(("steps", "since"), [life[1:3] for life in LIVES], ids=[life[0] for life in LIVES])
def test_waiting_counts_from(steps: list[tuple[float, Seen]], since: float | None) -> None:
    status = live(steps).status
    assert status.completion_time is None
    assert status.state not in ("Failing", "Failed")
    assert status.pending_since == (None if since is None else at(since))


WAIT = [life for life in LIVES if life[1][-1][1] not in (CLAIM, CLAIM2)]


@pytest.mark.parametrize(("steps", "since", "counts"), [life[1:] for life in WAIT], ids=[life[0] for life in WAIT])
def test_given_up_when_it_is_over(steps: list[tuple[float, Seen]], since: float | None, counts: bool) -> None:
    census, last = live(steps), steps[-1][1]
    if not counts:
        later = look(census, last, 20000)
        assert (later.claim, later.status and later.status.completion_time) == (None, None)
        return
    assert since is not None
    before = look(census, last, since + 599)
    assert (before.claim, before.status and before.status.completion_time) == (None, None)
    assert written(look(census, last, since + 600)).state in ("Failing", "Failed")
