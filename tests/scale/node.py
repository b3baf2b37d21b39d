"""A node for a thousand Pods: no kubelet runs them, so this says of each what a kubelet would, as fast as it can.

A fake, since a real kubelet on two cores starts some ten Pods a second: the operator would wait for it.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from dev.cluster.client import JOBS, PODS

if TYPE_CHECKING:
    from tests.integration.controller.control_plane import ControlPlane

Obj = dict[str, Any]
_AT_ONCE = 8
_RESULT: Obj = {"v": 1, "reason": "", "message": "", "items": [], "errors": []}
_RECORD: Obj = {**_RESULT, "exit": {"code": 0, "signal": 0, "reason": "Exited", "ms": 1, "oom": 0, "message": ""}}


def now() -> str:
    """As the kubelet writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Node:
    """Plays every Pod of a namespace that may run to its end.

    Attributes:
        ended: names of the Pods that have come to it.
    """

    plane: ControlPlane
    namespace: str
    ended: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        context = ssl.create_default_context(cafile=str(self.plane.authority))
        self.http = aiohttp.ClientSession(
            self.plane.url,
            connector=aiohttp.TCPConnector(ssl=context, limit=_AT_ONCE + 2),
            headers={"Authorization": f"Bearer {self.plane.tokens['admin']}"},
            timeout=aiohttp.ClientTimeout(total=None),
        )
        self.limit = asyncio.Semaphore(_AT_ONCE)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def create_jobs(self, count: int) -> None:
        """As many, as fast as the API server takes them."""
        spec = {"image": "example.com/image:1", "command": ["true"]}
        names = [f"job-{number:04d}" for number in range(count)]
        await asyncio.gather(
            *(self._send("POST", JOBS.format(namespace=self.namespace), _job(one, spec)) for one in names)
        )

    async def follow_pods(self) -> None:
        """Play each Pod once it may run; until cancelled."""
        async with asyncio.TaskGroup() as group, aclosing(self._watch(PODS.format(namespace=self.namespace))) as pods:
            async for pod in pods:
                name = pod["metadata"]["name"]
                if not pod["spec"].get("schedulingGates") and name not in self.seen:
                    self.seen.add(name)
                    group.create_task(self._play(name))

    async def all_jobs(self, count: int, patience: float) -> dict[str, Obj]:
        """Every job, once all have ended.

        Raises:
            TimeoutError: no job has changed for `patience` seconds.
        """
        jobs: dict[str, Obj] = {}
        watch = self._watch(JOBS.format(namespace=self.namespace))
        async with asyncio.timeout(patience) as silence, aclosing(watch) as seen:
            async for job in seen:
                silence.reschedule(asyncio.get_running_loop().time() + patience)
                if job.get("status", {}).get("completionTime"):
                    jobs[job["metadata"]["name"]] = job
                if len(jobs) == count:
                    break
        return jobs

    async def _play(self, name: str) -> None:
        path = f"{PODS.format(namespace=self.namespace)}/{name}/status"
        time = now()
        runs = {"running": {"startedAt": time}}
        fetched, ended = _ended(time, _RESULT), _ended(time, _RECORD)
        await self._send("PATCH", path, _status("Running", fetched, upload=runs, script=runs))
        await self._send("PATCH", path, _status("Succeeded", fetched, upload=ended, script=_ended(time, {})))
        self.ended.add(name)

    async def _send(self, verb: str, path: str, body: Obj) -> None:
        kind = "application/merge-patch+json" if verb == "PATCH" else "application/json"
        async with self.limit, self.http.request(verb, path, json=body, headers={"Content-Type": kind}) as answer:
            assert answer.ok, await answer.text()

    async def _watch(self, path: str) -> Any:
        """For ever: an API server ends a watch that is slow to read. A new one tells of everything again."""
        while True:
            async with self.http.get(path, params={"watch": "true"}) as answer:
                rest = b""
                async for chunk in answer.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        yield json.loads(line)["object"]


def _job(name: str, spec: Obj) -> Obj:
    return {
        "apiVersion": "processing-operator.dev/v1alpha1",
        "kind": "ProcessingJob",
        "metadata": {"name": name},
        "spec": spec,
    }


def _ended(time: str, result: Obj) -> Obj:
    message = json.dumps(result) if result else ""
    return {"terminated": {"exitCode": 0, "startedAt": time, "finishedAt": time, "message": message}}


def _status(phase: str, fetch: Obj, **main: Obj) -> Obj:
    return {
        "status": {
            "phase": phase,
            "initContainerStatuses": [_container("fetch", fetch)],
            "containerStatuses": [_container(name, state) for name, state in main.items()],
        }
    }


def _container(name: str, state: Obj) -> Obj:
    started = "running" in state
    return {
        "name": name,
        "image": "x",
        "imageID": "x",
        "ready": started,
        "restartCount": 0,
        "started": started,
        "state": state,
    }
