"""The operator or the kubelet dies in each phase. These cases run alone: others would feel them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from dev.cluster import faults
from dev.cluster.client import PODS, Object
from dev.cluster.waiting import until
from dev.install import NAMESPACE
from tests.e2e.space import Space
from tests.support.s3_proxy import Gate, S3Proxy

pytestmark = pytest.mark.disruptive

OUT = "/opt/ml/processing/out"
MIB = 1 << 20
COUNTED = f"date +%s%N >> {OUT}/runs"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/processing-operator"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
OPERATOR_PODS = PODS.format(namespace=NAMESPACE)
CATCH_UP_SECONDS = 30


def operator_pod(space: Space) -> str:
    labels = "app.kubernetes.io/name=processing-operator"
    pods = space.cluster.items(OPERATOR_PODS, labelSelector=labels)
    name: str = next(p["metadata"]["name"] for p in pods if "deletionTimestamp" not in p["metadata"])
    return name


def scale(space: Space, replicas: int) -> None:
    space.cluster.patch(DEPLOYMENT, {"spec": {"replicas": replicas}})


def ready(deployment: Object) -> bool:
    return bool(deployment.get("status", {}).get("readyReplicas") == 1)


@pytest.fixture(autouse=True)
def _operator_is_there(space: Space) -> Iterator[None]:
    yield
    scale(space, 1)
    space.cluster.wait(DEPLOYMENT.rsplit("/", 1)[0], "processing-operator", ready, 60, "ready operator")


@pytest.mark.parametrize("phase", ["Downloading", "Running", "Uploading"])
def test_operator_killed_in_each_phase(space: Space, proxy: Callable[[], S3Proxy], phase: str) -> None:
    s3 = proxy()
    gates = {"Downloading": Gate(after=4 * MIB), "Uploading": Gate(after=4 * MIB)}
    s3.download_gate = gates["Downloading"] if phase == "Downloading" else None
    s3.upload_gate = gates["Uploading"] if phase == "Uploading" else None
    space.put("in/a", b"x" * (8 * MIB))
    rest = "until [ -e /tmp/go ]; do sleep 0.1; done" if phase == "Running" else "true"
    space.apply(
        "killed",
        f"{COUNTED}; {rest}; cp /opt/ml/processing/in/a {OUT}/a",
        endpoint=s3.endpoint,
        inputs=[space.input("in", "in", space.uri("in"))],
        outputs=[space.output("out")],
    )
    space.wait("killed", phase)
    pod = space.pod_of("killed")["metadata"]["name"]
    victim = operator_pod(space)
    faults.kill_container(NAMESPACE, victim, "operator")
    if phase == "Running":
        space.exec(pod, "script", "touch", "/tmp/go")
    for gate in gates.values():
        gate.release()
    status = space.ended("killed", "Completed", seconds=120)
    assert status["attempts"] == 1
    assert space.read("out/out/runs").count(b"\n") == 1
    assert space.read("out/out/a") == b"x" * (8 * MIB)
    # a crash loop's back-off must not grow over the cases
    space.cluster.delete(f"{OPERATOR_PODS}/{victim}")


def test_pods_finish_while_the_operator_is_down_and_status_catches_up(space: Space) -> None:
    script = f"{COUNTED}; until [ -e /tmp/go ]; do sleep 0.1; done; echo done > {OUT}/done"
    space.apply("alone", script, outputs=[space.output("out")])
    pod = space.container_running("alone", "script")["metadata"]["name"]
    space.wait("alone", "Running")
    operator = operator_pod(space)  # asked for while it is not being deleted yet
    scale(space, 0)
    space.cluster.wait_gone(OPERATOR_PODS, operator)
    space.exec(pod, "script", "touch", "/tmp/go")
    space.cluster.wait(space.pods, pod, lambda p: p["status"]["phase"] == "Succeeded", 60, "Succeeded")
    assert space.read("out/out/done") == b"done\n"
    assert space.job("alone")["status"]["state"] == "Running"
    scale(space, 1)
    begin = time.monotonic()
    space.ended("alone", "Completed", seconds=CATCH_UP_SECONDS)
    print(f"caught up {time.monotonic() - begin:.1f} s after the operator was asked for again")


def test_an_upgrade_hands_over_and_loses_no_job(space: Space) -> None:
    """A new Pod stands by and is Ready before the old one ends; the job that is applied meanwhile starts once."""
    old = operator_pod(space)
    told = {"metadata": {"annotations": {"e2e": space.namespace}}}
    space.cluster.patch(DEPLOYMENT, {"spec": {"template": told}})
    script = f"{COUNTED}; until [ -e /tmp/go ]; do sleep 0.1; done; echo done > {OUT}/done"
    space.apply("upgraded", script, outputs=[space.output("out")])
    pod = space.container_running("upgraded", "script")["metadata"]["name"]
    space.cluster.wait_gone(OPERATOR_PODS, old)
    space.exec(pod, "script", "touch", "/tmp/go")
    assert space.ended("upgraded", "Completed")["attempts"] == 1
    assert space.read("out/out/runs").count(b"\n") == 1
    lease = space.cluster.get(f"{LEASES}/processing-operator")["spec"]
    assert lease["holderIdentity"] == operator_pod(space) != old


def test_kubelet_restarted_while_running(space: Space) -> None:
    script = f"{COUNTED}; until [ -e /tmp/go ]; do sleep 0.1; done"
    space.apply("kubelet", script, outputs=[space.output("out")])
    pod = space.container_running("kubelet", "script")["metadata"]["name"]
    faults.restart("kubelet")

    def let_go() -> bool:
        """A kubelet that has just started does not know its Pods at once, and says 404 meanwhile."""
        try:
            space.exec(pod, "script", "touch", "/tmp/go")
        except subprocess.CalledProcessError:
            return False
        return True

    until("the restarted kubelet knows the Pod", let_go)
    status = space.ended("kubelet", "Completed", seconds=120)
    assert status["attempts"] == 1
    assert space.read("out/out/runs").count(b"\n") == 1
