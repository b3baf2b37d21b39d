"""Releases of the chart: a second one beside that which all cases use, and what is left when that one goes."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from dev import tools
from dev.cluster.client import ROOT, kubeconfig
from dev.install import NAMESPACE, install_operator

if TYPE_CHECKING:
    from tests.e2e.space import Space

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


CRD = f"{CRDS}/processingjobs.processing-operator.dev"
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/processing-operator"


def helm(namespace: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "KUBECONFIG": kubeconfig()}
    command = [tools.helm(), *arguments, "--namespace", namespace]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120)


def test_a_second_release_is_told_what_to_set(space: Space) -> None:
    """It acts on nothing: it has no replica."""
    install = ["install", "second", "charts/processing-operator", "--set", "replicas=0"]
    refused = helm(space.namespace, *install)
    assert refused.returncode != 0
    whose = 'belongs to release "processing-operator" of namespace "processing-operator". Set crds.enabled=false'
    assert whose in refused.stderr.replace('\\"', '"')
    options = ["--set", "crds.enabled=false", "--set", f"watch.namespaces={{{space.namespace}}}"]
    done = helm(space.namespace, *install, *options)
    try:
        assert done.returncode == 0, done.stderr
    finally:
        gone = helm(space.namespace, "uninstall", "second")
    assert gone.returncode == 0, gone.stderr
    assert space.cluster.find(
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/processingjobs.processing-operator.dev"
    )


@pytest.mark.disruptive
def test_what_an_uninstall_leaves(space: Space) -> None:
    """docs/operate.md, "Uninstall"; installed again, it goes on with all of it."""
    space.apply("before", "true")
    space.ended("before", "Completed")
    gone = helm(NAMESPACE, "uninstall", "processing-operator", "--wait")
    try:
        assert gone.returncode == 0, gone.stderr
        assert space.job("before")["status"]["state"] == "Completed"
        assert space.cluster.find(CRD)
        for kind in ("ies", "ybindings"):
            assert space.cluster.find(f"{POLICIES}{kind}/processingjobs.processing-operator.dev")
        space.apply("meanwhile", "true")
        assert space.cluster.find(LEASE), "given back or not: its rights may have gone first"
    finally:
        install_operator()
    space.ended("meanwhile", "Completed")
