"""`pj` as a user calls it: the same cluster, the same store, another process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from dev.cluster.client import ROOT, kubeconfig
from dev.install import CREDENTIALS
from tests.e2e.space import BUCKET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.space import Space

PJ = str(Path(sys.executable).with_name("pj"))
# Prints a line a second, ends well when it is asked to.
LONG = "trap 'exit 0' TERM; i=0; while :; do i=$((i+1)); echo line $i; sleep 1 & wait $!; done"


def pj(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KUBECONFIG": kubeconfig(), **env}
    return subprocess.run(
        [PJ, *args], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=180
    )


def run(space: Space, file: str | Path, *options: str) -> subprocess.CompletedProcess[str]:
    return pj("run", "-n", space.namespace, "-f", str(file), *options)


def write_job(folder: Path, name: str, script: str) -> Path:
    """A manifest of a job without data."""
    job = {
        "apiVersion": "processing-operator.dev/v1alpha1",
        "kind": "ProcessingJob",
        "metadata": {"name": name},
        "spec": {
            "image": "processing-agent:0.1.0",
            "command": ["sh", "-c", script],
            "timeouts": {"stopGraceSeconds": 10},
        },
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(job))
    return path


def test_output_and_end(space: Space) -> None:
    ran = run(space, "examples/hello.yaml")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "Hello from a processing job\n"
    assert f"hello: created in namespace {space.namespace}" in ran.stderr
    assert "hello: Completed" in ran.stderr
    again = run(space, "examples/hello.yaml")
    assert again.returncode == 0
    assert "is there already" in again.stderr


def test_failure(space: Space, tmp_path: Path) -> None:
    ran = run(space, write_job(tmp_path, "three", "echo to nobody; exit 3"))
    assert ran.returncode == 1
    assert ran.stdout == "to nobody\n"
    assert "three: Failed (ScriptFailed)" in ran.stderr
    for options in ((), ("-f",), ("--tail", "1")):
        shown = pj("logs", "three", "-n", space.namespace, *options)
        assert (shown.returncode, shown.stdout, shown.stderr) == (0, "to nobody\n", ""), options


def test_the_log_of_a_pod_that_is_gone(space: Space, tmp_path: Path) -> None:
    run(space, write_job(tmp_path, "short", "echo hello"))
    (pod,) = space.pods_of("short")
    space.cluster.delete(f"{space.pods}/{pod['metadata']['name']}")
    space.cluster.wait_gone(space.pods, pod["metadata"]["name"])
    shown = pj("logs", "short", "-n", space.namespace)
    assert shown.returncode == 2
    assert f"Pod {pod['metadata']['name']} is gone, and its logs with it; the job is Completed" in shown.stderr


def test_refused_before_anything_is_sent(space: Space, tmp_path: Path) -> None:
    path = write_job(tmp_path, "wrong", "true")
    path.write_text(path.read_text().replace("stopGraceSeconds: 10", "stopGraceSeconds: -1"))
    ran = run(space, path)
    assert ran.returncode == 2
    assert f"{path}: spec.timeouts.stopGraceSeconds: Invalid value: -1" in ran.stderr
    assert not space.cluster.items(space.jobs)


def test_detached_and_stopped(space: Space, tmp_path: Path) -> None:
    path = write_job(tmp_path, "long", LONG)
    with interruptible("run", "-n", space.namespace, "-f", str(path)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "line 1\n"  # while it runs
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=90)
    assert process.returncode == 130
    assert "Detached; the job goes on." in err
    stop = '--type=merge -p \'{"spec": {"stop": true}}\''
    assert f"kubectl patch pj long -n {space.namespace} {stop}" in err
    space.cluster.patch(f"{space.jobs}/long", {"spec": {"stop": True}})
    again = run(space, path)
    assert again.returncode == 3
    assert "long: Stopped (StopRequested)" in again.stderr


@contextmanager
def interruptible(*args: str) -> Iterator[subprocess.Popen[str]]:
    """Started as by an interactive shell: a runner in the background has SIGINT ignored, and children inherit that."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        env = {**os.environ, "KUBECONFIG": kubeconfig()}
        process = subprocess.Popen(
            [PJ, *args], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_copy_there_and_back(space: Space, tmp_path: Path) -> None:
    """With the same names landing in the same places as in a job."""
    store = {**CREDENTIALS, "AWS_ENDPOINT_URL": space.endpoint, "AWS_REGION": "us-east-1"}
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "a.csv").write_text("a\n")
    (source / "deep" / "b c.csv").write_text("b\n")
    uri = f"s3://{BUCKET}/{space.namespace}/copied"
    up = pj("cp", str(source), uri, "-o", "json", **store)
    assert up.returncode == 0, up.stderr
    assert (json.loads(up.stdout)["objects"], json.loads(up.stdout)["bytes"]) == (2, 4)
    down = pj("cp", f"{uri}/", str(tmp_path / "target"), **store)
    assert down.returncode == 0, down.stderr
    assert down.stdout.startswith("2 objects, 4 B in ")
    assert (tmp_path / "target" / "deep" / "b c.csv").read_text() == "b\n"
    denied = pj("cp", uri, str(tmp_path), **store | {"AWS_SECRET_ACCESS_KEY": "wrong"})
    assert denied.returncode == 1
    assert "HTTP 403" in denied.stderr
