"""Pods of a deleted job of the same name: they may still upload to the same place."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

from typing import Any

import pytest

from processing_operator.domain.actions import Actions
from processing_operator.domain.decide import decide
from tests.unit.domain.builders import (
    FETCHED,
    UPLOADED,
    Obj,
    at,
    begun,
    completed,
    created,
    ended,
    facts,
    job,
    pod,
    reconciling,
    running,
    runs,
    text,
    uploading,
    waiting,
    written,
)


def look(*seen: Obj, status: Obj | None = None, now: float = 10, stop: bool = False) -> Actions:
    census = job(status=status, timeouts={"pendingSeconds": 600}, stop=stop)
    return decide(census, facts(census, *seen), at(now))


def of(owner: str, seen: Obj) -> Obj:
    """The Pod, of another job's uid; of nobody, if its job was deleted with --cascade=orphan."""
    references = [{"kind": "ProcessingJob", "name": "census", "uid": owner, "controller": True}] if owner else []
    return {**seen, "metadata": {**seen["metadata"], "uid": f"of-{owner}", "ownerReferences": references}}


# what the other's Pod does, and whether the job waits for it
PREDECESSORS: list[tuple[str, Obj, bool]] = [
    ("runs", running(), True),
    ("uploads", uploading(), True),
    ("is being deleted", pod(fetch=FETCHED, upload=runs(4), script=runs(4), deleting=9), True),
    ("downloads", pod(phase="Pending", fetch=runs()), True),
    ("is about to start", created(), True),
    ("upload crashed just now", pod(fetch=FETCHED, upload=ended(1, 4, 9), script=ended()), True),
    ("upload is restarted", pod(fetch=FETCHED, upload=waiting("CrashLoopBackOff", last=ended(1)), script=ended()), True),
    ("upload crashed, old API server", pod(fetch=FETCHED, upload=ended(1, 4, 9), script=ended(), rules=False), False),
    ("uploads, old API server", pod(fetch=FETCHED, upload=runs(4), script=ended(), rules=False), True),
    ("its upload has given up, its script runs", pod(fetch=FETCHED, upload=ended(64), script=runs(4)), False),
    ("is gated", pod(gated=True), False),
    ("has ended", completed(), False),
    ("has failed", pod(phase="Failed", fetch=ended(64)), False),
    ("its containers have ended", pod(fetch=FETCHED, upload=UPLOADED, script=ended()), False),
    ("its upload has failed", pod(fetch=FETCHED, upload=ended(64), script=ended()), False),
]  # fmt: skip


@pytest.mark.parametrize("owner", ["another", ""])
@pytest.mark.parametrize(("seen", "waits"), [row[1:] for row in PREDECESSORS], ids=[row[0] for row in PREDECESSORS])
def test_live_pod_is_waited_for(seen: Obj, waits: bool, owner: str) -> None:
    actions = look(of(owner, seen))
    assert (actions.create is None) is waits
    assert (actions.delete, actions.release, actions.stop) == ((), (), ())
    if waits:
        status = written(actions)
        assert (status.state, status.reason, status.attempts) == ("Waiting", "PredecessorUploads", 0)
        assert reconciling(status) == "PredecessorUploads"
        assert "census-1a2b3c4d-1-0 of a deleted job of this name is still uploading" in (status.message or "")
        assert "at most 660 s" in (status.message or "")


def test_running_attempt_looks_at_no_predecessor() -> None:
    assert written(look(running(), of("another", running()), status=begun())).state == "Running"


def test_stop_does_not_wait_for_it() -> None:
    status = written(look(of("another", running()), stop=True))
    assert (status.state, status.reason) == ("Stopped", "StopRequested")


HUGE = 10**18


def going(**more: Any) -> Obj:
    return pod(fetch=FETCHED, upload=runs(4), script=runs(4), **more)


# the Pod, first seen at 10; until when it has its own time, and when the job is given up
LIMITS: list[tuple[str, Obj, float, float]] = [
    ("being deleted", going(deleting=100), 160, 610),
    ("being deleted, longer than the job may wait", going(deleting=1000, grace=1000), 1060, 1060),
    ("being deleted for longer than its spec says", going(deleting=5000, grace=30), 100, 610),
    ("nobody deletes it", going(grace=30), 100, 610),
    ("nobody deletes it, long grace", going(grace=1000), 1070, 1070),
    ("absurd grace", going(grace=HUGE), 10 + 2 * 86400 + 60, 10 + 2 * 86400 + 60),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "own", "end"), [row[1:] for row in LIMITS], ids=[row[0] for row in LIMITS])
def test_it_has_its_own_grace_and_a_minute_then_the_pending_clock_counts(seen: Obj, own: float, end: float) -> None:
    """A Pod that was orphaned, or is stuck on a dead node, does not hold a job for ever."""
    old = of("another", seen)
    status = written(look(old)).dump()
    assert status["pendingSince"] == "2026-01-01T00:00:10Z"
    assert look(old, status=status, now=own - 1).again_at == at(own)
    if own < end:
        stuck = look(old, status=status, now=own)
        assert (reconciling(written(stuck)), stuck.again_at) == ("PredecessorUploads", at(end))
    waits = look(old, status=status, now=end - 1)
    assert (waits.create, waits.status and waits.status.completion_time) == (None, None)
    last = written(look(old, status=status, now=end))
    assert (last.state, last.reason) == ("Failed", "PendingTimeout")
    assert "spec.timeouts.pendingSeconds, 600" in (last.message or "")


@pytest.mark.parametrize(("deleting", "force"), [(-100, " --force"), (None, "")], ids=["node is dead", "orphaned"])
def test_who_has_to_do_what_about_a_pod_that_does_not_go(deleting: float | None, force: str) -> None:
    old = of("another", going(deleting=deleting, grace=0))
    status = written(look(old, status={"pendingSince": text(-100)}))
    command = f"kubectl delete pod -n default census-1a2b3c4d-1-0{force}"
    assert (status.message or "").endswith(f"census-1a2b3c4d-1-0 of a deleted job of this name has not gone: {command}")
    last = written(look(old, status=status.dump(), now=500))
    assert command in (last.message or "")


def test_the_job_begins_when_it_is_gone() -> None:
    status = written(look(of("another", running()))).dump()
    assert look(status=status, now=20).create is not None
