"""A script that turns against process 1 of its container harms its own job alone, and its outputs are uploaded."""

from __future__ import annotations

import pytest

from tests.e2e.space import Space

OUT = "/opt/ml/processing/out"
CONTROL = "/run/processing/control"


@pytest.mark.parametrize("signal", ["TERM", "QUIT", "ABRT"])
def test_signals_that_end_a_container(space: Space, signal: str) -> None:
    script = f"echo kept > {OUT}/kept; kill -{signal} 1; while :; do sleep 0.1; done"
    space.apply("signals", script, timeouts={"stopGraceSeconds": 2}, outputs=[space.output("out")])
    status = space.ended("signals", "Failed", "ScriptFailed")
    assert f"the script sent SIG{signal} to process 1" in status["message"]
    assert space.keys("out/") == ["out/out/kept"]


def test_every_other_signal(space: Space) -> None:
    """From a process outside of the group, since HUP, USR1 and USR2 are passed on to that."""
    numbers = "4 5 7 8 9 11 13 14 16 17 18 19 20 21 22 23 24 25 26 27 29 30 31 32 33 34 35 40 50 64"
    script = f"for number in {numbers}; do kill -$number 1; done; sleep 1; echo fine > {OUT}/fine"
    space.apply("others", script, outputs=[space.output("out")])
    space.ended("others", "Completed")
    assert space.read("out/out/fine") == b"fine\n"


def test_whatever_is_planted_in_the_control_volume(space: Space) -> None:
    planted = f"cd {CONTROL}; for name in lock started record notes; do rm $name; mkfifo $name; done"
    script = f"{planted}; mkfifo /opt/ml/output/message; echo kept > {OUT}/kept; exit 3"
    space.apply("planted", script, outputs=[space.output("out")])
    status = space.ended("planted", "Failed", "ScriptFailed")
    assert status["exitCode"] == 3
    assert space.keys("out/") == ["out/out/kept"]


def test_a_full_control_volume(space: Space) -> None:
    """It counts with the workspace; the Pod is never evicted for it."""
    script = f"echo kept > {OUT}/kept; head -c 200M /dev/zero > {CONTROL}/big; sleep 60"
    space.apply("control", script, workspace={"size": "64Mi"}, outputs=[space.output("out")])
    space.ended("control", "Failed", "WorkspaceFull")
    assert space.keys("out/") == ["out/out/kept"]


TRACE = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
assert libc.ptrace(16, 1, 0, 0) == -1, "attached"
for name in ("mem", "environ", "maps", "fd/0"):
    try:
        open(f"/proc/1/{name}", "rb").read(1)
    except OSError:
        continue
    raise SystemExit(f"/proc/1/{name} can be read")
child = os.fork()
if not child:
    os.execv("/bin/sleep", ["sleep", "5"])
assert libc.prlimit(1, 7, (ctypes.c_long * 2)(0, 0), None) == 0
os.waitpid(child, 0)
"""


def test_a_script_that_traces_and_limits_its_launcher(space: Space) -> None:
    space.apply("traced", "", command=["/usr/bin/python3", "-c", TRACE], outputs=[space.output("out")])
    status = space.ended("traced", "Failed", "ScriptFailed")
    assert "RLIMIT_NOFILE" in status["message"]


def test_nothing_of_the_launcher_is_steered_by_the_environment(space: Space) -> None:
    env = {
        "GOMEMLIMIT": "x", "GOGC": "x", "GODEBUG": "gctrace=1", "GOTRACEBACK": "crash", "GOMAXPROCS": "0",
        "PROCESSING_ROOT": "", "LD_LIBRARY_PATH": "/nowhere", "TZ": "/nowhere",
    }  # fmt: skip
    script = f"env | sort > {OUT}/env"
    space.apply(
        "steered",
        script,
        env=[{"name": name, "value": value} for name, value in env.items()],
        outputs=[space.output("out")],
    )
    space.ended("steered", "Completed")
    seen = space.read("out/out/env").decode().splitlines()
    assert {f"{name}={value}" for name, value in env.items()} <= set(seen)


def test_the_user_has_a_name_in_our_image(space: Space) -> None:
    script = (
        "import getpass, grp, pwd; print(pwd.getpwuid(1000).pw_name, grp.getgrgid(1000).gr_name, getpass.getuser())"
    )
    command = ["env", "-u", "USER", "-u", "LOGNAME", "python3", "-c", f"{script}; open('{OUT}/x', 'w')"]
    space.apply("named", "", image="processing-sklearn:1.9", command=command, outputs=[space.output("out")])
    space.ended("named", "Completed")


def test_an_oom_kill_of_a_child_is_told_while_the_script_runs(space: Space) -> None:
    hungry = "/usr/bin/python3 -c 'b = bytearray(256 << 20); b[::4096] = b[::4096]'"
    script = f"{hungry}; echo hungry ended with $?; sleep 8"
    space.apply("hungry", script, resources={"limits": {"memory": "64Mi"}}, timeouts={"runSeconds": 60})
    space.wait("hungry", "Completed", "Failed", seconds=120)
    pod = space.pod_of("hungry")["metadata"]["name"]
    lines = [line for line in space.kubectl("logs", pod, "-c", "upload").splitlines() if '"oomKills":1' in line]
    assert len(lines) == 1
    assert '"phase":"Running"' in lines[0]


def test_a_deletion_of_the_pod_is_not_the_scripts(space: Space) -> None:
    """The runtime's SIGTERM is told from the script's own, which comes without end."""
    signals = "while :; do kill -ALRM 1; kill -USR1 1; sleep 0.01; done"
    script = f"trap 'echo told > {OUT}/told; exit 0' TERM; trap '' USR1; {signals}"
    space.apply("deleted", script, outputs=[space.output("out")], timeouts={"terminationUploadSeconds": 30})
    pod = space.container_running("deleted", "script")["metadata"]["name"]
    space.cluster.delete(f"{space.pods}/{pod}")
    status = space.ended("deleted", "Failed", "PodDeleted")
    assert "told" in space.read("out/out/told").decode(), status
