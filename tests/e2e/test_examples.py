"""Every example in examples/ is applied as a user would, and ends as its comment says."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from dev import tools
from dev.cluster.client import kubeconfig
from tests.e2e.space import Space

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
# file -> how each of its jobs ends
ENDS = {
    "hello.yaml": {"hello": ("Completed", "")},
    "from.yaml": {"numbers": ("Completed", ""), "sum": ("Completed", "")},
    "archive.yaml": {"archive": ("Completed", "")},
    "upload-on.yaml": {"upload-on": ("Failed", "ScriptFailed")},
    "required.yaml": {"required": ("Failed", "OutputMissing")},
    "env.yaml": {"env": ("Completed", "")},
    "max-runtime.yaml": {"max-runtime": ("Stopped", "MaxRuntimeExceeded")},
    "resources.yaml": {"resources": ("Completed", "")},
}


def kubectl(space: Space, *args: str) -> str:
    env = {**os.environ, "KUBECONFIG": kubeconfig()}
    command = [tools.kubectl(), "-n", space.namespace, *args]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_tried() -> None:
    with_jobs = {p.name for p in EXAMPLES.glob("*.yaml") if "kind: ProcessingJob\n" in p.read_text()}
    with_jobs -= {"kustomizeconfig.yaml"}
    assert with_jobs == set(ENDS)


@pytest.mark.parametrize("file", ENDS)
def test_example(space: Space, file: str) -> None:
    kubectl(space, "apply", "-f", str(EXAMPLES / file))
    statuses = {name: space.ended(name, *end, seconds=180) for name, end in ENDS[file].items()}
    names = [
        d["metadata"]["name"] for d in yaml.safe_load_all((EXAMPLES / file).read_text()) if d["kind"] == "ProcessingJob"
    ]
    assert names == list(ENDS[file])
    if file == "from.yaml":
        assert statuses["sum"]["exitMessage"] == "the sum is 5050"
    if file == "hello.yaml":
        assert "Hello from a processing job" in space.log(space.pod_of("hello")["metadata"]["name"], "script")
    if file == "upload-on.yaml":
        uploads = {o["name"]: o["upload"] for o in statuses["upload-on"]["outputs"]}
        assert uploads == {"log": "Complete", "result": "Skipped", "report": "Complete"}
    # applying it again changes nothing: the job has ended and is the same
    assert "unchanged" in kubectl(space, "apply", "-f", str(EXAMPLES / file))


def test_kubectl_shows_what_people_look_for(space: Space) -> None:
    kubectl(space, "apply", "-f", str(EXAMPLES / "hello.yaml"))
    kubectl(space, "wait", "--for=condition=Complete", "pj/hello", "--timeout=120s")
    header, row = kubectl(space, "get", "pj").splitlines()
    assert header.split() == ["NAME", "STATE", "REASON", "DURATION", "AGE"]
    assert re.fullmatch(r"hello +Completed +[0-9]+s +[0-9]+s *", row), "no reason, and how long it took"
    wide = kubectl(space, "get", "pj", "-o", "wide").splitlines()[0].split()
    assert wide[5:] == ["ATTEMPTS", "EXIT", "NODE", "IMAGE"]
    assert "processingjob.processing-operator.dev/hello" in kubectl(space, "get", "all")
    assert "hello" in kubectl(space, "get", "pj", "--field-selector", "status.state=Completed")
    described = kubectl(space, "describe", "pj", "hello")
    assert "Completed" in described
    assert "uploadOn" in kubectl(space, "explain", "processingjob.spec.outputs")
