"""The gateway, over a session that plays the API server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from processing_operator.controller.errors import KubeError, PodRefusedError, TransientError, from_answer
from processing_operator.controller.key import JobKey
from processing_operator.controller.kube import Kube
from processing_operator.controller.metrics import Metrics
from processing_operator.domain.plan import PodTarget
from tests.unit.controller.objects import Obj, make_job, make_pod

PODS = "/api/v1/namespaces/ns/pods"
JOB = "/apis/processing-operator.dev/v1alpha1/namespaces/ns/processingjobs/j"
KEY = JobKey("ns", "j")
TARGET = PodTarget("p", "uid-p", "7")


@dataclass
class Server:
    """Answers in order; keeps what was asked."""

    answers: list[Obj | KubeError]
    asked: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    queries: list[Any] = field(default_factory=list)
    types: list[str] = field(default_factory=list)

    async def request(
        self, verb: str, path: str, *, query: Any = None, body: Any = None, content_type: str = ""
    ) -> Obj:
        self.asked.append((verb, path))
        self.queries.append(query)
        self.bodies.append(body)
        self.types.append(content_type)
        answer = self.answers.pop(0)
        if isinstance(answer, KubeError):
            raise answer
        return answer

    async def read_text(self, path: str, *, query: Any) -> str:
        return str((await self.request("GET", path, query=query))["text"])


def gateway(*answers: Obj | KubeError, namespaces: tuple[str, ...] = ()) -> tuple[Kube, Server]:
    server = Server(list(answers))
    return Kube(cast("Any", server), namespaces=namespaces, metrics=Metrics()), server


def error(status: int, reason: str = "", message: str = "") -> KubeError:
    return from_answer(status, {"reason": reason, "message": message}, "call")


EXISTS = error(409, "AlreadyExists")


async def test_a_job_that_is_not_there_is_none() -> None:
    kube, _ = gateway(error(404))
    assert await kube.get_job(KEY) is None


async def test_a_created_pod_is_returned() -> None:
    kube, server = gateway(make_pod())
    assert await kube.create_pod(make_pod()) == make_pod()
    assert server.asked == [("POST", PODS)]


async def test_our_own_pod_of_a_lost_answer_is_as_good_as_created() -> None:
    kube, server = gateway(EXISTS, make_pod(version="9"))
    assert (await kube.create_pod(make_pod()))["metadata"]["resourceVersion"] == "9"
    assert server.asked == [("POST", PODS), ("GET", f"{PODS}/p")]


@pytest.mark.parametrize("foreign", [make_pod("other"), {"metadata": {"name": "p", "namespace": "ns", "uid": "x"}}])
async def test_a_foreign_pod_of_that_name_is_a_conflict(foreign: Obj) -> None:
    kube, _ = gateway(EXISTS, foreign)
    with pytest.raises(PodRefusedError, match="Conflict: Pod 'p' exists and is owned by"):
        await kube.create_pod(make_pod())


async def test_an_existing_pod_that_goes_meanwhile_is_tried_again() -> None:
    kube, _ = gateway(EXISTS, error(404))
    with pytest.raises(TransientError):
        await kube.create_pod(make_pod())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(422, "Invalid", "spec: no"), "Invalid"),
        (error(403, "Forbidden", "exceeded quota: q"), "Quota"),
        (error(403, "Forbidden", "violates PodSecurity"), "Invalid"),
    ],
)
async def test_refusals(answer: KubeError, kind: str) -> None:
    kube, _ = gateway(answer)
    with pytest.raises(PodRefusedError, match=kind):
        await kube.create_pod(make_pod())


async def test_missing_rights_of_the_operator_are_not_the_jobs_fault() -> None:
    kube, _ = gateway(error(403, "Forbidden", 'User "x" cannot create resource "pods"'))
    with pytest.raises(TransientError):
        await kube.create_pod(make_pod())


async def test_only_pods_that_the_job_controls_are_its_pods() -> None:
    forged = make_pod("j", name="forged")
    forged["metadata"]["ownerReferences"][0]["uid"] = "another"
    kube, server = gateway({"items": [make_pod(), forged], "metadata": {}})
    assert [pod["metadata"]["name"] for pod in await kube.list_pods_of(KEY, "uid-j")] == ["p"]
    assert server.queries[0]["labelSelector"] == "processing-operator.dev/uid=uid-j"


async def test_lists_go_on_to_the_last_page() -> None:
    kube, server = gateway(
        {"items": [make_job("a")], "metadata": {"continue": "more"}}, {"items": [make_job("b")], "metadata": {}}
    )
    assert [job["metadata"]["name"] for job in await kube.list_jobs()] == ["a", "b"]
    assert [query["continue"] for query in server.queries] == ["", "more"]


async def test_each_namespace_is_listed() -> None:
    empty: Obj = {"items": [], "metadata": {}}
    kube, server = gateway(empty, empty, namespaces=("x", "y"))
    await kube.list_pods()
    assert server.asked == [("GET", "/api/v1/namespaces/x/pods"), ("GET", "/api/v1/namespaces/y/pods")]


async def test_writes_hit_only_what_was_seen() -> None:
    kube, server = gateway(make_job(), make_pod(), make_pod(), {})
    await kube.patch_job_status(KEY, "5", {"state": "Pending"})
    await kube.release_pod("ns", TARGET)
    await kube.annotate_pod("ns", TARGET, {"a": "b"})
    await kube.delete_pod("ns", TARGET)
    seen = {"uid": "uid-p", "resourceVersion": "7"}
    assert server.asked == [
        ("PATCH", f"{JOB}/status"),
        ("PATCH", f"{PODS}/p"),
        ("PATCH", f"{PODS}/p"),
        ("DELETE", f"{PODS}/p"),
    ]
    assert server.bodies == [
        {"metadata": {"resourceVersion": "5"}, "status": {"state": "Pending"}},
        {"metadata": seen, "spec": {"schedulingGates": None}},
        {"metadata": {**seen, "annotations": {"a": "b"}}},
        {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": seen},
    ]
    assert server.types[:3] == ["application/merge-patch+json"] * 3


async def test_a_pod_that_is_gone_needs_no_deletion_and_an_event_none_twice() -> None:
    kube, _ = gateway(error(404), EXISTS)
    await kube.delete_pod("ns", TARGET)
    await kube.create_event("ns", {})


async def test_a_logs_tail() -> None:
    kube, server = gateway({"text": "one\ntwo"})
    assert await kube.read_log_tail("ns", "p", "fetch", 5) == ["one", "two"]
    assert server.queries[0]["container"] == "fetch"
    assert server.queries[0]["tailLines"] == "5"
