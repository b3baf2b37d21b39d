"""The cluster made ready for a run, and set back after it: fake nodes alone, no operator but ours."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dev import tools
from dev.bench.scale.kinds import NODES, PREFIX, namespace, node
from dev.cluster import build
from dev.cluster.client import Cluster, Object, kubeconfig
from dev.cluster.errors import ClusterError
from dev.cluster.places import NODE
from dev.cluster.steps import step
from dev.cluster.waiting import until
from dev.install import NAMESPACE, ROOT, run

STAGES = Path(__file__).with_name("stages.yaml")
_RELEASE = "processing-operator"
_NODES = "/api/v1/nodes"
_NAMESPACES = "/api/v1/namespaces"
_GONE_SECONDS = 600.0
_AT_ONCE_SECONDS = 1.0  # in which a program that cannot work has ended


@contextmanager
def cordoned(cluster: Cluster) -> Iterator[None]:
    """No Pod comes to the real node meanwhile."""
    cluster.patch(f"{_NODES}/{NODE}", {"spec": {"unschedulable": True}})
    try:
        yield
    finally:
        cluster.patch(f"{_NODES}/{NODE}", {"spec": {"unschedulable": None}})


@contextmanager
def installed() -> Iterator[None]:
    """This checkout's chart with no Pod of the operator; afterwards the release that was there before, or none."""
    where = ("--namespace", NAMESPACE)
    before = _revision()
    with step("chart installed without a Pod: CRD, policy, rights"):
        chart = (_RELEASE, "charts/processing-operator", "--set", "replicas=0")
        run(tools.helm(), "upgrade", "--install", *chart, *where, "--create-namespace", "--wait", "--timeout", "120s")
    try:
        yield
    finally:
        if before:
            run(tools.helm(), "rollback", _RELEASE, before, *where, "--wait", "--timeout", "120s")
        else:
            run(tools.helm(), "uninstall", _RELEASE, *where, "--wait", "--timeout", "120s")


def _revision() -> str:
    """The revision of the release that is there; empty if there is none."""
    command = [tools.helm(), "list", "--namespace", NAMESPACE, "--filter", f"^{_RELEASE}$", "--output", "json"]
    environment = {**os.environ, "KUBECONFIG": kubeconfig()}
    found = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return next((str(release["revision"]) for release in json.loads(found)), "")


@contextmanager
def namespaces(cluster: Cluster, count: int) -> Iterator[None]:
    """Empty ones, with the account that Pods run as; what an earlier call has left is removed before."""
    names = [namespace(index) for index in range(count)]
    _remove(cluster, _NAMESPACES, names)
    try:
        for name in names:
            cluster.create(_NAMESPACES, {"metadata": {"name": name}})
        for name in names:
            account = f"{_NAMESPACES}/{name}/serviceaccounts/default"
            until(f"{account} exists", lambda path=account: cluster.find(path) is not None)  # type: ignore[misc]
        yield
    finally:
        _remove(cluster, _NAMESPACES, names)


@contextmanager
def fake_nodes(cluster: Cluster) -> Iterator[None]:
    """Nodes that kwok keeps Ready."""
    names = [f"{PREFIX}-{index}" for index in range(NODES)]
    _remove(cluster, _NODES, names)
    try:
        for name in names:
            cluster.create(_NODES, node(name))
        for name in names:
            cluster.wait(_NODES, name, _is_ready, 60, "Ready fake node")
        yield
    finally:
        _remove(cluster, _NODES, names)


def _is_ready(found: Object) -> bool:
    conditions = found["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _remove(cluster: Cluster, path: str, names: list[str]) -> None:
    there = [name for name in names if cluster.find(f"{path}/{name}")]
    for name in there:
        cluster.delete(f"{path}/{name}")
    for name in there:
        cluster.wait_gone(path, name, _GONE_SECONDS)


@contextmanager
def kwok(folder: Path) -> Iterator[int]:
    """The program that plays the fake nodes; its process's number."""
    build.ensure([build.KWOK])
    words = [
        str(build.bin_folder() / "kwok"),
        f"--kubeconfig={kubeconfig()}",
        f"--config={STAGES}",
        "--manage-all-nodes=false",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        "--node-lease-duration-seconds=40",  # without a lease a node counts as lost after 50 s
        "--v=WARN",
    ]
    log = folder / "kwok.log"
    with log.open("wb") as out:
        # in UTC: the times in its statuses have no other zone
        environment = {"TZ": "UTC", "HOME": str(folder)}
        process = subprocess.Popen(words, stdout=out, stderr=out, env=environment, cwd=folder)
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_AT_ONCE_SECONDS)
            raise ClusterError(f"kwok has ended:\n{log.read_text()[-2000:]}")
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)
