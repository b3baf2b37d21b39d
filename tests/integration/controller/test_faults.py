"""Crashes, lost answers and rivals, at every call that matters: one Pod that runs, one end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from dev.cluster.waiting import until
from tests.integration.controller import proxy

if TYPE_CHECKING:
    from dev.cluster.client import Object
    from tests.integration.controller.operator_process import OperatorProcess
    from tests.integration.controller.proxy import How
    from tests.integration.controller.site import Site

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("control-plane")]

CREATE = "POST /api/v1/namespaces/[^/]+/pods"
CLAIM = "PATCH /apis/processing-operator.dev/.*/status"
RELEASE = "PATCH /api/v1/namespaces/[^/]+/pods/[^/]+"
JOBS_WATCH = "GET /apis/processing-operator.dev/.*/processingjobs.watch"
PODS_WATCH = "GET /api/v1/.*pods.watch"


def await_resync(operator: OperatorProcess) -> None:
    """Wait until the operator has listed everything once more."""
    now = time.time()
    until("a list of all jobs", lambda: operator.metric("last_resync_timestamp_seconds") > now)


def runs_once(site: Site, job: Object) -> None:
    """One Pod, of the first attempt, that the status knows and that may run."""
    pod = site.wait_released()
    assert [one["metadata"]["uid"] for one in site.pods_of()] == [pod["metadata"]["uid"]]
    status = site.job()["status"]
    assert status["attempts"] == 1
    assert [one["podUid"] for one in status["instances"]] == [pod["metadata"]["uid"]]
    assert pod["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]


@pytest.mark.parametrize("how", ["hang before", "hang after"])
@pytest.mark.parametrize("call", [CREATE, CLAIM, RELEASE], ids=["create", "claim", "release"])
def test_killed_at_a_write_another_goes_on(site: Site, call: str, how: How) -> None:
    with proxy.running(site.plane.url, site.plane.authority) as broken:
        fault = broken.add(call, how)
        with site.operator(server=broken.url) as operator:
            job = site.create_job()
            assert fault.hit.wait(10)
            operator.kill()
    with site.operator():
        runs_once(site, job)
        site.complete()


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("call", [CREATE, CLAIM, RELEASE], ids=["create", "claim", "release"])
def test_a_lost_request_or_answer_is_made_up_for(site: Site, call: str, how: How) -> None:
    with proxy.running(site.plane.url, site.plane.authority) as broken:
        fault = broken.add(call, how, times=2)
        with site.operator(server=broken.url, resync_seconds="3600") as operator:
            job = site.create_job()
            runs_once(site, job)
            assert fault.hit.is_set()
            site.complete()
            assert operator.metric("errors_total", kind="TransientError") >= 1


def test_two_operators_at_once_start_each_job_once(site: Site) -> None:
    names = [f"job-{number}" for number in range(12)]
    with site.operator() as one, site.operator(lease_name="another") as two:
        for name in names:
            site.create_job(name)
        for name in names:
            pod = site.wait_released(name)
            assert [found["metadata"]["uid"] for found in site.pods_of(name)] == [pod["metadata"]["uid"]]
            assert site.job(name)["status"]["attempts"] == 1
        site.complete(names[0])
        assert one.metric("reconciles_total") > 0
        assert two.metric("reconciles_total") > 0


@pytest.mark.parametrize("watch", [JOBS_WATCH, PODS_WATCH], ids=["jobs", "pods"])
def test_what_a_blind_watch_does_not_see_is_seen_by_the_resync(site: Site, watch: str) -> None:
    with proxy.running(site.plane.url, site.plane.authority) as broken:
        broken.add(watch, "hang before", times=1000)
        with site.operator(server=broken.url, resync_seconds="2") as operator:
            site.create_job()
            kubelet = site.kubelet(site.wait_released(seconds=10))
            kubelet.bind()
            kubelet.script_runs()
            site.wait_state("Running", seconds=10)
            if watch == JOBS_WATCH:
                until("the watch is known to be stale", lambda: operator.metric("stale_watch_seconds") > 0)


def test_an_api_server_that_cannot_be_reached_for_a_while(site: Site) -> None:
    with (
        proxy.running(site.plane.url, site.plane.authority) as broken,
        site.operator(server=broken.url, resync_seconds="2") as operator,
    ):
        operator.expected_errors = ["will retry"]  # kopf tells of its own attempts as errors
        before = operator.metric("errors_total")
        broken.add(".*", "before", times=1000)
        site.create_job()
        until("two lists have failed", lambda: operator.metric("errors_total") >= before + 2)
        assert operator.ask("/healthz") == "ok\n", "to begin anew would not help"
        broken.heal()
        runs_once(site, site.job())
        site.complete()


def test_pods_that_finish_while_the_operator_is_down(site: Site) -> None:
    with site.operator() as operator:
        site.create_job()
        pod = site.wait_released()
        operator.kill()
    kubelet = site.kubelet(pod)
    kubelet.bind()
    kubelet.script_runs()
    kubelet.script_ended()
    kubelet.upload_ended()
    with site.operator():
        site.wait_state("Completed", seconds=5)


def test_a_foreign_pod_of_that_name_is_not_touched(site: Site) -> None:
    job = site.create_job()
    name = f"job-{job['metadata']['uid'][:8]}-1-0"
    foreign = {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
    before = site.cluster.create(site.pods, foreign)
    with site.operator():
        status = site.wait_state("Failed")["status"]
    assert status["reason"] == "NameConflict"
    assert f"Pod {name!r} exists and is owned by nobody" in status["message"]
    assert site.cluster.get(f"{site.pods}/{name}") == before


def test_an_ended_jobs_status_is_never_written_again(site: Site) -> None:
    """Not even by an operator that has forgotten everything, or when the Pod tells another story."""
    with site.operator():
        site.create_job()
        kubelet = site.kubelet(site.wait_released())
        kubelet.bind()
        kubelet.script_runs()
        kubelet.script_ended(3)
        kubelet.upload_ended(script_code=3)
        before = site.wait_state("Failed")
    with site.operator(resync_seconds="1") as operator:
        kubelet.script_ended(0)
        kubelet.upload_ended()
        for _ in range(2):  # what the first one has queued is done before the second
            await_resync(operator)
        assert site.job() == before
        assert operator.writes() == {}
