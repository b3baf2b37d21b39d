"""The gateway, over a session that plays the API server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from processing_operator.api.protocol import GATE
from processing_operator.controller.kube import Kube
from processing_operator.controller.refusals import PodRefusedError
from processing_operator.controller.store import JobKey
from processing_operator.domain.facts import PodTarget, Release
from processing_operator.kube.errors import AlreadyExistsError, KubeError, StaleError, TransientError, from_answer
from tests.unit.controller.objects import Obj, make_job, make_pod

PODS = "/api/v1/namespaces/ns/pods"
JOB = "/apis/processing-operator.dev/v1alpha1/namespaces/ns/processingjobs/j"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/ns/leases/l"
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
    times: list[float] = field(default_factory=list)

    async def request(
        self,
        verb: str,
        path: str,
        *,
        query: Any = None,
        body: Any = None,
        content_type: str = "",
        timeout: float = 30.0,  # noqa: ASYNC109 - as the session has it
    ) -> Obj:
        self.times.append(timeout)
        self.asked.append((verb, path))
        self.queries.append(query)
        self.bodies.append(body)
        self.types.append(content_type)
        answer = self.answers.pop(0)
        if isinstance(answer, KubeError):
            raise answer
        return answer

    async def read_text(self, path: str, *, query: Any, timeout: float) -> str:  # noqa: ASYNC109 - likewise
        return str((await self.request("GET", path, query=query, timeout=timeout))["text"])


def gateway(*answers: Obj | KubeError, namespaces: tuple[str, ...] = ()) -> tuple[Kube, Server]:
    server = Server(list(answers))
    return Kube(cast("Any", server), namespaces=namespaces), server


def error(status: int, reason: str = "", message: str = "") -> KubeError:
    return from_answer(status, {"kind": "Status", "reason": reason, "message": message}, "call", 7.0)


EXISTS = error(409, "AlreadyExists")


async def test_what_is_not_there_is_none() -> None:
    kube, server = gateway(error(404), error(404), error(404))
    assert await kube.get_job(KEY) is None
    assert await kube.get_pod("ns", "p") is None
    assert await kube.get_lease("ns", "l") is None
    assert [path for _, path in server.asked] == [JOB, f"{PODS}/p", LEASE]


async def test_a_page_that_is_not_found_is_no_job_that_is_gone() -> None:
    kube, _ = gateway(from_answer(404, "404 page not found", "GET"))
    with pytest.raises(TransientError):
        await kube.get_job(KEY)


async def test_a_created_pod_is_returned() -> None:
    kube, server = gateway(make_pod())
    assert await kube.create_pod(make_pod()) == make_pod()
    assert server.asked == [("POST", PODS)]


async def test_a_pod_of_that_name_is_nothing_that_was_created() -> None:
    kube, server = gateway(EXISTS)
    with pytest.raises(AlreadyExistsError):
        await kube.create_pod(make_pod())
    assert server.asked == [("POST", PODS)]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(422, "Invalid", 'Pod "p" is invalid: spec: no'), "Invalid"),
        (error(403, "Forbidden", 'pods "p" is forbidden: exceeded quota: q'), "Quota"),
        (error(403, "Forbidden", 'pods "p" is forbidden: violates PodSecurity'), "Policy"),
        (error(500, "", 'admission webhook "w" denied the request: no'), "Policy"),
    ],
)
async def test_refusals(answer: KubeError, kind: str) -> None:
    kube, _ = gateway(answer)
    with pytest.raises(PodRefusedError, match=f"^{kind}: "):
        await kube.create_pod(make_pod())


@pytest.mark.parametrize(
    "answer",
    [
        error(403, "Forbidden", 'pods is forbidden: User "x" cannot create resource "pods"'),
        error(404, "NotFound", 'namespaces "ns" not found'),
        error(409, "Conflict", "the quota has changed"),
        error(429, "TooManyRequests", "later"),
    ],
)
async def test_what_is_not_the_pods_fault_is_tried_again(answer: KubeError) -> None:
    kube, _ = gateway(answer)
    with pytest.raises(TransientError) as caught:
        await kube.create_pod(make_pod())
    assert (caught.value.status, caught.value.retry_after) == (answer.status, 7.0)


async def test_lists_go_on_to_the_last_page() -> None:
    kube, server = gateway(listed(5, make_job("a"), more="more"), listed(0, make_job("b")))
    jobs, version = await kube.list_jobs(unfinished=True)
    assert ([job["metadata"]["name"] for job in jobs], version) == (["a", "b"], 5)
    assert [query["continue"] for query in server.queries] == ["", "more"]
    selector = "status.state!=Completed,status.state!=Failed,status.state!=Stopped"
    assert {query["fieldSelector"] for query in server.queries} == {selector}


async def test_all_jobs_are_listed_without_a_selector() -> None:
    kube, server = gateway(listed(5))
    assert await kube.list_jobs(unfinished=False) == ([], 5)
    assert "fieldSelector" not in server.queries[0]


async def test_each_namespace_is_listed_and_the_lowest_version_counts() -> None:
    kube, server = gateway(listed(9, make_pod()), listed(7), namespaces=("x", "y"))
    assert await kube.list_pods() == ([make_pod()], 7)
    assert server.asked == [("GET", "/api/v1/namespaces/x/pods"), ("GET", "/api/v1/namespaces/y/pods")]
    assert server.queries[0]["labelSelector"] == "processing-operator.dev/uid"


def listed(version: int, *items: Obj, more: str = "") -> Obj:
    return {"kind": "List", "metadata": {"resourceVersion": str(version), "continue": more}, "items": list(items)}


async def test_writes_hit_only_what_was_seen() -> None:
    kube, server = gateway(make_job(), make_pod(), make_pod(), {})
    await kube.patch_job_status(KEY, "5", {"state": "Pending"})
    await kube.release_pod("ns", Release(TARGET, "{}"))
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
        {
            "metadata": {**seen, "annotations": {"processing-operator.dev/bounds": "{}"}},
            "spec": {"schedulingGates": [{"$patch": "delete", "name": GATE}]},
        },
        {"metadata": {**seen, "annotations": {"a": "b"}}},
        {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": seen},
    ]
    merge, strategic = "application/merge-patch+json", "application/strategic-merge-patch+json"
    assert server.types[:3] == [merge, strategic, merge]


async def test_a_write_that_comes_too_late() -> None:
    kube, _ = gateway(error(409, "Conflict"))
    with pytest.raises(StaleError):
        await kube.release_pod("ns", Release(TARGET, "{}"))


async def test_a_pod_that_is_gone_needs_no_deletion_and_an_event_none_twice() -> None:
    kube, _ = gateway(error(404), EXISTS)
    await kube.delete_pod("ns", TARGET)
    await kube.create_event("ns", {})


async def test_a_logs_tail() -> None:
    kube, server = gateway({"text": "one\ntwo"})
    assert await kube.read_log_tail("ns", "p", "fetch", 5) == ["one", "two"]
    assert server.queries[0]["container"] == "fetch"
    assert server.queries[0]["tailLines"] == "5"
    assert server.times == [2.0]


async def test_the_election_waits_three_seconds_for_an_answer() -> None:
    kube, server = gateway({}, {}, {})
    await kube.get_lease("ns", "l")
    await kube.create_lease("ns", {})
    await kube.update_lease("ns", "l", {})
    assert server.asked == [("GET", LEASE), ("POST", LEASE.removesuffix("/l")), ("PUT", LEASE)]
    assert server.times == [3.0] * 3
