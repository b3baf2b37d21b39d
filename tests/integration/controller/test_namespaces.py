"""Namespaces that limit what their containers may have: LimitRange, ResourceQuota, a policy that changes Pods."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.admission import mutated

if TYPE_CHECKING:
    from dev.cluster.client import Object
    from tests.integration.controller.site import Site

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("control-plane")]

STORAGE = "ephemeral-storage"
MI = 1 << 20


def limit_range(site: Site, **rules: Any) -> None:
    """Of type Container."""
    path = f"/api/v1/namespaces/{site.namespace}/limitranges"
    spec = {"limits": [{"type": "Container", **rules}]}
    site.cluster.create(path, {"metadata": {"name": "team"}, "spec": spec})


def quota(site: Site, **hard: str) -> None:
    """A quota that nothing is used of. Its own controller does not run here."""
    path = f"/api/v1/namespaces/{site.namespace}/resourcequotas"
    site.cluster.create(path, {"metadata": {"name": "team"}, "spec": {"hard": hard}})
    site.cluster.patch(f"{path}/team/status", {"status": {"hard": hard, "used": dict.fromkeys(hard, "0")}})


def bound(pod: Object) -> int | None:
    """What the launcher is told."""
    text = pod["metadata"]["annotations"]["processing-operator.dev/bounds"]
    return json.loads(text)["ephemeralStorage"] if text else None


def test_a_namespace_without_limits_sets_no_bound(site: Site) -> None:
    with site.operator():
        site.create_job()
        assert bound(site.wait_released()) is None


def test_a_limit_range_that_gives_every_container_a_small_disk(site: Site) -> None:
    """The operator's requests would be above it: they are left out, and the launcher is told of the limit."""
    limit_range(site, default={STORAGE: "50Mi"}, defaultRequest={STORAGE: "10Mi"})
    with site.operator():
        site.create_job()
        pod = site.wait_released()
        note = site.wait_event("WorkspaceLimited")["note"]
    assert bound(pod) == 100 * MI
    requests = [one["resources"]["requests"][STORAGE] for one in pod["spec"]["containers"]]
    assert requests == ["10Mi", "10Mi"]
    assert "104857600 bytes" in note


def test_a_limit_range_whose_default_is_its_maximum(site: Site) -> None:
    limit_range(site, max={STORAGE: "2Gi", "cpu": "4", "memory": "4Gi"}, min={"cpu": "10m", "memory": "16Mi"})
    with site.operator():
        site.create_job()
        pod = site.wait_released()
    assert bound(pod) == 4096 * MI


# what a LimitRange asks of every container, a word of its refusal, and a script that has enough
BURSTABLE = {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "500m"}}
ASKED = [
    ({"min": {"memory": "256Mi", "cpu": "100m"}}, "minimum memory usage per Container is 256Mi, but request is 64Mi"),
    ({"maxLimitRequestRatio": {"cpu": "1"}}, "cpu max limit to request ratio per Container is 1"),
    ({"max": {"cpu": "500m"}}, "maximum cpu usage per Container is 500m"),
]
ENOUGH = {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"cpu": "250m", "memory": "512Mi"}}


@pytest.mark.parametrize(("rules", "words"), ASKED, ids=["minima", "ratios", "maxima"])
def test_what_staging_reserves_is_an_administrators_to_set(site: Site, rules: Object, words: str) -> None:
    """A job waits, and is told who can mend it; it runs under an operator that was installed with other values."""
    limit_range(site, **rules)
    with site.operator():
        site.create_job(resources=BURSTABLE)
        message = site.wait_state("Waiting")["status"]["message"]
    assert words in message
    assert "agent.fetch.resources and agent.upload.resources of the operator's chart" in message
    enough = json.dumps(ENOUGH)
    with site.operator(resync_seconds="1", fetch_resources=enough, upload_resources=enough):
        assert site.wait_released(seconds=60)


EVERYTHING = {
    "pods": "10",
    "requests.cpu": "4",
    "requests.memory": "8Gi",
    "limits.cpu": "8",
    "limits.memory": "16Gi",
}
LIMITED = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}}


def test_a_quota_on_cpu_and_memory_is_met(site: Site) -> None:
    quota(site, **EVERYTHING)
    with site.operator():
        site.create_job(resources=LIMITED)
        assert site.wait_released()


def test_a_quota_on_the_disk_is_met_by_a_job_with_a_limit(site: Site) -> None:
    """Kubernetes asks for no limit there. Where the script has one, fetch and upload have one, too."""
    quota(site, **EVERYTHING, **{f"requests.{STORAGE}": "100Gi", f"limits.{STORAGE}": "100Gi"})
    limits = {**LIMITED["limits"], STORAGE: "40Gi"}
    with site.operator():
        site.create_job("without", resources=LIMITED)
        assert bound(site.wait_released("without")) is None
        site.create_job(resources={**LIMITED, "limits": limits})
        assert bound(site.wait_released()) == 40 * 1024 * MI + 256 * MI


def test_a_quota_on_the_disk_is_met_by_the_charts_values(site: Site) -> None:
    quota(site, **EVERYTHING, **{f"requests.{STORAGE}": "100Gi", f"limits.{STORAGE}": "100Gi"})
    staging = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "128Mi", STORAGE: "1Gi"}}
    told = json.dumps(staging)
    with site.operator(fetch_resources=told, upload_resources=told):
        site.create_job(resources=LIMITED, workspace={"size": "10Gi"})
        pod = site.wait_released()
    assert bound(pod) == 12 * 1024 * MI + 256 * MI + 1024 * MI


def test_a_policy_that_sets_limits_is_seen(site: Site) -> None:
    """The bound is read from what the API server has made of the Pod, not from what was sent."""
    limits = f'resources: Object.spec.containers.resources{{limits: {{"{STORAGE}": "1Gi"}}}}'
    containers = f"object.spec.containers.map(c, Object.spec.containers{{name: c.name, {limits}}})"
    change = f"Object{{spec: Object.spec{{containers: {containers}}}}}"
    policy = mutated(
        site.cluster,
        site.namespace,
        {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": change}},
        bare={"metadata": {"name": "try"}, "spec": {"containers": [{"name": "a", "image": "example.com/image:1"}]}},
        changed=lambda pod: STORAGE in str(pod["spec"]),
    )
    with policy, site.operator():
        site.create_job()
        assert bound(site.wait_released()) == 2048 * MI
