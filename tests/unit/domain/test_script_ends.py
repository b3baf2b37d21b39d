"""Every pair of what the launcher recorded and what the kubelet says of the script's container: reason and next step.

The pairs are the whole product; each belongs to the first row that fits it.
"""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

from collections.abc import Collection
from itertools import product
from typing import NamedTuple

import pytest

from processing_operator.domain.decide import decide
from tests.unit.domain.builders import FETCHED, Obj, at, begun, ended, facts, job, pod, record, result, written

NONE, REBOOTED, UNKNOWN = "none", "rebooted", "Abandoned"
RECORDS = (
    "Exited",
    "Signaled",
    "SelfSignaled",
    "Hindered",
    "StopRequested",
    "MaxRuntimeExceeded",
    "WorkspaceFull",
    "CommandNotFound",
    "Terminated",
    UNKNOWN,
    NONE,
    REBOOTED,
)
CODES = (0, 1, 2, 125, 126, 127, 134, 135, 137, 139, 143, 255)
FAILED = CODES[1:]
OOM = (0, 2)
COULD_NOT_START = ("StartError", "ContainerCannotRun")
KUBELET = ("Completed", "Error", "OOMKilled", *COULD_NOT_START)
ALL = ("Exited", "Signaled")
RAISE_MEMORY = "raise spec.resources.limits.memory"
AS_IT_IS = f"Next: {RAISE_MEMORY}, or let the script use less"
READ = "read the script's log: kubectl logs -n default census-1a2b3c4d-1-0 -c script"


class Row(NamedTuple):
    records: Collection[str]
    codes: Collection[int]
    oom: Collection[int]
    kubelet: Collection[str]
    state: str
    reason: str
    words: tuple[str, ...]


ROWS = (
    Row([NONE], CODES, OOM, COULD_NOT_START, "Failed", "CommandNotFound", ("before the script started: ", "exec: no such file", "correct spec.command")),
    Row([NONE], FAILED, OOM, ["OOMKilled"], "Failed", "OutOfMemory", ("killed for want of memory; its limit is 48Mi", AS_IT_IS)),
    Row([NONE], [0], OOM, KUBELET, "Failed", "ExitUnknown", ("no record tells", "see whether the outputs are whole")),
    Row([NONE], [137], OOM, KUBELET, "Failed", "ScriptFailed", ("killed by signal 9, by whom is not known", READ)),
    Row([NONE], [135], OOM, KUBELET, "Failed", "ScriptFailed", ("SIGBUS", "/dev/shm", "spec.sharedMemorySize")),
    Row([NONE], CODES, OOM, KUBELET, "Failed", "ScriptFailed", (READ,)),
    Row([REBOOTED], CODES, OOM, KUBELET, "Failed", "NodeLost", ("after container script had ended", "run the job again")),
    Row(["Terminated"], CODES, OOM, KUBELET, "Failed", "NodeLost", ("run the job again",)),
    Row(["StopRequested"], CODES, OOM, KUBELET, "Stopped", "StopRequested", ("it was asked to stop",)),
    Row(["MaxRuntimeExceeded"], CODES, OOM, KUBELET, "Stopped", "MaxRuntimeExceeded", ("longer than spec.timeouts.runSeconds, 86400", "raise spec.timeouts.runSeconds")),
    Row(["WorkspaceFull"], CODES, OOM, KUBELET, "Failed", "WorkspaceFull", ("the workspace of 30Gi was full; WHY", "raise spec.workspace.size")),
    Row(["CommandNotFound"], CODES, OOM, KUBELET, "Failed", "CommandNotFound", ("the command is 'python3'; WHY", "correct spec.command")),
    Row(["Exited"], [0], OOM, KUBELET, "Completed", "", ("the script ended with exit code 0",)),
    Row(ALL, FAILED, OOM, ["OOMKilled"], "Failed", "OutOfMemory", ("its limit is 48Mi", AS_IT_IS)),
    Row(ALL, [137], [2], KUBELET, "Failed", "OutOfMemory", ("its limit is 48Mi", AS_IT_IS)),
    Row(["Signaled"], [0], OOM, ["OOMKilled"], "Failed", "OutOfMemory", (AS_IT_IS,)),
    Row(ALL, [126], OOM, KUBELET, "Failed", "ScriptFailed", ("WHY", "what it calls cannot be executed", READ)),
    Row(ALL, [127], OOM, KUBELET, "Failed", "ScriptFailed", ("WHY", "what it calls is not there", READ)),
    Row(ALL, [135], OOM, KUBELET, "Failed", "ScriptFailed", ("WHY", "135 (SIGBUS)", "/dev/shm", "spec.sharedMemorySize")),
    Row(ALL, CODES, OOM, KUBELET, "Failed", "ScriptFailed", ("WHY", READ)),
    Row(["SelfSignaled", "Hindered"], CODES, OOM, KUBELET, "Failed", "ScriptFailed", ("WHY", "kubectl logs")),
    Row([UNKNOWN], CODES, OOM, KUBELET, "Failed", "ScriptFailed", ("the launcher says 'Abandoned'; WHY", "kubectl logs")),
)  # fmt: skip
PAIRS = tuple(product(RECORDS, CODES, OOM, KUBELET))


def row_of(pair: tuple[str, int, int, str]) -> Row:
    return next(row for row in ROWS if all(value in choices for value, choices in zip(pair, row[:4], strict=True)))


def seen(reason: str, code: int, oom: int, kubelet: str) -> Obj:
    signal = code - 128 if reason == "Signaled" and code > 128 else 0
    word = "Exited" if reason == REBOOTED else reason
    said = record(word, code, oom=oom, signal=signal, message="WHY", rebooted=reason == REBOOTED)
    started = None if kubelet in COULD_NOT_START else 4
    words = "exec: no such file" if kubelet in COULD_NOT_START else ""
    return pod(
        fetch=FETCHED,
        upload=ended(0, 4, 9, message=result() if reason == NONE else said),
        script=ended(code, started, 7, reason=kubelet, message=words),
    )


@pytest.mark.parametrize("reason", RECORDS)
def test_reason_and_next_step(reason: str) -> None:
    census = job(status=begun(state="Running"), resources={"limits": {"memory": "48Mi"}})
    for pair in (pair for pair in PAIRS if pair[0] == reason):
        row, (_, code, oom, kubelet) = row_of(pair), pair
        status = written(decide(census, facts(census, seen(*pair)), at(30)))
        message = status.message or ""
        assert (status.state, status.reason or "") == (row.state, row.reason), pair
        assert [word for word in row.words if word not in message] == [], (pair, message)
        assert (f"exit code {code}" in message) or row.reason == "NodeLost", (pair, message)
        killed = kubelet == "OOMKilled" or (oom > 0 and reason != NONE)
        assert killed is ("for want of memory" in message), (pair, message)
        assert killed is (RAISE_MEMORY in message), (pair, message)


def test_no_row_is_in_vain() -> None:
    assert {id(row_of(pair)) for pair in PAIRS} == {id(row) for row in ROWS}


def test_a_counted_kill_comes_before_the_time() -> None:
    """A pool waits for ever for the worker that was killed: more time would not help."""
    census = job(status=begun(state="Running"), resources={"limits": {"memory": "150Mi"}})
    status = written(decide(census, facts(census, seen("MaxRuntimeExceeded", 143, 2, "Error")), at(30)))
    assert "the kernel killed 2 of its processes for want of memory (its limit is 150Mi)" in (status.message or "")
    assert f"{AS_IT_IS}: it may have waited for the process that was killed; only if" in (status.message or "")


def test_a_counted_kill_of_a_completed_script_is_told() -> None:
    census = job(status=begun(state="Running"))
    status = written(decide(census, facts(census, seen("Exited", 0, 1, "Completed")), at(30)))
    assert status.message == (
        "the script ended with exit code 0 (attempt 1); the kernel killed one of its processes for want of memory. "
        "Next: see whether the outputs are whole, else raise spec.resources.limits.memory, or let the script use less"
    )


def test_a_full_disk_that_is_not_the_workspaces_size() -> None:
    census = job(status=begun(state="Running"))
    words = "the Pod's files hold 90 of 100 bytes (90 %), its ephemeral-storage limit: the sum over its containers"
    said = record("WorkspaceFull", 143, message=words)
    full = pod(fetch=FETCHED, upload=ended(0, 4, 9, message=said), script=ended(143, 4, 7))
    message = written(decide(census, facts(census, full), at(30))).message or ""
    assert words in message
    assert "Next: raise spec.resources.limits.ephemeral-storage" in message
    assert "workspace" not in message
