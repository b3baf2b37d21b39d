"""Namespaces that limit what their containers may have: outputs are safe in all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.admission import mutated

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from dev.cluster.client import Object
    from tests.e2e.space import Space

STORAGE = "ephemeral-storage"
OUT = "/opt/ml/processing/out"
# The limit is passed within a second; the kubelet looks every ten.
FILLS = f"echo precious > {OUT}/result.txt; head -c 400M /dev/zero > {OUT}/big.bin; sleep 60"


def limit_range(space: Space, **rules: Any) -> None:
    """Of type Container."""
    path = f"/api/v1/namespaces/{space.namespace}/limitranges"
    space.cluster.create(path, {"metadata": {"name": "team"}, "spec": {"limits": [{"type": "Container", **rules}]}})


def stopped_before_the_kubelet(space: Space, name: str, **spec: Any) -> Object:
    """The script fills the disk; the job's status, once its outputs are in the store all the same."""
    space.apply(name, FILLS, outputs=[space.output("out")], workspace={"size": "2Gi"}, **spec)
    status = space.ended(name, "Failed", "WorkspaceFull")
    assert space.read("out/out/result.txt") == b"precious\n"
    assert "ephemeral-storage" in status["message"]
    assert len(space.events("WorkspaceLimited")) == 1
    return status


def test_a_limit_range_that_gives_every_container_a_small_disk(space: Space) -> None:
    limit_range(space, default={STORAGE: "50Mi"}, defaultRequest={STORAGE: "10Mi"})
    stopped_before_the_kubelet(space, "small")


def test_a_limit_of_the_jobs_own(space: Space) -> None:
    limits = {STORAGE: "100Mi"}
    stopped_before_the_kubelet(space, "own", resources={"requests": {"cpu": "10m"}, "limits": limits})


def every_container_limited(space: Space) -> AbstractContextManager[None]:
    """As platforms do it, by an admission policy that no LimitRange tells of."""
    limits = f'resources: Object.spec.containers.resources{{limits: {{"{STORAGE}": "64Mi"}}}}'
    containers = f"object.spec.containers.map(c, Object.spec.containers{{name: c.name, {limits}}})"
    security = {
        "runAsNonRoot": True,
        "runAsUser": 1,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {
        "name": "a",
        "image": "example.com/image:1",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return mutated(
        space.cluster,
        space.namespace,
        {
            "patchType": "ApplyConfiguration",
            "applyConfiguration": {"expression": f"Object{{spec: Object.spec{{containers: {containers}}}}}"},
        },
        bare={"metadata": {"name": "try"}, "spec": {"securityContext": security, "containers": [container]}},
        changed=lambda pod: STORAGE in str(pod["spec"]),
    )


def test_a_policy_that_limits_every_container(space: Space) -> None:
    resources = {"requests": {"cpu": "10m", STORAGE: "10Mi"}}
    with every_container_limited(space):
        stopped_before_the_kubelet(space, "policy", resources=resources)


EVERYTHING = {
    "pods": "10",
    "requests.cpu": "2",
    "requests.memory": "4Gi",
    "limits.cpu": "4",
    "limits.memory": "8Gi",
    f"requests.{STORAGE}": "20Gi",
    f"limits.{STORAGE}": "20Gi",
    "count/pods": "10",
    "configmaps": "10",
    "secrets": "10",
    "count/processingjobs.processing-operator.dev": "10",
}
RANGE = {
    "default": {"cpu": "500m", "memory": "256Mi", STORAGE: "2Gi"},
    "defaultRequest": {"cpu": "100m", "memory": "128Mi", STORAGE: "100Mi"},
    "min": {"cpu": "10m", "memory": "16Mi"},
    "max": {"cpu": "2", "memory": "1Gi", STORAGE: "10Gi"},
    "maxLimitRequestRatio": {"memory": "4", "cpu": "50"},
}


@pytest.mark.parametrize(
    "resources", [None, {"requests": {"cpu": "100m"}}, {"limits": {"cpu": "500m", "memory": "1Gi"}}]
)
def test_a_quota_on_everything_and_a_limit_range_with_everything(space: Space, resources: Object | None) -> None:
    """Pod Security `restricted` is enforced, too, as in the namespace of every case."""
    path = f"/api/v1/namespaces/{space.namespace}/resourcequotas"
    space.cluster.create(path, {"metadata": {"name": "team"}, "spec": {"hard": EVERYTHING}})
    space.cluster.wait(path, "team", lambda quota: bool(quota.get("status", {}).get("hard")), 60, "quota in force")
    limit_range(space, **RANGE)
    data = space.put("in/a", "1")
    space.apply(
        "job",
        f"cat /opt/ml/processing/in/a > {OUT}/a",
        resources=resources,
        inputs=[space.input("in", "in", data)],
        outputs=[space.output("out")],
    )
    space.ended("job", "Completed")
    assert space.read("out/out/a") == b"1"
