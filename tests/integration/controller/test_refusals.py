"""What the API server refuses, and what the job's owner is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.controller.site import Site

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("control-plane")]


def test_a_limit_range_is_told_in_its_own_words_and_waited_for(site: Site) -> None:
    limits = [{"type": "Container", "max": {"memory": "64Mi"}}]
    site.cluster.create(
        f"/api/v1/namespaces/{site.namespace}/limitranges", {"metadata": {"name": "small"}, "spec": {"limits": limits}}
    )
    with site.operator():
        site.create_job()
        status = site.wait_state("Waiting")["status"]
    assert "maximum memory usage per Container is 64Mi" in status["message"]


def test_a_full_quota_is_waited_for(site: Site) -> None:
    path = f"/api/v1/namespaces/{site.namespace}/resourcequotas"
    site.cluster.create(path, {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
    # the quota's own controller does not run here
    site.cluster.patch(f"{path}/none/status", {"status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}})
    with site.operator(resync_seconds="1"):
        site.create_job()
        status = site.wait_state("Waiting")["status"]
        assert "exceeded quota: none" in status["message"]
        site.cluster.delete(f"{path}/none")
        site.wait_released()
    assert site.job()["status"]["attempts"] == 1


def test_pod_security_restricted_is_met(site: Site) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    site.cluster.patch(f"/api/v1/namespaces/{site.namespace}", {"metadata": {"labels": labels}})
    with site.operator():
        site.create_job()
        assert site.wait_released()


def test_only_its_own_namespaces_are_served(site: Site) -> None:
    with site.operator(namespaces="default") as operator:
        site.create_job()
        assert operator.metric("jobs") == 0
        assert not site.pods_of()
