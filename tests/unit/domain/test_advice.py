"""What is told to do next, where the reason alone does not tell: by the words of kubelet, runtime, launcher and upload."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

from typing import Any

import pytest

from processing_operator.domain.decide import decide
from tests.unit.domain.builders import (
    FETCHED,
    Obj,
    at,
    begun,
    disrupted,
    ended,
    facts,
    failed,
    job,
    pod,
    record,
    result,
    stop_latched,
    written,
)

ASKED = '{"stop":"2026-01-01T00:00:20Z"}'


def told(seen: Obj, status: Obj | None = None, **spec: Any) -> tuple[str, str, str]:
    census = job(status=status or begun(state="Running"), **spec)
    after = written(decide(census, facts(census, seen), at(30)))
    return str(after.state), after.reason or "", after.message or ""


# the words of whoever evicts (kubelet 1.37: pkg/kubelet/eviction), and what fits them
EVICTED: list[tuple[str, list[str]]] = [
    ("Pod ephemeral local storage usage exceeds the total limit of containers 100Mi. ", ["spec.resources.limits.ephemeral-storage", "LimitRange", "the same way"]),
    ('Container script exceeded its local ephemeral storage limit "100Mi". ', ["spec.resources.limits.ephemeral-storage"]),
    ('Usage of EmptyDir volume "workspace" exceeds the limit "2Gi". ', ["raise spec.workspace.size"]),
    ('Usage of EmptyDir volume "shm" exceeds the limit "64Mi". ', ["let the script write less there"]),
    ("The node was low on resource: ephemeral-storage. Threshold quantity: 1, available: 0. Container script was using 1Gi", ["spec.workspace.request", "run the job again"]),
    ("The node was low on resource: inodes. ", ["spec.workspace.request"]),
    ("Pod was rejected: The node had condition: [DiskPressure]. ", ["spec.workspace.request"]),
    ("The node was low on resource: memory. Container script was using 3Gi, request is 0", ["spec.resources.requests.memory"]),
    ("The node had condition: [MemoryPressure]. ", ["spec.resources.requests.memory"]),
    ("The node was low on resource: pids. ", ["fewer processes"]),
    ("Eviction API: evicting", ["drained"]),
    ("words of a later version", ["run the job again", "see the node's disk and memory pressure"]),
]  # fmt: skip


@pytest.mark.parametrize(("words", "steps"), EVICTED)
def test_evictions(words: str, steps: list[str]) -> None:
    lost = ended(0, 4, 9, message=record("Terminated", 143))
    state, reason, message = told(failed(143, lost, status={"reason": "Evicted", "message": words}))
    assert (state, reason) == ("Failed", "Evicted")
    assert words.strip(" .") in message, "quoted"
    assert [step for step in steps if step not in message] == [], message


def test_a_counted_kill_is_told_of_an_evicted_pod_too() -> None:
    lost = ended(0, 4, 9, message=record("Terminated", 143, oom=1))
    _, _, message = told(failed(143, lost, status={"reason": "Evicted", "message": "The node was low on resource: memory."}))  # fmt: skip
    assert "the kernel killed one of its processes" in message


def test_a_counted_kill_is_told_where_the_upload_failed() -> None:
    sent = ended(64, 4, 9, message=result("UploadDenied", "403", exit={"code": 0, "reason": "Exited", "oom": 1}))
    state, reason, message = told(pod(fetch=FETCHED, upload=sent, script=ended(0, 4, 7)))
    assert (state, reason) == ("Failed", "UploadDenied")
    assert "the kernel killed one of its processes" in message
    assert "check the keys" in message


# the runtime's words about a container that it could not start (containerd 2, runc 1.4)
RUNC = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: "
MOUNT = 'error mounting "/var/lib/kubelet/pods/7/volume-subpaths/workspace/script/0" to rootfs at '
START: list[tuple[str, str, list[str]]] = [
    (RUNC + 'exec: "/run/processing/bin/launcher": stat /run/processing/bin/launcher: no such file or directory', "CommandNotFound", ["spec.command"]),
    (RUNC + MOUNT + '"/opt/ml/model": mount src=/var/lib/x, dst=/opt/ml/model, dstFd=/proc/thread-self/fd/16, flags=MS_BIND|MS_REC: not a directory', "ImagePathConflict", ["at /opt/ml/model the image has something else than a directory", "another path"]),
    (RUNC + MOUNT + '"/opt/ml/model/x": create mountpoint for /opt/ml/model/x mount: lookup mountpoint target: openat2 /opt/ml/model/x: not a directory', "ImagePathConflict", ["at /opt/ml/model/x the image"]),
    (RUNC + MOUNT + '"/opt/ml/model": create mountpoint for /opt/ml/model mount: too many levels of symbolic links', "ImagePathConflict", ["at /opt/ml/model the image"]),
    (RUNC + "container init was OOM-killed (memory limit too low?)", "OutOfMemory", ["spec.resources.limits.memory"]),
    (RUNC + "error setting cgroup config for procHooks process: unable to set memory limit to 1048576 (current usage: 3264512, peak usage: 3317760)", "OutOfMemory", ["spec.resources.limits.memory"]),
    (RUNC + "mkdir /etc/passwd: not a directory", "ScriptNotStarted", ["/etc/passwd", "spec.workingDir"]),
    (RUNC + 'chdir to cwd ("/root/x") set in config.json failed: permission denied', "ScriptNotStarted", ["/root/x", "spec.workingDir"]),
]  # fmt: skip


@pytest.mark.parametrize(("words", "expected", "steps"), START)
@pytest.mark.parametrize("word", ["StartError", "ContainerCannotRun"])
def test_what_the_runtime_could_not_start(word: str, words: str, expected: str, steps: list[str]) -> None:
    end = ended(128, None, 5, reason=word, message=words)
    upload = ended(64, 4, 6, message=result("ScriptNotStarted", "the script's container ended without it"))
    state, reason, message = told(pod(fetch=FETCHED, upload=upload, script=end))
    assert (state, reason) == ("Failed", expected)
    assert [step for step in [words, *steps] if step not in message] == [], message


NOT_STARTED = ended(64, 4, 6, message=result("ScriptNotStarted", "the script's container ended without it"))
# a script's container that ended without the script, although the runtime had started it
WITHOUT: list[tuple[str, Obj, Obj, str, str, list[str]]] = [
    ("launcher's words", ended(125, 4, 5, message="launcher: no lock"), begun(), "Failed", "ScriptNotStarted", ["exit code 125", "launcher: no lock", "-c script"]),
    ("upload's words", ended(125, 4, 5), begun(), "Failed", "ScriptNotStarted", ["exit code 125", "ended without it"]),
    ("another code", ended(2, 4, 5), begun(), "Failed", "ScriptNotStarted", ["exit code 2"]),
    ("killed", ended(137, 4, 5), begun(), "Failed", "ScriptNotStarted", ["137 (SIGKILL)", "before the script started"]),
    ("killed for memory", ended(137, 4, 5, reason="OOMKilled"), begun(), "Failed", "OutOfMemory", ["before the script started", "spec.resources.limits.memory"]),
    ("stopped just before", ended(143, 4, 5, message="launcher: stop requested"), stop_latched(), "Stopped", "StopRequested", ["before the script started"]),
]  # fmt: skip


@pytest.mark.parametrize("row", WITHOUT, ids=[row[0] for row in WITHOUT])
def test_a_container_that_ended_without_the_script(row: tuple[str, Obj, Obj, str, str, list[str]]) -> None:
    _, script, status, state, reason, words = row
    found = told(pod(fetch=FETCHED, upload=NOT_STARTED, script=script), status)
    assert found[:2] == (state, reason)
    assert [word for word in words if word not in found[2]] == [], found[2]


def test_a_pod_that_is_taken_away_before_the_script_starts_is_lost_and_not_made_again() -> None:
    """Its own volume tells that the script had not started, and the script can write there."""
    script = ended(143, 4, 5, message="launcher: terminated before the start")
    found = told(pod(fetch=FETCHED, upload=NOT_STARTED, script=script, deleting=5, conditions=[disrupted("EvictionByEvictionAPI")]))  # fmt: skip
    assert found[:2] == ("Failed", "Evicted")


GAVE_UP = ended(64, 4, 20, message=result("BadPlan", "mounts: missing"))
# upload gave up while the script ran, which was told to end for that
FIRST: list[tuple[str, Obj, Obj, str]] = [
    ("ended by the signal", GAVE_UP, ended(143, 4, 23), "BadPlan"),
    ("killed after the grace", GAVE_UP, ended(137, 4, 120), "BadPlan"),
    ("in the same second", GAVE_UP, ended(143, 4, 20), "BadPlan"),
    ("with 0", GAVE_UP, ended(0, 4, 23), "BadPlan"),
    ("with a code of its own", GAVE_UP, ended(3, 4, 23), "BadPlan"),
    ("without a readable result", ended(64, 4, 20, message="?"), ended(143, 4, 23), "UploadFailed"),
    ("it ended before", GAVE_UP, ended(3, 4, 19), "ScriptFailed"),
]  # fmt: skip


@pytest.mark.parametrize(("upload", "script", "reason"), [row[1:] for row in FIRST], ids=[row[0] for row in FIRST])
def test_an_uploader_that_gave_up_while_the_script_ran_gives_the_reason(upload: Obj, script: Obj, reason: str) -> None:
    found = told(pod(fetch=FETCHED, upload=upload, script=script, signal=ASKED))
    assert found[:2] == ("Failed", reason)


def test_what_the_uploader_gave_up_for_is_told_while_the_script_ends() -> None:
    running = pod(fetch=FETCHED, upload=GAVE_UP, script={"state": {"running": {"startedAt": "2026-01-01T00:00:04Z"}}})
    census = job(status=begun(state="Running"))
    actions = decide(census, facts(census, running), at(30))
    status = written(actions)
    assert (status.state, status.reason, len(actions.stop)) == ("Failing", "BadPlan", 1)
    assert "container upload ended with exit code 64: mounts: missing; the script is told to end" in status.message  # type: ignore[operator]
