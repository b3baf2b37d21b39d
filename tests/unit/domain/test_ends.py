"""How attempts end: a row is a Pod and the state, the reason and the words that follow from it."""

# ruff: noqa: E501 - a row is a line

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
    created,
    disrupted,
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
    stop_latched,
    uploading,
    waiting,
)

SPEC: Obj = {
    "resources": {"limits": {"memory": "48Mi"}},
    "outputs": [{"name": "out", "path": "/opt/ml/processing/out", "s3": {"uri": "s3://data/out"}}],
}
NOT_FOUND = result("InputNotFound", 'nothing at bucket "b", prefix "x"; ListObjectsV2 gave 0 keys')
DENIED = result("UploadDenied", "PutObject b/out/a: 403 AccessDenied", exit={"code": 0, "reason": "Exited"})
BOTH = result("UploadDenied", "PutObject b/out/a: 403", exit={"code": 3, "reason": "Exited"})
START_ERROR = ended(128, None, 5, reason="StartError", message="exec: launcher: no such file")
UNKNOWN = ended(137, None, 6, reason="ContainerStatusUnknown")


def fetch_64(message: str, **more: object) -> Obj:
    return pod(fetch=ended(64, 1, 3, message=message), upload=waiting(), script=waiting(), phase="Failed", **more)  # type: ignore[arg-type]


def sent(code: int, message: str) -> Obj:
    return ended(code, 4, 9, message=message)


ENDS: list[tuple[str, Obj, str, str, list[str]]] = [
    ("all well", completed(), "Completed", "", ["attempt 1"]),
    ("record unreadable", pod(fetch=FETCHED, upload=sent(0, "?"), script=ended()), "Completed", "", []),
    ("oom of a child, code 0", pod(fetch=FETCHED, upload=UPLOADED, script=ended(0, reason="OOMKilled")), "Completed", "", []),
    ("exit 3", failed(3), "Failed", "ScriptFailed", ["script", "exit code 3", "kubectl logs -n default"]),
    ("segfault", failed(139), "Failed", "ScriptFailed", ["139 (SIGSEGV)"]),
    ("exit 127", failed(127), "Failed", "CommandNotFound", ["script", "127", "spec.command", "python3"]),
    ("exit 126", failed(126), "Failed", "CommandNotFound", ["126"]),
    ("oom by the kubelet", failed(137, reason="OOMKilled"), "Failed", "OutOfMemory", ["script", "137", "48Mi"]),
    ("oom by the record", failed(137, sent(0, record(code=137, signal=9, oom=1, peak=50331648))), "Failed", "OutOfMemory", ["48 MiB"]),
    ("oom of a child, exit 3", failed(3, sent(0, record(code=3, oom=1))), "Failed", "ScriptFailed", ["exit code 3"]),
    ("launcher killed", failed(137, sent(0, result())), "Failed", "ScriptFailed", ["137 (SIGKILL)"]),
    ("full", failed(143, sent(0, record("WorkspaceFull"))), "Failed", "WorkspaceFull", ["spec.workspace.size", "30Gi"]),
    ("no such command", failed(127, sent(0, record("CommandNotFound"))), "Failed", "CommandNotFound", ["python3"]),
    ("too long", failed(143, sent(0, record("MaxRuntimeExceeded"))), "Stopped", "MaxRuntimeExceeded", ["maxRuntimeSeconds", "143"]),
    ("stopped", failed(137, sent(0, record("StopRequested"))), "Stopped", "StopRequested", ["137 (SIGKILL)"]),
    ("stopped, exit 0", pod(fetch=FETCHED, upload=sent(0, record("StopRequested")), script=ended()), "Stopped", "StopRequested", []),
    ("no input", fetch_64(NOT_FOUND), "Failed", "InputNotFound", ["fetch", "exit code 64", 'bucket "b"', "spec.inputs"]),
    ("fetch, no reason", fetch_64("?"), "Failed", "ScriptNotStarted", ["fetch", "64", "kubectl logs", "-c fetch"]),
    ("upload denied", pod(fetch=FETCHED, upload=sent(64, DENIED), script=ended()), "Failed", "UploadDenied", ["upload", "403"]),
    ("upload, no reason", pod(fetch=FETCHED, upload=sent(64, "?"), script=ended()), "Failed", "UploadFailed", ["-c upload"]),
    ("script and upload", failed(3, sent(64, BOTH)), "Failed", "ScriptFailed", ["exit code 3", "not all uploaded", "403"]),
    ("stopped, upload denied", failed(143, sent(64, result("UploadDenied", "403", exit={"reason": "StopRequested"}))), "Failed", "UploadDenied", ["403"]),
    ("deleted", failed(143, sent(0, record("Terminated")), deleting=5), "Failed", "PodDeleted", ["census-1a2b3c4d-1-0", "143 (SIGTERM)"]),
    ("evicted", failed(143, sent(0, record("Terminated")), status={"reason": "Evicted", "message": "disk"}), "Failed", "Evicted", ["disk"]),
    ("drained", failed(143, sent(0, record("Terminated")), deleting=5, conditions=[disrupted("EvictionByEvictionAPI")]), "Failed", "Evicted", []),
    ("preempted", failed(143, sent(0, record("Terminated")), deleting=5, conditions=[disrupted("PreemptionByScheduler")]), "Failed", "Preempted", []),
    ("done while being deleted", completed(deleting=5), "Completed", "", []),
    ("own failure while being deleted", failed(3, deleting=5), "Failed", "ScriptFailed", []),
    ("upload cut off by deletion", pod(fetch=FETCHED, upload=ended(143), script=ended(), deleting=5, phase="Failed"), "Failed", "PodDeleted", ["script", "exit code 0"]),
    ("evicted, cut off", failed(137, ended(137), status={"reason": "Evicted", "message": "disk"}), "Failed", "Evicted", ["script", "137", "disk"]),
    ("deleted, cut off", failed(143, ended(137), deleting=5), "Failed", "PodDeleted", ["143 (SIGTERM)"]),
    ("oom, then deleted", failed(137, ended(137), reason="OOMKilled", deleting=5), "Failed", "OutOfMemory", ["48Mi"]),
    ("own failure, cut off", failed(3, ended(137), deleting=5), "Failed", "ScriptFailed", ["exit code 3", "not all uploaded"]),
    ("sandbox lost", pod(fetch=ended(0, 20, 21, restarts=1), upload=sent(0, result()), script=ended(137, 4, 15)), "Failed", "NodeLost", ["script", "137"]),
    ("sandbox lost, launcher told", pod(fetch=ended(0, 20, 21, restarts=1), upload=sent(0, record("Terminated")), script=ended(143, 4, 15)), "Failed", "NodeLost", ["script"]),
    ("sandbox lost after the end", pod(fetch=ended(0, 20, 21, restarts=1), upload=UPLOADED, script=ended(0, 4, 15)), "Completed", "", []),
    ("no command for the runtime", pod(fetch=FETCHED, upload=sent(64, result("ScriptNotStarted")), script=START_ERROR), "Failed", "CommandNotFound", ["script", "exit code 128", "no such file"]),
    ("old server, fetch crashed", pod(fetch=ended(1), upload=waiting(), script=waiting(), phase="Failed", rules=False), "Failed", "ScriptNotStarted", ["fetch", "exit code 1"]),
    ("old server, upload crashed", pod(fetch=FETCHED, upload=ended(1, 4, 9), script=ended(), phase="Failed", rules=False), "Failed", "UploadFailed", ["upload", "exit code 1"]),
    ("node gone", pod(fetch=FETCHED, upload=runs(), script=runs(), phase="Failed", conditions=[disrupted("DeletionByPodGC")]), "Failed", "NodeLost", ["while container script was running"]),
    ("node gone, nothing known", pod(fetch=FETCHED, upload=runs(), script=waiting(), phase="Failed", conditions=[disrupted("DeletionByPodGC")]), "Failed", "NodeLost", ["nobody knows"]),
    ("fetch told to stop", fetch_64(result("StopRequested")), "Stopped", "StopRequested", ["before the script started"]),
]  # fmt: skip


def decide_on(seen: Obj, *, gone: bool = False, status: Obj | None = None, now: float = 30) -> Plan:
    census = job(status=status or begun(state="Running"), **SPEC)
    return decide(census, facts(census, gone=seen) if gone else facts(census, seen), at(now))


@pytest.mark.parametrize("gone", [False, True], ids=["listed", "gone"])
@pytest.mark.parametrize(("seen", "state", "reason", "words"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_end(seen: Obj, state: str, reason: str, words: list[str], gone: bool) -> None:
    """The last state of a Pod that is gone says the same as the Pod did."""
    plan = decide_on(seen, gone=gone)
    assert plan.status is not None
    assert (plan.status.state, plan.status.failure_reason or "") == (state, reason)
    assert [word for word in words if word not in (plan.status.message or "")] == [], plan.status.message
    assert plan.create is None
    assert plan.status.attempts == 1


NO_END: list[tuple[str, Obj]] = [
    ("created", created()),
    ("downloading", downloading()),
    ("running", running()),
    ("uploading", uploading()),
    ("script failed, uploading", uploading(3)),
    ("fetch crashed", pod(fetch=waiting("CrashLoopBackOff", last=ended(137), restarts=1), phase="Pending")),
    ("upload crashed", pod(fetch=FETCHED, upload=waiting("CrashLoopBackOff", last=ended(1)), script=ended())),
    ("upload crashed just now", pod(fetch=FETCHED, upload=ended(1, 4, 9), script=ended())),
    ("uploader alone has ended", pod(fetch=FETCHED, upload=ended(0, 4, 9), script=runs())),
    ("being deleted while running", pod(fetch=FETCHED, upload=runs(), script=runs(), deleting=5)),
    ("being deleted, script perhaps started", pod(fetch=FETCHED, upload=runs(), script=waiting(), deleting=5)),
    ("disrupted while running", pod(fetch=FETCHED, upload=runs(), script=runs(), conditions=[disrupted("X")])),
]


@pytest.mark.parametrize("seen", [row[1] for row in NO_END], ids=[row[0] for row in NO_END])
def test_no_end(seen: Obj) -> None:
    plan = decide_on(seen, now=10)
    assert plan.create is None
    assert plan.status is None or (plan.status.state is not None and not plan.status.state.terminal)


BEFORE_START: list[tuple[str, Obj, str, bool]] = [
    ("deleted while pending", pod(phase="Pending", fetch=waiting(), deleting=5), "PodDeleted", False),
    ("deleted while downloading", pod(phase="Pending", fetch=runs(), deleting=5), "PodDeleted", False),
    ("fetch cut off", pod(phase="Failed", fetch=ended(143), deleting=5), "PodDeleted", False),
    ("fetch ended by SIGTERM", pod(phase="Failed", fetch=ended(64), deleting=5), "PodDeleted", False),
    ("preempted", pod(fetch=runs(), deleting=5, conditions=[disrupted("PreemptionByScheduler")]), "Preempted", False),
    ("evicted", pod(fetch=ended(137), phase="Failed", status={"reason": "Evicted"}), "Evicted", True),
    ("never began", pod(fetch=FETCHED, upload=runs(), script=UNKNOWN, phase="Failed", deleting=3), "PodDeleted", False),
]


@pytest.mark.parametrize(
    ("seen", "reason", "deletes"), [row[1:] for row in BEFORE_START], ids=[row[0] for row in BEFORE_START]
)
def test_loss_before_the_script_started_is_made_good(seen: Obj, reason: str, deletes: bool) -> None:
    plan = decide_on(seen, status=begun(state="Downloading"))
    assert plan.status is not None
    assert plan.status.state == "Pending"
    assert [(entry.attempt, entry.reason) for entry in plan.status.attempt_history] == [(1, reason)]
    assert bool(plan.deletions) is deletes
    assert [event.reason for event in plan.events] == ["AttemptLost"]


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
    plan = decide_on(seen, gone=True, status=begun(state="Downloading"))
    assert plan.status is not None
    assert plan.status.state == ("Pending" if again else "Failed")
    assert bool(plan.status.attempt_history) is again


def test_pod_that_vanished_is_looked_for_and_then_given_up() -> None:
    """The watch may tell of its last state a moment later than the list leaves it out."""
    census = job(status=begun(state="Downloading"))
    first = decide(census, facts(census), at(30))
    assert first.status is not None
    assert (first.status.state, first.status.instances[0].state) == ("Downloading", "Lost")
    assert first.requeue_at == at(35)
    again = job(status=first.status.dump())
    assert decide(again, facts(again), at(34)).status is None
    last = decide(again, facts(again), at(35)).status
    assert last is not None
    assert (last.state, last.failure_reason) == ("Failed", "PodDeleted")
    assert "nobody knows whether" in (last.message or "")


def test_pod_that_vanished_is_judged_by_its_last_state() -> None:
    first = job(status=begun(state="Running"))
    lost = decide(first, facts(first), at(30)).status
    assert lost is not None
    census = job(status=lost.dump())
    plan = decide(census, facts(census, gone=completed()), at(31))
    assert plan.status is not None
    assert plan.status.state == "Completed"


def test_vanished_with_a_stop_requested_is_stopped() -> None:
    census = job(status=stop_latched(state="Stopping"))
    plan = decide(census, facts(census), at(30))
    assert plan.status is not None
    assert (plan.status.state, plan.status.failure_reason) == ("Stopped", "StopRequested")


def test_vanished_after_the_script_had_started_fails_in_spite_of_the_stop() -> None:
    status = stop_latched(state="Stopping", phases=[{"name": "Running", "startTime": "2026-01-01T00:00:04Z"}])
    census = job(status=status)
    first = decide(census, facts(census), at(30)).status
    assert first is not None
    again = job(status=first.dump())
    last = decide(again, facts(again), at(40)).status
    assert last is not None
    assert (last.state, last.failure_reason) == ("Failed", "PodDeleted")
