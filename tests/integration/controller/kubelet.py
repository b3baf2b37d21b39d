"""What a scheduler and a kubelet would say about a Pod, said by the test."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dev.cluster.client import PODS, Cluster, Object


def now() -> str:
    """A time as the kubelet writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Kubelet:
    """Plays one Pod's way through its life."""

    cluster: Cluster
    namespace: str
    pod: str
    containers: dict[str, Object] = field(default_factory=dict)

    def bind(self, node: str = "node1") -> None:
        body = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": self.pod},
            "target": {"kind": "Node", "name": node},
        }
        self.cluster.create(f"{self._path}/binding", body)

    def fetch_runs(self) -> None:
        self._say("fetch", {"running": {"startedAt": now()}})

    def script_runs(self, fetched: Object | None = None) -> None:
        self._set("fetch", _ended(0, fetched or {"v": 1, "reason": "", "message": "", "items": [], "errors": []}))
        self._set("upload", {"running": {"startedAt": now()}})
        self._say("script", {"running": {"startedAt": now()}})

    def script_ended(self, code: int = 0) -> None:
        self._say("script", {"terminated": {"exitCode": code, "startedAt": now(), "finishedAt": now(), "reason": "x"}})

    def upload_ended(self, code: int = 0, script_code: int = 0) -> None:
        record = {
            "code": script_code,
            "signal": 0,
            "reason": "Exited",
            "ms": 10,
            "cpuMs": 1,
            "peak": 1,
            "oom": 0,
            "message": "",
        }
        result = {"v": 1, "reason": "", "message": "", "items": [], "errors": [], "exit": record}
        self._set("upload", _ended(code, result))
        self._patch("Succeeded" if code == script_code == 0 else "Failed")

    @property
    def _path(self) -> str:
        return f"{PODS.format(namespace=self.namespace)}/{self.pod}"

    def _say(self, name: str, state: Object) -> None:
        self._set(name, state)
        self._patch("Running")

    def _set(self, name: str, state: Object) -> None:
        self.containers[name] = {
            "name": name,
            "image": "x",
            "imageID": "x",
            "ready": False,
            "restartCount": 0,
            "started": "running" in state,
            "state": state,
        }

    def _patch(self, phase: str) -> None:
        told: dict[str, Any] = {"phase": phase, "startTime": now()}
        told["initContainerStatuses"] = [self.containers[name] for name in ("fetch",) if name in self.containers]
        told["containerStatuses"] = [self.containers[name] for name in ("upload", "script") if name in self.containers]
        self.cluster.patch(f"{self._path}/status", {"status": told})


def _ended(code: int, result: Object) -> Object:
    message = json.dumps(result)
    return {"terminated": {"exitCode": code, "startedAt": now(), "finishedAt": now(), "message": message}}
