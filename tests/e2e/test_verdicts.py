"""What people are told about ends that a code alone does not explain; on a real kubelet, whose words count."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from dev.cluster import faults
from dev.job_namespace import IMAGE

if TYPE_CHECKING:
    from tests.e2e.space import Space

POOL = """
import multiprocessing as m
def f(i): return len(bytearray(300 << 20))
if __name__ == "__main__":
    print(m.get_context("fork").Pool(1).map(f, [1]))
"""
SHARED = """
from multiprocessing import shared_memory
block = shared_memory.SharedMemory(create=True, size=200 << 20)
block.buf[:] = bytes(200 << 20)
"""


def test_127_of_a_script_that_has_started_is_its_own(space: Space) -> None:
    space.apply("own-127", "echo started; no-such-program")
    status = space.ended("own-127", "Failed", "ScriptFailed")
    assert status["exitCode"] == 127
    assert "a shell ends so when what it calls is not there" in status["message"]


def test_a_worker_that_is_killed_for_memory_is_told_at_once_and_at_the_end(space: Space) -> None:
    """The pool waits for ever for the worker that it has lost."""
    times, resources = {"runSeconds": 75, "stopGraceSeconds": 2}, {"limits": {"memory": "150Mi"}}
    command = ["/opt/venv/bin/python", "-c", POOL]
    space.apply("pool", "", image=IMAGE, command=command, resources=resources, timeouts=times)
    job = space.wait_for("pool", lambda job: bool(job["status"].get("progress", {}).get("oomKills")), "oomKills")
    assert job["status"]["state"] == "Running"
    assert "for want of memory (its limit is 150Mi)" in job["status"]["message"]
    status = space.ended("pool", "Stopped", "MaxRuntimeExceeded")
    assert "for want of memory (its limit is 150Mi)" in status["message"]
    assert "Next: raise spec.resources.limits.memory" in status["message"]
    assert [event["type"] for event in space.events("OutOfMemory")][:1] == ["Warning"]


def test_a_full_dev_shm_is_named(space: Space) -> None:
    space.apply("shm", "", image=IMAGE, command=["/opt/venv/bin/python", "-c", SHARED])
    status = space.ended("shm", "Failed", "ScriptFailed")
    assert status["exitCode"] == 135
    assert "/dev/shm" in status["message"]
    assert "spec.sharedMemorySize" in status["message"]


def test_a_limit_that_is_too_low_for_any_start_ends_the_job_at_once(space: Space) -> None:
    """The runtime, or the launcher, is killed: upload does not wait for the script's start."""
    space.apply("tiny", "true", resources={"requests": {"memory": "1Mi"}, "limits": {"memory": "1Mi"}})
    status = space.ended("tiny", "Failed", "OutOfMemory", seconds=60)
    assert "before the script started" in status["message"]
    assert "phases" not in status or all(phase["name"] == "Downloading" for phase in status["phases"])


def test_a_frozen_launcher_does_not_hold_the_job_for_ever(space: Space) -> None:
    """Nothing in a Pod can freeze it (its script cannot, tests/e2e/test_launcher.py); the node can.

    Two minutes after its time it is asked to stop, two minutes after the grace its Pod goes: most of this is waiting.
    """
    times = {"runSeconds": 5, "stopGraceSeconds": 1, "terminationUploadSeconds": 5}
    space.apply("frozen", "while :; do sleep 0.2; done", timeouts=times)
    pod = space.container_running("frozen", "script")["metadata"]["name"]
    os.kill(faults.container_pid(space.namespace, pod, "script"), signal.SIGSTOP)
    job = space.wait_for("frozen", lambda job: job["status"].get("reason") == "MaxRuntimeExceeded", "a stop", 180)
    assert job["status"]["state"] == "Stopping"
    assert "its launcher has not ended it: it is asked to stop" in job["status"]["message"]
    status = space.ended("frozen", "Stopped", "MaxRuntimeExceeded", seconds=200)
    assert "its launcher did not act within spec.timeouts.stopGraceSeconds, 1, and 120 s" in status["message"]
