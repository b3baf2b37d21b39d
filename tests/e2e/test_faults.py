"""Killed processes, a lost sandbox, a lost store, deletion: nothing is lost, nothing runs twice.

A proxy in front of the real S3 server holds a transfer at an exact byte: each fault hits the middle of its phase.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from dev.cluster import faults
from dev.cluster.client import Object
from tests.e2e.space import Space, container_status
from tests.support.s3_proxy import Gate, S3Proxy

OUT = "/opt/ml/processing/out"
MIB = 1 << 20
# Each run of the script leaves a line: two lines would be two runs.
COUNTED = f"date +%s%N >> {OUT}/runs"
MakeProxy = Callable[[], S3Proxy]


def random_file(path: str, mib: int) -> str:
    return f"head -c {mib * MIB} /dev/urandom > {path}; sha256sum < {path} > {OUT}/sum"


def held(gate: Gate) -> None:
    assert gate.reached.wait(60), "the transfer never reached the middle"


def test_uploader_killed_half_way_sends_nothing_complete_again(space: Space, proxy: MakeProxy) -> None:
    s3 = proxy()
    s3.upload_gate = gate = Gate(after=100 * MIB)
    space.apply(
        "up", f"{COUNTED}; {random_file(OUT + '/big', 200)}", endpoint=s3.endpoint, outputs=[space.output("out")]
    )
    held(gate)
    pod = space.pod_of("up")["metadata"]["name"]
    sent = part_puts(s3)
    faults.kill_container(space.namespace, pod, "upload")
    gate.release()
    status = space.ended("up", "Completed", seconds=180)
    assert container_status(space.pod_of("up"), "upload")["restartCount"] == 1  # type: ignore[index]
    assert len(sent) >= 5
    again = part_puts(s3)
    assert all(again[part] == 1 for part in sent), "a part that was complete was sent again"
    assert hashlib.sha256(space.read("out/out/big")).hexdigest() == space.read("out/out/sum").split()[0].decode()
    assert space.read("out/out/runs").count(b"\n") == 1
    assert space.open_uploads() == []
    assert status["outputs"][0]["objects"] == 3


def part_puts(s3: S3Proxy) -> Counter[tuple[str, str]]:
    """How often each part of each multipart upload was sent and accepted."""
    queries = [
        (urlsplit(r.target).path, parse_qs(urlsplit(r.target).query)) for r in s3.completed("PUT", "partNumber=")
    ]
    return Counter((path, query["partNumber"][0]) for path, query in queries)


def test_fetch_killed_half_way_fetches_nothing_complete_again(space: Space, proxy: MakeProxy) -> None:
    s3 = proxy()
    bodies = {f"in/{i:03d}": bytes([i]) * MIB for i in range(200)}
    for key, body in bodies.items():
        space.put(key, body)
    s3.download_gate = gate = Gate(after=100 * MIB)
    space.apply(
        "down",
        f"{COUNTED}; cd /opt/ml/processing/in && sha256sum * > {OUT}/sums",
        endpoint=s3.endpoint,
        inputs=[space.input("in", "in", space.uri("in"))],
        outputs=[space.output("out")],
    )
    held(gate)
    pod = space.container_running("down", "fetch")["metadata"]["name"]
    faults.kill_container(space.namespace, pod, "fetch")
    gate.release()
    status = space.ended("down", "Completed", seconds=180)
    # half of the bytes had passed; objects in flight, 16 in each of at most three processes, may be fetched again
    assert gate.passed < (200 + 3 * 16) * MIB * 1.02, "complete objects were fetched again"
    assert status["inputs"][0]["objects"] == 200
    expected = "".join(f"{hashlib.sha256(body).hexdigest()}  {key[3:]}\n" for key, body in bodies.items())
    assert space.read("out/out/sums").decode() == expected
    assert space.read("out/out/runs").count(b"\n") == 1


@pytest.mark.parametrize("phase", ["Downloading", "Uploading"])
def test_store_unreachable_for_20_seconds(space: Space, proxy: MakeProxy, phase: str) -> None:
    s3 = proxy()
    gate = Gate(after=16 * MIB)
    if phase == "Downloading":
        s3.download_gate = gate
    else:
        s3.upload_gate = gate
    space.put("in/a", b"x" * (32 * MIB))
    space.apply(
        "outage",
        f"{COUNTED}; cp /opt/ml/processing/in/a {OUT}/a",
        endpoint=s3.endpoint,
        inputs=[space.input("in", "in", space.uri("in"))],
        outputs=[space.output("out")],
    )
    held(gate)
    s3.outage()
    gate.release()
    threading.Timer(20, s3.recover).start()
    status = space.ended("outage", "Completed", seconds=180)
    assert space.read("out/out/a") == b"x" * (32 * MIB)
    assert space.read("out/out/runs").count(b"\n") == 1
    assert status["attempts"] == 1
    pod = space.pod_of("outage")
    assert all(c["restartCount"] == 0 for c in pod["status"]["containerStatuses"])
    assert space.open_uploads() == []


@pytest.mark.parametrize("phase", ["Downloading", "Running", "Uploading"])
def test_sandbox_lost(space: Space, proxy: MakeProxy, phase: str) -> None:
    """The pause process dies (as in a reboot): the kubelet makes the sandbox anew, the volumes stay."""
    s3 = proxy()
    gate = Gate(after=16 * MIB)
    if phase == "Downloading":
        s3.download_gate = gate
    if phase == "Uploading":
        s3.upload_gate = gate
    space.put("in/a", b"x" * (32 * MIB))
    rest = "while :; do sleep 0.1; done" if phase == "Running" else "true"
    space.apply(
        "sandbox",
        f"{COUNTED}; cp /opt/ml/processing/in/a {OUT}/a; {rest}",
        endpoint=s3.endpoint,
        inputs=[space.input("in", "in", space.uri("in"))],
        outputs=[space.output("out")],
    )
    if phase == "Running":
        pod = space.container_running("sandbox", "script")["metadata"]["name"]
        space.exec(pod, "script", "sh", "-c", f"until [ -e {OUT}/a ]; do sleep 0.1; done")
    else:
        held(gate)
        pod = space.pod_of("sandbox")["metadata"]["name"]
    faults.kill_pause(space.namespace, pod)
    gate.release()
    if phase == "Running":
        status = space.ended("sandbox", "Failed", "NodeLost", seconds=180)
        assert "script" in status["message"]
    else:
        space.ended("sandbox", "Completed", seconds=180)
    assert space.read("out/out/a") == b"x" * (32 * MIB)
    assert space.read("out/out/runs").count(b"\n") == 1


def test_a_script_whose_shim_was_killed_is_judged_by_its_record(space: Space) -> None:
    """The kubelet can only say 255; the script has ended with 0, and its outputs are there (A6)."""
    script = f"{COUNTED}; touch {OUT}/up; sleep 8; echo done > {OUT}/late"
    space.apply("shim", script, outputs=[space.output("out")])
    pod = space.container_running("shim", "script")["metadata"]["name"]
    space.exec(pod, "script", "sh", "-c", f"until [ -e {OUT}/up ]; do sleep 0.1; done")
    faults.kill_shim(space.namespace, pod)
    status = space.ended("shim", "Completed", seconds=180)
    assert status["exitCode"] == 0
    assert space.read("out/out/late") == b"done\n"
    assert space.read("out/out/runs").count(b"\n") == 1


@pytest.mark.parametrize("policy", ["Background", "Foreground", "Namespace"])
def test_deleted_while_running_uploads_within_the_grace(space: Space, policy: str) -> None:
    script = f"trap 'echo late > {OUT}/late; exit 0' TERM; echo early > {OUT}/early; while :; do sleep 0.1; done"
    # Kubernetes looks at a namespace on its way out again after half of the longest grace in it.
    timeouts = {"terminationUploadSeconds": 20}
    space.apply("gone", script, timeouts=timeouts, outputs=[space.output("out")])
    pod = space.container_running("gone", "script")["metadata"]["name"]
    space.exec(pod, "script", "sh", "-c", f"until [ -e {OUT}/early ]; do sleep 0.1; done")
    if policy == "Namespace":
        space.close()
        space.cluster.wait_gone("/api/v1/namespaces", space.namespace)
    else:
        space.delete_job("gone", policy)
        space.cluster.wait_gone(space.pods, pod)
        space.cluster.wait_gone(space.jobs, "gone")
        assert space.pods_of("gone") == []
    assert space.read("out/out/early") == b"early\n"
    assert space.read("out/out/late") == b"late\n"


def test_pod_deleted_while_running(space: Space) -> None:
    """`kubectl delete pod` or a drain: the outputs are uploaded, the job fails and says who did it."""
    script = f"{COUNTED}; while :; do sleep 0.1; done"
    space.apply("evicted", script, timeouts={"stopGraceSeconds": 1}, outputs=[space.output("out")])
    pod = space.container_running("evicted", "script")["metadata"]["name"]
    space.exec(pod, "script", "sh", "-c", f"until [ -e {OUT}/runs ]; do sleep 0.1; done")
    space.cluster.delete(f"{space.pods}/{pod}")
    status = space.ended("evicted", "Failed", "PodDeleted")
    assert pod in status["message"]
    space.cluster.wait_gone(space.pods, pod)
    assert space.read("out/out/runs").count(b"\n") == 1
    assert space.pods_of("evicted") == []


def test_pod_deleted_before_the_script_started_is_made_good(space: Space, proxy: MakeProxy) -> None:
    s3 = proxy()
    s3.download_gate = gate = Gate(after=4 * MIB)
    space.put("in/a", b"x" * (8 * MIB))
    space.apply(
        "again",
        COUNTED,
        endpoint=s3.endpoint,
        inputs=[space.input("in", "in", space.uri("in"))],
        outputs=[space.output("out")],
    )
    held(gate)
    pod: Object = space.container_running("again", "fetch")
    space.cluster.delete(f"{space.pods}/{pod['metadata']['name']}")
    # not before: the kubelet may hear of the deletion when fetch has ended and the script runs
    space.wait_for("again", lambda job: job["status"]["attempts"] == 2, "second attempt")
    gate.release()
    status = space.ended("again", "Completed", seconds=120)
    assert status["attempts"] == 2
    assert space.read("out/out/runs").count(b"\n") == 1
