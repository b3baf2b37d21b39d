"""How attempts end: a row is a Pod and the state, the reason and the words that follow from it."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

import pytest

from processing_operator.api.status import has_ended
from processing_operator.domain.actions import Actions
from processing_operator.domain.decide import decide
from processing_operator.domain.facts import Cause
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
    uploading,
    waiting,
    written,
)

SPEC: Obj = {
    "resources": {"limits": {"memory": "48Mi"}},
    "outputs": [{"name": "out", "path": "/opt/ml/processing/out", "s3": {"uri": "s3://data/out"}}],
}
NOT_FOUND = result("InputNotFound", 'nothing at bucket "b", prefix "x"; ListObjectsV2 gave 0 keys')
DENIED = result("UploadDenied", "PutObject b/out/a: 403 AccessDenied", exit={"code": 0, "reason": "Exited"})
BOTH = result("UploadDenied", "PutObject b/out/a: 403", exit={"code": 3, "reason": "Exited"})
START_ERROR = ended(128, None, 5, reason="StartError", message="exec: launcher: no such file")
AGAIN = ended(0, 20, 21, restarts=1)
"""Fetch, run once more in a new sandbox."""


def fetch_64(message: str, **more: object) -> Obj:
    return pod(fetch=ended(64, 1, 3, message=message), upload=waiting(), script=waiting(), phase="Failed", **more)  # type: ignore[arg-type]


def sent(code: int, message: str) -> Obj:
    return ended(code, 4, 9, message=message)


ENDS: list[tuple[str, Obj, str, str, list[str]]] = [
    ("all well", completed(), "Completed", "", ["attempt 1"]),
    ("record unreadable", pod(fetch=FETCHED, upload=sent(0, "?"), script=ended()), "Completed", "", []),
    ("oom of a child, code 0", pod(fetch=FETCHED, upload=UPLOADED, script=ended(0, reason="OOMKilled")), "Completed", "", []),
    ("record unreadable, code 3", pod(fetch=FETCHED, upload=sent(0, "?"), script=ended(3)), "Failed", "ScriptFailed", ["exit code 3"]),
    ("exit 3", failed(3), "Failed", "ScriptFailed", ["script", "exit code 3", "kubectl logs -n default"]),
    ("segfault", failed(139), "Failed", "ScriptFailed", ["139 (SIGSEGV)"]),
    ("exit 127 of the script's own", failed(127), "Failed", "ScriptFailed", ["script", "127", "what it calls is not there"]),
    ("exit 126 of the script's own", failed(126), "Failed", "ScriptFailed", ["126", "cannot be executed"]),
    ("oom by the kubelet", failed(137, reason="OOMKilled"), "Failed", "OutOfMemory", ["script", "137", "48Mi"]),
    ("oom by the record", failed(137, sent(0, record(code=137, signal=9, oom=1, peak=50331648))), "Failed", "OutOfMemory", ["48 MiB"]),
    ("oom of a child, exit 3", failed(3, sent(0, record(code=3, oom=1))), "Failed", "ScriptFailed", ["exit code 3"]),
    ("full", failed(143, sent(0, record("WorkspaceFull", 143))), "Failed", "WorkspaceFull", ["spec.workspace.size", "30Gi"]),
    ("no such command", failed(127, sent(0, record("CommandNotFound", 127))), "Failed", "CommandNotFound", ["python3"]),
    ("too long", failed(143, sent(0, record("MaxRuntimeExceeded", 143))), "Stopped", "MaxRuntimeExceeded", ["it ran longer than spec.timeouts.runSeconds, 86400", "143"]),
    ("stopped", failed(137, sent(0, record("StopRequested", 137))), "Stopped", "StopRequested", ["137 (SIGKILL): it was asked to stop"]),
    ("stopped, exit 0", pod(fetch=FETCHED, upload=sent(0, record("StopRequested")), script=ended()), "Stopped", "StopRequested", []),
    ("no input, and then deleted", fetch_64(NOT_FOUND, deleting=5), "Failed", "InputNotFound", []),
    ("no input", fetch_64(NOT_FOUND), "Failed", "InputNotFound", ["fetch", "exit code 64", 'bucket "b"', "spec.inputs"]),
    ("fetch, no reason", fetch_64("?"), "Failed", "ScriptNotStarted", ["fetch", "64", "kubectl logs", "-c fetch"]),
    ("upload denied", pod(fetch=FETCHED, upload=sent(64, DENIED), script=ended()), "Failed", "UploadDenied", ["upload", "403"]),
    ("upload, no reason", pod(fetch=FETCHED, upload=sent(64, "?"), script=ended()), "Failed", "UploadFailed", ["-c upload"]),
    ("script and upload", failed(3, sent(64, BOTH)), "Failed", "ScriptFailed", ["exit code 3", "not all uploaded", "403"]),
    ("stopped, upload denied", failed(143, sent(64, result("UploadDenied", "403", exit={"code": 143, "reason": "StopRequested"}))), "Failed", "UploadDenied", ["403"]),
    ("deleted", failed(143, sent(0, record("Terminated", 143)), deleting=5), "Failed", "PodDeleted", ["census-1a2b3c4d-1-0", "143 (SIGTERM)"]),
    ("evicted", failed(143, sent(0, record("Terminated", 143)), status={"reason": "Evicted", "message": "disk"}), "Failed", "Evicted", ["disk"]),
    ("drained", failed(143, sent(0, record("Terminated", 143)), deleting=5, conditions=[disrupted("EvictionByEvictionAPI")]), "Failed", "Evicted", []),
    ("preempted", failed(143, sent(0, record("Terminated", 143)), deleting=5, conditions=[disrupted("PreemptionByScheduler")]), "Failed", "Preempted", []),
    ("done while being deleted", completed(deleting=5), "Completed", "", []),
    ("own failure while being deleted", failed(3, deleting=5), "Failed", "ScriptFailed", []),
    ("upload cut off by deletion", pod(fetch=FETCHED, upload=ended(143), script=ended(), deleting=5, phase="Failed"), "Failed", "PodDeleted", ["script", "exit code 0"]),
    ("evicted, cut off", failed(137, ended(137), status={"reason": "Evicted", "message": "disk"}), "Failed", "Evicted", ["script", "137", "disk"]),
    ("taken away, nobody says by whom", failed(143, sent(0, record("Terminated", 143)), deleting=5, conditions=[disrupted("X")]), "Failed", "PodDeleted", []),
    ("evicted while uploading", pod(fetch=FETCHED, upload=runs(4), script=ended(), phase="Failed", status={"reason": "Evicted"}), "Failed", "Evicted", ["exit code 0"]),
    ("evicted, old API server", failed(0, ended(137), status={"reason": "Evicted"}, rules=False), "Failed", "Evicted", ["exit code 0"]),
    ("upload cut off, nobody says why", failed(0, ended(137)), "Failed", "NodeLost", ["exit code 0"]),
    ("deleted, cut off", failed(143, ended(137), deleting=5), "Failed", "PodDeleted", ["143 (SIGTERM)"]),
    ("oom, then deleted", failed(137, ended(137), reason="OOMKilled", deleting=5), "Failed", "OutOfMemory", ["48Mi"]),
    ("own failure, cut off", failed(3, ended(137), deleting=5), "Failed", "ScriptFailed", ["exit code 3", "not all uploaded"]),
    ("no command for the runtime", pod(fetch=FETCHED, upload=sent(64, result("ScriptNotStarted")), script=START_ERROR), "Failed", "CommandNotFound", ["script", "exit code 128", "no such file"]),
    ("old server, fetch crashed", pod(fetch=ended(1), upload=waiting(), script=waiting(), phase="Failed", rules=False), "Failed", "ScriptNotStarted", ["fetch", "exit code 1"]),
    ("old server, upload crashed", pod(fetch=FETCHED, upload=ended(1, 4, 9), script=ended(), phase="Failed", rules=False), "Failed", "UploadFailed", ["upload", "exit code 1"]),
    ("old server, upload crashed just now", pod(fetch=FETCHED, upload=ended(1, 4, 9), script=ended(), rules=False), "Failed", "UploadFailed", []),
    ("node gone", pod(fetch=FETCHED, upload=runs(), script=runs(), phase="Failed", conditions=[disrupted("DeletionByPodGC")]), "Failed", "NodeLost", ["while container script was running"]),
    ("node gone, nothing known", pod(fetch=FETCHED, upload=runs(), script=waiting(), phase="Failed", conditions=[disrupted("DeletionByPodGC")]), "Failed", "NodeLost", ["nobody knows"]),
    ("fetch told to stop", fetch_64(result("StopRequested")), "Stopped", "StopRequested", ["before the script started"]),
]  # fmt: skip

NONE = sent(0, result())
"""All is uploaded, and the launcher has left no record."""
OOM = ended(137, 4, 7, reason="OOMKilled")


def left(upload: Obj, script: Obj, **more: object) -> Obj:
    return pod(**{"fetch": FETCHED, "upload": upload, "script": script, **more})  # type: ignore[arg-type]


def odd(**exit_: object) -> Obj:
    return sent(0, result(exit=exit_))


# what is known of the script's end: the launcher's record, as upload passes it on, and the kubelet's word; the exit code
RECORDS: list[tuple[str, Obj, str, str, list[str], int]] = [
    ("Exited 0, shim killed", left(UPLOADED, ended(255, 4, 7), phase="Failed"), "Completed", "", ["exit code 0"], 0),
    ("Exited 0, OOMKilled 137", left(UPLOADED, OOM, phase="Failed"), "Completed", "", [], 0),
    ("Exited 3, container 0", left(sent(0, record(code=3)), ended(0, 4, 7)), "Failed", "ScriptFailed", ["exit code 3"], 3),
    ("Signaled", left(sent(0, record("Signaled", 139, signal=11)), ended(255)), "Failed", "ScriptFailed", ["139 (SIGSEGV)"], 139),
    ("Signaled 9, no OOM kill", left(sent(0, record("Signaled", 137, signal=9)), ended(137)), "Failed", "ScriptFailed", ["137 (SIGKILL)"], 137),
    ("none, OOMKilled", left(NONE, OOM), "Failed", "OutOfMemory", ["48Mi"], 137),
    ("none, 137", left(NONE, ended(137)), "Failed", "ScriptFailed", ["137 (SIGKILL)", "signal 9, by whom is not known"], 137),
    ("none, 3", left(NONE, ended(3)), "Failed", "ScriptFailed", ["exit code 3"], 3),
    ("none, 255", left(NONE, ended(255)), "Failed", "ScriptFailed", ["exit code 255"], 255),
    ("none, 0", left(NONE, ended(0)), "Failed", "ExitUnknown", ["script", "no record", "outputs are whole"], 0),
    ("none, OOMKilled 0", left(NONE, ended(0, reason="OOMKilled")), "Failed", "ExitUnknown", [], 0),
    ("none, upload failed", left(sent(64, result("UploadDenied", "403")), ended(0)), "Failed", "ExitUnknown", ["not all uploaded", "403"], 0),
    ("null is none", left(sent(0, result(exit=None)), ended(0)), "Failed", "ExitUnknown", [], 0),
    ("rebooted", left(sent(0, record(rebooted=True)), ended(137), fetch=AGAIN), "Failed", "NodeLost", ["137"], 137),
    ("rebooted, not seen by fetch", left(sent(0, record(rebooted=True)), ended(0)), "Failed", "NodeLost", [], 0),
    ("rebooted, being deleted", left(sent(0, record(rebooted=True)), ended(0), deleting=30), "Failed", "NodeLost", [], 0),
    ("fetch twice, none, 137", left(NONE, ended(137, 4, 15), fetch=AGAIN), "Failed", "NodeLost", ["script", "137"], 137),
    ("fetch twice, none, being deleted", left(NONE, ended(3, 4, 15), fetch=AGAIN, deleting=30), "Failed", "NodeLost", [], 3),
    ("fetch twice, none, 0", left(NONE, ended(0, 4, 15), fetch=AGAIN), "Failed", "NodeLost", [], 0),
    ("fetch twice, unreadable, 137", left(sent(0, "?"), ended(137, 4, 15), fetch=AGAIN), "Failed", "NodeLost", [], 137),
    ("fetch twice, unreadable, 0", left(sent(0, "?"), ended(0, 4, 15), fetch=AGAIN), "Completed", "", [], 0),
    ("fetch twice, Terminated", left(sent(0, record("Terminated", 143)), ended(143, 4, 15), fetch=AGAIN), "Failed", "NodeLost", ["script"], 143),
    ("fetch twice, Exited 0", left(UPLOADED, ended(0, 4, 15), fetch=AGAIN), "Completed", "", [], 0),
    ("a code that is none", left(odd(code="0", reason="Exited"), ended(3)), "Failed", "ScriptFailed", ["exit code 3"], 3),
    ("a code below 0", left(odd(code=-1, reason="Exited"), ended(0)), "Failed", "ExitUnknown", [], 0),
    ("no code", left(odd(reason="Exited"), ended(0)), "Failed", "ExitUnknown", [], 0),
    ("empty", left(odd(), ended(137)), "Failed", "ScriptFailed", ["by whom is not known"], 137),
    ("0, but not by itself", left(odd(code=0, reason="Abandoned"), ended(0)), "Failed", "ScriptFailed", ["Abandoned"], 0),
]  # fmt: skip


def decide_on(seen: Obj, *, gone: bool = False, status: Obj | None = None, now: float = 30) -> Actions:
    census = job(status=status or begun(state="Running"), **SPEC)
    return decide(census, facts(census, gone=seen) if gone else facts(census, seen), at(now))


@pytest.mark.parametrize("gone", [False, True], ids=["listed", "gone"])
@pytest.mark.parametrize(("seen", "state", "reason", "words"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_end(seen: Obj, state: str, reason: str, words: list[str], gone: bool) -> None:
    """The last state of a Pod that is gone says the same as the Pod did."""
    actions = decide_on(seen, gone=gone)
    assert actions.status is not None
    assert (actions.status.state, actions.status.reason or "") == (state, reason)
    assert [word for word in words if word not in (actions.status.message or "")] == [], actions.status.message
    assert actions.create is None
    assert actions.status.attempts == 1


@pytest.mark.parametrize("gone", [False, True], ids=["listed", "gone"])
@pytest.mark.parametrize("row", RECORDS, ids=[row[0] for row in RECORDS])
def test_end_by_the_record(row: tuple[str, Obj, str, str, list[str], int], gone: bool) -> None:
    _, seen, state, reason, words, code = row
    test_end(seen, state, reason, words, gone)
    status = written(decide_on(seen, gone=gone))
    assert status.exit_code == code
    assert [entry.exit_code for entry in status.instances] == [code]
    assert (status.instances[0].state == "Succeeded") is (state == "Completed")


NO_END: list[tuple[str, Obj]] = [
    ("created", created()),
    ("downloading", downloading()),
    ("running", running()),
    ("uploading", uploading()),
    ("script failed, uploading", uploading(3)),
    ("fetch crashed", pod(fetch=waiting("CrashLoopBackOff", last=ended(137), restarts=1), phase="Pending")),
    (
        "fetch crashed just now, old API server",
        pod(fetch=ended(1), upload=waiting(), script=waiting(), phase="Pending", rules=False),
    ),
    ("upload crashed", pod(fetch=FETCHED, upload=waiting("CrashLoopBackOff", last=ended(1)), script=ended())),
    ("upload crashed just now", pod(fetch=FETCHED, upload=ended(1, 4, 9), script=ended())),
    ("uploader alone has ended", pod(fetch=FETCHED, upload=ended(0, 4, 9), script=runs())),
    ("being deleted while running", pod(fetch=FETCHED, upload=runs(), script=runs(), deleting=5)),
    ("being deleted, script perhaps started", pod(fetch=FETCHED, upload=runs(), script=waiting(), deleting=5)),
    ("disrupted while running", pod(fetch=FETCHED, upload=runs(), script=runs(), conditions=[disrupted("X")])),
]


@pytest.mark.parametrize("seen", [row[1] for row in NO_END], ids=[row[0] for row in NO_END])
def test_no_end(seen: Obj) -> None:
    actions = decide_on(seen, now=10)
    assert actions.create is None
    status = written(actions)
    assert not has_ended(status.state)
    assert status.attempt_history == ()


# how the Pod was when it went: not at its end, and what follows all the same
GONE: list[tuple[str, Obj, str, str]] = [
    ("at once, while it ran", running(), "PodDeleted", "while container script was running"),
    ("while it uploaded", uploading(), "PodDeleted", "after container script had ended with exit code 0"),
    ("while it uploaded, its script failed", uploading(3), "PodDeleted", "after container script had ended with exit code 3"),
    ("when its upload had crashed", pod(fetch=FETCHED, upload=ended(1, 4, 9), script=ended()), "PodDeleted", "exit code 0"),
    ("when its upload had crashed, its script failed", pod(fetch=FETCHED, upload=ended(1, 4, 9), script=ended(3)), "ScriptFailed", "exit code 3"),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "reason", "words"), [row[1:] for row in GONE], ids=[row[0] for row in GONE])
def test_pod_that_went_before_its_end(seen: Obj, reason: str, words: str) -> None:
    status = written(decide_on(seen, gone=True))
    assert (status.state, status.reason) == ("Failed", reason)
    assert words in (status.message or "")


# whose an end is: what it can be made good by
CAUSES: list[tuple[str, Obj, Cause | None]] = [
    ("completed", completed(), None),
    ("script", failed(3), Cause.SCRIPT),
    ("out of memory", failed(137, reason="OOMKilled"), Cause.SCRIPT),
    ("not started by the runtime", pod(fetch=FETCHED, upload=sent(64, result("ScriptNotStarted")), script=START_ERROR), Cause.SCRIPT),
    ("stopped", failed(143, sent(0, record("StopRequested", 143))), Cause.STOP),
    ("stopped before the start", fetch_64(result("StopRequested")), Cause.STOP),
    ("no input", fetch_64(NOT_FOUND), Cause.INPUT),
    ("store, fetch", fetch_64(result("StoreUnavailable")), Cause.STORE),
    ("store, too slow", fetch_64(result("DownloadTimeout")), Cause.STORE),
    ("store, upload", pod(fetch=FETCHED, upload=sent(64, DENIED), script=ended()), Cause.STORE),
    ("exit unknown", left(NONE, ended(0)), Cause.INFRASTRUCTURE),
    ("node lost", left(NONE, ended(137, 4, 15), fetch=AGAIN), Cause.INFRASTRUCTURE),
    ("deleted before the start", pod(phase="Pending", fetch=runs(), deleting=5), Cause.BEFORE_START),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "cause"), [row[1:] for row in CAUSES], ids=[row[0] for row in CAUSES])
def test_whose_an_end_is(seen: Obj, cause: Cause | None) -> None:
    attempt = facts(job(status=begun()), seen).attempt
    assert attempt is not None
    assert attempt.verdict is not None
    assert attempt.verdict.cause is cause
