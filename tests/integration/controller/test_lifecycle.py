"""One job's way through its life, and what it costs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from processing_operator.api.protocol import asks_to_stop

if TYPE_CHECKING:
    from tests.integration.controller.site import Site

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("control-plane")]


def test_the_pod_belongs_to_the_job_and_may_run_once_the_status_knows_it(site: Site) -> None:
    with site.operator():
        job = site.create_job()
        pod = site.wait_released()
    [owner] = pod["metadata"]["ownerReferences"]
    assert (owner["uid"], owner["controller"], owner["kind"]) == (job["metadata"]["uid"], True, "ProcessingJob")
    assert pod["metadata"]["name"] == f"job-{job['metadata']['uid'][:8]}-1-0"
    status = site.job()["status"]
    assert status["attempts"] == 1
    assert status["instances"][0]["podUid"] == pod["metadata"]["uid"]


def test_a_clean_job_costs_six_writes_at_most_and_nothing_after_its_end(site: Site) -> None:
    with site.operator() as operator:
        site.create_job()
        site.complete()
        writes = operator.writes()
        assert sum(writes.values()) <= 6, writes
        assert writes["POST pods"] == 1
        ended = site.job()
        site.cluster.patch(f"{site.jobs}/job", {"metadata": {"labels": {"touched": "yes"}}})
        pod = site.pods_of()[0]["metadata"]["name"]
        site.cluster.patch(f"{site.pods}/{pod}", {"metadata": {"labels": {"touched": "yes"}}})
        site.create_job("another")
        site.wait_released("another")
        assert site.job()["status"] == ended["status"]
    assert {event["reason"] for event in site.events_of()} >= {"Completed"}
    assert all(event["regarding"]["uid"] == ended["metadata"]["uid"] for event in site.events_of())


def test_each_phase_is_told_with_its_times(site: Site) -> None:
    with site.operator():
        site.create_job()
        status = site.complete()["status"]
    names = [phase["name"] for phase in status["phases"]]
    # The kubelet tells whole seconds: a Pod that waits for less may seem not to have waited at all.
    assert names[-3:] == ["Downloading", "Running", "Uploading"]
    assert all("endTime" in phase for phase in status["phases"])
    assert {one["type"]: one["status"] for one in status["conditions"]}["Complete"] == "True"


def test_the_scripts_failure_is_told(site: Site) -> None:
    with site.operator():
        site.create_job()
        kubelet = site.kubelet(site.wait_released())
        kubelet.bind()
        kubelet.script_runs()
        kubelet.script_ended(3)
        kubelet.upload_ended(script_code=3)
        status = site.wait_state("Failed")["status"]
    assert (status["reason"], status["exitCode"]) == ("ScriptFailed", 3)


def test_a_stop_is_signalled_to_the_pod(site: Site) -> None:
    with site.operator():
        site.create_job()
        pod = site.wait_released()
        kubelet = site.kubelet(pod)
        kubelet.bind()
        kubelet.script_runs()
        site.wait_state("Running")
        site.cluster.patch(f"{site.jobs}/job", {"spec": {"stop": True}})
        name = pod["metadata"]["name"]
        site.cluster.wait(site.pods, name, lambda pod: asks_to_stop(_signal(pod)), 10)
        site.cluster.patch(f"{site.jobs}/job", {"spec": {"stop": False}})
        assert site.wait_state("Stopping")


def _signal(pod: dict[str, dict[str, dict[str, str]]]) -> str:
    return pod["metadata"].get("annotations", {}).get("processing-operator.dev/signal", "")


def test_a_job_that_waits_for_another_begins_when_that_one_has_completed(site: Site) -> None:
    """By the awaited job's event: the resync is an hour away."""
    output = {"name": "out", "path": "/opt/ml/processing/out", "s3": {"uri": "s3://bucket/out"}}
    source = {"name": "in", "path": "/opt/ml/processing/in", "from": {"job": "first", "output": "out"}}
    with site.operator(resync_seconds="3600"):
        site.create_job("second", inputs=[source])
        assert "first" in site.wait_state("Waiting", "second")["status"]["message"]
        site.create_job("first", outputs=[output])
        site.complete("first")
        assert site.wait_released("second", seconds=5)


def test_a_deleted_job_is_forgotten(site: Site) -> None:
    with site.operator() as operator:
        site.create_job()
        pod = site.wait_released()
        site.cluster.delete(f"{site.jobs}/job")
        site.cluster.wait_gone(site.jobs, "job")
        site.cluster.delete(f"{site.pods}/{pod['metadata']['name']}", gracePeriodSeconds=0)
        new = site.create_job()
        again = site.wait_released()
        assert again["metadata"]["ownerReferences"][0]["uid"] == new["metadata"]["uid"]
        assert operator.metric("jobs") == 1


def test_it_ends_soon_after_it_was_told_to(site: Site) -> None:
    with site.operator() as operator:
        site.create_job()
        site.wait_released()
        began = time.monotonic()
        assert operator.stop() == 0
        assert time.monotonic() - began < 10
