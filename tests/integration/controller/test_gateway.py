"""The gateway before a real API server: what its writes do, and in what words it is refused."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from processing_operator.api.protocol import GATE
from processing_operator.controller.kube import Kube
from processing_operator.controller.refusals import PodRefusedError, namespace_goes
from processing_operator.controller.store import JobKey
from processing_operator.domain.facts import PodTarget, Release
from processing_operator.kube.errors import AlreadyExistsError, KubeError, StaleError, TransientError
from tests.integration.controller.conftest import connected

if TYPE_CHECKING:
    from processing_operator.kube.session import Obj, Session
    from tests.integration.controller.control_plane import ControlPlane
    from tests.integration.controller.site import Site

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("control-plane")]
NAMESPACES = "/api/v1/namespaces"
FOREIGN = "example.com/queued"
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"


@pytest.fixture
def kube(session: Session, site: Site) -> Kube:
    return Kube(session, namespaces=(site.namespace,))


def manifest(site: Site, name: str = "p", **spec: Any) -> Obj:
    containers = [{"name": "c", "image": "x"}]
    metadata = {"name": name, "namespace": site.namespace, "labels": {"processing-operator.dev/uid": "u"}}
    gates = [{"name": GATE}, {"name": FOREIGN}]
    return {"metadata": metadata, "spec": {"containers": containers, "schedulingGates": gates, **spec}}


def target(pod: Obj, **other: str) -> PodTarget:
    metadata = pod["metadata"]
    seen = {"name": metadata["name"], "uid": metadata["uid"], "resource_version": metadata["resourceVersion"]}
    return PodTarget(**{**seen, **other})


async def test_release_takes_our_own_gate_alone(kube: Kube, site: Site) -> None:
    made = await kube.create_pod(manifest(site))
    released = await kube.release_pod(site.namespace, Release(target(made), ""))
    assert released["spec"]["schedulingGates"] == [{"name": FOREIGN}]
    assert site.cluster.get(f"{site.pods}/p")["spec"] == released["spec"]
    again = await kube.release_pod(site.namespace, Release(target(released), ""))
    assert again["spec"]["schedulingGates"] == [{"name": FOREIGN}], "there is none of ours any more"


async def test_only_ours_leaves_none(kube: Kube, site: Site) -> None:
    made = await kube.create_pod(manifest(site, schedulingGates=[{"name": GATE}]))
    released = await kube.release_pod(site.namespace, Release(target(made), ""))
    assert not released["spec"].get("schedulingGates")
    assert released["spec"]["containers"] == made["spec"]["containers"]


@pytest.mark.parametrize("other", [{"resource_version": "1"}, {"resource_version": "1", "uid": "another"}])
async def test_a_pod_that_is_not_as_it_was_seen_is_left_alone(kube: Kube, site: Site, other: dict[str, str]) -> None:
    made = await kube.create_pod(manifest(site))
    stale = target(made, **other)
    with pytest.raises(StaleError):
        await kube.release_pod(site.namespace, Release(stale, ""))
    with pytest.raises(StaleError):
        await kube.annotate_pod(site.namespace, stale, {"a": "b"})
    with pytest.raises(StaleError):
        await kube.delete_pod(site.namespace, stale)
    assert await kube.get_pod(site.namespace, "p") == made


async def test_what_is_there_and_what_is_not(kube: Kube, site: Site) -> None:
    made = await kube.create_pod(manifest(site))
    with pytest.raises(AlreadyExistsError):
        await kube.create_pod(manifest(site))
    pods, version = await kube.list_pods()
    assert [pod["metadata"]["uid"] for pod in pods] == [made["metadata"]["uid"]]
    assert version >= int(made["metadata"]["resourceVersion"])
    annotated = await kube.annotate_pod(site.namespace, target(made), {"a": "b"})
    assert annotated["metadata"]["annotations"] == {"a": "b"}
    await kube.delete_pod(site.namespace, target(annotated))
    assert await kube.get_pod(site.namespace, "p") is None
    assert await kube.get_job(JobKey(site.namespace, "none")) is None


async def test_a_path_that_nobody_serves_is_no_object_that_is_gone(plane: ControlPlane) -> None:
    async with connected(plane, user="admin") as session:
        with pytest.raises(TransientError, match="404 page not found") as caught:
            await session.request("GET", "/apis/no.such.group/v1/namespaces/default/things/x")
    assert caught.value.status == 404
    assert not caught.value.certain


async def refused(kube: Kube, pod: Obj) -> tuple[str, str]:
    with pytest.raises(PodRefusedError) as caught:
        await kube.create_pod(pod)
    return caught.value.refusal.kind, caught.value.refusal.message


async def test_validation_is_final(kube: Kube, site: Site) -> None:
    kind, message = await refused(kube, manifest(site, restartPolicy="Perhaps"))
    assert (kind, "spec.restartPolicy: Unsupported value" in message) == ("Invalid", True)


async def test_a_limit_range_and_a_quotas_demand_are_policies(kube: Kube, site: Site) -> None:
    core = f"{NAMESPACES}/{site.namespace}"
    limits = [{"type": "Container", "max": {"memory": "64Mi"}}]
    site.cluster.create(f"{core}/limitranges", {"metadata": {"name": "small"}, "spec": {"limits": limits}})
    large = [{"name": "c", "image": "x", "resources": {"limits": {"memory": "1Gi"}}}]
    kind, message = await refused(kube, manifest(site, containers=large))
    assert (kind, "maximum memory usage per Container is 64Mi" in message) == ("Policy", True)
    site.cluster.delete(f"{core}/limitranges/small")
    limit_by_quota(site, {"limits.cpu": "4"}, used={"limits.cpu": "0"})
    kind, message = await refused_eventually(kube, manifest(site))
    assert (kind, "must specify limits.cpu for: c" in message) == ("Policy", True)


async def test_a_quota_is_a_quota(kube: Kube, site: Site) -> None:
    limit_by_quota(site, {"pods": "0"}, used={"pods": "0"})
    kind, message = await refused_eventually(kube, manifest(site))
    assert (kind, "exceeded quota: team, requested: pods=1" in message) == ("Quota", True)


async def test_a_quota_that_has_not_been_counted_yet_is_a_quota(kube: Kube, site: Site) -> None:
    limit_by_quota(site, {"pods": "9"}, used={})
    kind, message = await refused_eventually(kube, manifest(site))
    assert (kind, "status unknown for quota: team" in message) == ("Quota", True)


def limit_by_quota(site: Site, hard: Obj, *, used: Obj) -> None:
    """The quota's own controller does not run here."""
    path = f"{NAMESPACES}/{site.namespace}/resourcequotas"
    site.cluster.create(path, {"metadata": {"name": "team"}, "spec": {"hard": hard}})
    site.cluster.patch(f"{path}/team/status", {"status": {"hard": hard, "used": used}})


async def test_pod_security_is_a_policy(kube: Kube, site: Site) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    site.cluster.patch(f"{NAMESPACES}/{site.namespace}", {"metadata": {"labels": labels}})
    kind, message = await refused_eventually(kube, manifest(site))
    assert (kind, 'violates PodSecurity "restricted' in message) == ("Policy", True)


@pytest.mark.parametrize("reason", ["Invalid", "Forbidden", "RequestEntityTooLarge"])
async def test_an_admission_policy_is_a_policy(kube: Kube, site: Site, reason: str) -> None:
    name = f"no-{site.namespace}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    validation = {"expression": "false", "message": 'Pod "p" is invalid: exceeded quota', "reason": reason}
    spec = {"matchConstraints": {"resourceRules": [rule]}, "validations": [validation]}
    only_here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": site.namespace}}}
    binding = {"policyName": name, "validationActions": ["Deny"], "matchResources": only_here}
    site.cluster.create(f"{POLICIES}ies", {"metadata": {"name": name}, "spec": spec})
    site.cluster.create(f"{POLICIES}ybindings", {"metadata": {"name": name}, "spec": binding})
    try:
        kind, message = await refused_eventually(kube, manifest(site))
        assert (kind, "denied request: Pod" in message) == ("Policy", True)
    finally:
        site.cluster.delete(f"{POLICIES}ybindings/{name}")
        site.cluster.delete(f"{POLICIES}ies/{name}")


async def refused_eventually(kube: Kube, pod: Obj) -> tuple[str, str]:
    """What was just set up is in force a moment later."""
    async with asyncio.timeout(20):
        while True:
            with suppress(pytest.fail.Exception):
                return await refused(kube, pod)
            made = await kube.get_pod(pod["metadata"]["namespace"], pod["metadata"]["name"])
            assert made is not None
            await kube.delete_pod(pod["metadata"]["namespace"], target(made))


async def test_what_is_not_the_jobs_fault_is_tried_again(kube: Kube, site: Site) -> None:
    elsewhere = manifest(site)
    elsewhere["metadata"]["namespace"] = "no-such-namespace"
    with pytest.raises(TransientError, match='namespaces "no-such-namespace" not found'):
        await kube.create_pod(elsewhere)
    site.cluster.create(site.pods, {"metadata": {"name": "stays", "finalizers": ["example.com/stay"]}, **held()})
    site.cluster.delete(f"{NAMESPACES}/{site.namespace}")
    with pytest.raises(TransientError) as caught:
        await kube.create_pod(manifest(site))
    assert namespace_goes(caught.value)


def held() -> Obj:
    return {"spec": {"containers": [{"name": "c", "image": "x"}]}}


async def test_missing_rights_are_not_the_jobs_fault(site: Site) -> None:
    async with connected(site.plane, user="nobody") as session:
        kube = Kube(session, namespaces=())
        with pytest.raises(TransientError, match='cannot create resource "pods"'):
            await kube.create_pod(manifest(site))
        with pytest.raises(KubeError, match='cannot list resource "pods"'):
            await kube.list_pods()


async def test_unfinished_jobs_are_listed_by_their_state(kube: Kube, site: Site) -> None:
    states = {"new": "", "running": "Running", "word": "Later", "done": "Completed", "bad": "Failed", "no": "Stopped"}
    for name, state in states.items():
        site.create_job(name)
        if state:
            site.cluster.patch(f"{site.jobs}/{name}/status", {"status": {"state": state}})
    jobs, version = await kube.list_jobs(unfinished=True)
    assert sorted(job["metadata"]["name"] for job in jobs) == ["new", "running", "word"]
    assert version >= max(int(job["metadata"]["resourceVersion"]) for job in jobs)
    assert len((await kube.list_jobs(unfinished=False))[0]) == len(states)
