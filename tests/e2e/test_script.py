"""How a script's end is reported: its code, its message, memory, time, a stop."""

from __future__ import annotations

import pytest

from dev.job_namespace import IMAGE
from tests.e2e.space import Space

OUT = "/opt/ml/processing/out"
ARN = "arn:aws:sagemaker:us-east-1:000000000000:processing-job/contract"


def test_exit_3_uploads_what_is_asked_for_and_names_the_code(space: Space) -> None:
    script = f"echo 1 > {OUT}/always/a; echo 2 > {OUT}/failure/f; echo 3 > {OUT}/success/s; exit 3"
    outputs = [
        {"name": name, "path": f"{OUT}/{name}", "s3": {"uri": space.uri(name)}, "uploadOn": on}
        for name, on in (("always", "Always"), ("failure", "OnFailure"), ("success", "OnSuccess"))
    ]
    space.apply("exit-3", script, outputs=outputs)
    status = space.ended("exit-3", "Failed", "ScriptFailed")
    assert status["exitCode"] == 3
    assert "script" in status["message"]
    assert "3" in status["message"]
    assert "kubectl logs" in status["message"]
    assert space.keys() == ["always/a", "failure/f"]


def test_message_file_becomes_the_exit_message(space: Space) -> None:
    space.apply("message", "printf 'r\\303\\251sultat \\377' > /opt/ml/output/message")
    status = space.ended("message", "Completed")
    assert status["exitMessage"] == "résultat �"
    assert status["exitCode"] == 0


def test_out_of_memory_names_container_and_limit(space: Space) -> None:
    script = "echo kept > /opt/ml/processing/out/kept; exec /opt/venv/bin/python -c \"x = b'x' * (1 << 30)\""
    space.apply("oom", script, resources={"limits": {"memory": "48Mi"}}, outputs=[space.output("out")])
    status = space.ended("oom", "Failed", "OutOfMemory")
    assert "script" in status["message"]
    assert "48Mi" in status["message"]
    assert space.keys("out/") == ["out/out/kept"]


def test_stop_of_a_script_that_ignores_sigterm(space: Space) -> None:
    script = f"trap '' TERM; echo kept > {OUT}/kept; while :; do sleep 0.2; done"
    space.apply("deaf", script, timeouts={"stopGraceSeconds": 2}, outputs=[space.output("out")])
    space.container_running("deaf", "script")
    space.cluster.patch(f"{space.jobs}/deaf", {"spec": {"stop": True}})
    status = space.ended("deaf", "Stopped", "StopRequested")
    assert status["exitCode"] == 137
    assert space.keys("out/") == ["out/out/kept"]
    assert any(c["type"] == "StopRequested" and c["status"] == "True" for c in status["conditions"])


def test_stop_is_latched(space: Space) -> None:
    """A GitOps self-heal sets the field back at once: the job stops all the same."""
    space.apply("latched", "trap 'exit 0' TERM; while :; do sleep 0.1; done")
    space.container_running("latched", "script")
    space.cluster.patch(f"{space.jobs}/latched", {"spec": {"stop": True}})
    space.wait_for(
        "latched",
        lambda job: any(c["type"] == "StopRequested" for c in job["status"].get("conditions", [])),
        "StopRequested",
    )
    space.cluster.patch(f"{space.jobs}/latched", {"spec": {"stop": False}})
    space.ended("latched", "Stopped", "StopRequested")


def test_max_runtime_ends_in_stopped(space: Space) -> None:
    script = f"echo kept > {OUT}/kept; while :; do sleep 0.1; done"
    space.apply("long", script, timeouts={"runSeconds": 2, "stopGraceSeconds": 2}, outputs=[space.output("out")])
    status = space.ended("long", "Stopped", "MaxRuntimeExceeded")
    assert "timeouts.runSeconds" in status["message"]
    assert space.keys("out/") == ["out/out/kept"]


def test_full_workspace_is_stopped_before_it_is_evicted(space: Space) -> None:
    script = f"head -c 70000000 /dev/zero > {OUT}/big; while :; do sleep 0.1; done"
    space.apply(
        "full", script, workspace={"size": "64Mi"}, timeouts={"stopGraceSeconds": 2}, outputs=[space.output("out")]
    )
    status = space.ended("full", "Failed", "WorkspaceFull")
    assert "workspace.size" in status["message"]
    assert space.keys("out/") == ["out/out/big"]


@pytest.mark.parametrize(
    ("name", "command", "code"),
    [("absent", ["no-such-program"], 127), ("not-executable", ["/etc/passwd"], 126)],
)
def test_command_not_found(space: Space, name: str, command: list[str], code: int) -> None:
    space.apply(name, "", command=command)
    status = space.ended(name, "Failed", "CommandNotFound")
    assert status["exitCode"] == code
    assert command[0] in status["message"]


def test_container_contract(space: Space) -> None:
    """What SageMaker Processing promises a script, and what the Pod must not have."""
    checks = [
        'grep -q \'"current_host": *"algo-1"\' /opt/ml/config/resourceconfig.json',
        f'grep -q \'"ProcessingJobArn": *"{ARN}"\' /opt/ml/config/processingjobconfig.json',
        "getent hosts algo-1",
        '[ "$AWS_REGION" = us-east-1 ] && [ "$AWS_DEFAULT_REGION" = us-east-1 ]',
        '[ "$GREETING" = \'literal $(HOME)\' ] && [ "$FROM_SECRET" = hidden ]',
        "[ \"$1\" = '$(GREETING)' ]",
        "[ ! -e /var/run/secrets/kubernetes.io ] && [ ! -e /run/processing/credentials ]",
        "! env | grep -E 'AWS_(ACCESS_KEY|SECRET)'",
        '[ "$(pwd)" = /tmp ] && [ "$(id -u)" = 1000 ]',
        "[ -w /opt/ml/processing/out ] && echo ok > /opt/ml/processing/out/ok",
        "[ -w /opt/ml/processing/input/code ]",
        '[ "$(cat /opt/ml/processing/input/code/a.py)" = code ]',
        '[ "$(cat /opt/ml/processing/input/data.csv)" = data ]',
        '[ "$(cat /opt/ml/processing/settings/s.json)" = {} ]',
        "[ ! -L /opt/ml/processing/settings/s.json ]",
    ]
    script = "\n".join(f"( {check} ) || {{ echo 'failed: check {i}'; exit 1; }}" for i, check in enumerate(checks))
    space.secret("keys", {"api": "hidden"})
    space.config_map("settings", {"s.json": "{}"})
    space.apply(
        "contract",
        script,
        args=["sh", "$(GREETING)"],
        workingDir="/tmp",
        env=[
            {"name": "GREETING", "value": "literal $(HOME)"},
            {"name": "FROM_SECRET", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "api"}}},
        ],
        inputs=[
            space.input("data", "input", space.put("in/data.csv", "data")),
            {"name": "code", "path": "/opt/ml/processing/input/code", "inline": {"a.py": "code"}},
            {"name": "settings", "path": "/opt/ml/processing/settings", "configMap": {"name": "settings"}},
        ],
        outputs=[space.output("out")],
    )
    status = space.ended("contract", "Completed")
    assert space.read("out/out/ok") == b"ok\n"
    assert [(i["objects"], i["bytes"]) for i in status["inputs"] if i["name"] == "data"] == [(1, 4)]
    assert [(o["name"], o["objects"], o["bytes"], o["upload"]) for o in status["outputs"]] == [
        ("out", 1, 3, "Complete")
    ]
    assert [p["name"] for p in status["phases"]] == ["Downloading", "Running", "Uploading"]
    assert all(p["startTime"] <= p["endTime"] for p in status["phases"])
    name = space.pod_of("contract")["metadata"]["name"]
    pod = space.cluster.wait(space.pods, name, lambda p: p["status"]["phase"] == "Succeeded", 30, "Succeeded")
    assert pod["spec"]["containers"][1]["image"] == IMAGE
