"""The operator of this checkout as a process of this machine, with the settings and the rights of the chart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from dev.cluster.client import Cluster, Object
from dev.cluster.errors import ClusterError
from dev.install import NAMESPACE
from dev.s3 import free_ports

RELEASE = "processing-operator"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{RELEASE}"
_HOURS = 12
_READY_WITHIN = 120.0  # s
_TAIL = 2000  # characters


@dataclass(frozen=True)
class Running:
    """A process, and how long it took until it was Ready."""

    pid: int
    port: int
    ready: float


@dataclass(frozen=True)
class Operator:
    """How to start it: what the chart's Deployment says, in a folder for its log and its kubeconfig."""

    environment: dict[str, str]
    folder: Path

    @classmethod
    def installed(cls, cluster: Cluster, folder: Path) -> Operator:
        """As the chart has installed it, with its ServiceAccount's token."""
        template = cluster.get(DEPLOYMENT)["spec"]["template"]["spec"]
        account = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{template['serviceAccountName']}/token"
        token = cluster.create(account, {"spec": {"expirationSeconds": _HOURS * 3600}})["status"]["token"]
        (folder / "kubeconfig").write_text(json.dumps(kubeconfig(cluster.url, str(cluster.session.verify), token)))
        return cls(settings(template["containers"][0]["env"]), folder)

    @contextmanager
    def run(self) -> Iterator[Running]:
        """Start it and wait until it is Ready; end it with the block.

        Raises:
            ClusterError: it has ended, or is not Ready in time; with the end of its log.
        """
        (port,) = free_ports(1)
        environment = {
            **self.environment,
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "KUBECONFIG": str(self.folder / "kubeconfig"),
            "PROCESSING_HEALTH_PORT": str(port),
        }
        command = [sys.executable, "-m", "processing_operator"]
        with (self.folder / "operator.log").open("ab") as log:
            began = time.monotonic()
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=self.folder)
        try:
            self._await_ready(process, port)
            yield Running(process.pid, port, time.monotonic() - began)
        finally:
            process.terminate()
            process.wait(30)

    def _await_ready(self, process: subprocess.Popen[bytes], port: int) -> None:
        end = time.monotonic() + _READY_WITHIN
        while not _is_ready(port):
            if process.poll() is not None or time.monotonic() > end:
                log = (self.folder / "operator.log").read_text()[-_TAIL:]
                raise ClusterError(f"the operator is not ready after {_READY_WITHIN:.0f} s, or has ended:\n{log}")
            time.sleep(0.05)


def _is_ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=10).ok
    except requests.ConnectionError:
        return False


def settings(variables: list[Object]) -> dict[str, str]:
    """The environment of a container as a process has it; what is a Pod's own gets another value."""
    own = {"metadata.name": RELEASE, "metadata.namespace": NAMESPACE}
    return {
        one["name"]: own[one["valueFrom"]["fieldRef"]["fieldPath"]] if "valueFrom" in one else one.get("value", "")
        for one in variables
    }


def kubeconfig(server: str, authority: str, token: str) -> dict[str, Any]:
    """Another user's."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "bench",
        "clusters": [{"name": "bench", "cluster": {"server": server, "certificate-authority": authority}}],
        "users": [{"name": "operator", "user": {"token": token}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "operator"}}],
    }
