"""An API server as far as `pj run` talks to one: jobs that live through given statuses, logs, refusals."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Object = dict[str, Any]
JOBS = "/apis/processing-operator.dev/v1alpha1/namespaces/{namespace}/processingjobs"
POD = "/api/v1/namespaces/{namespace}/pods/{pod}"


@dataclass
class FakeApi:
    """What it is to answer, and what it was asked.

    Attributes:
        lives: by job: the statuses that it goes through; None is its deletion.
        gets: by job: the statuses of the next answers to a GET of it.
        logs: by container: its lines; a list of lists where the connection breaks in between.
        refusals: by verb and path: (code, message).
    """

    lives: dict[str, list[Object | None]] = field(default_factory=dict)
    gets: dict[str, list[Object]] = field(default_factory=dict)
    logs: dict[str, list[list[str]]] = field(default_factory=dict)
    refusals: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    jobs: dict[str, Object] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    applied: list[Object] = field(default_factory=list)
    pause: float = 0.05
    version: int = 1

    def application(self) -> web.Application:
        application = web.Application(middlewares=[self.note])
        application.router.add_get(JOBS, self.list_or_watch)
        application.router.add_post(JOBS, self.create)
        application.router.add_get(f"{JOBS}/{{name}}", self.get)
        application.router.add_delete(f"{JOBS}/{{name}}", self.delete)
        application.router.add_get(f"{POD}/log", self.log)
        application.router.add_get(POD, self.pod)
        application.router.add_get("/api/v1", self.resources)
        application.router.add_patch("/api/v1/{path:.*}", self.apply)
        return application

    @web.middleware
    async def note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path_qs}")
        if refusal := self.refusals.get((request.method, request.path)):
            return refuse(*refusal)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def create(self, request: web.Request) -> web.Response:
        job = await request.json()
        metadata = job["metadata"]
        name = metadata.setdefault("name", metadata.get("generateName", "") + "abcde")
        if name in self.jobs:
            return refuse(409, f'processingjobs.processing-operator.dev "{name}" already exists')
        self.version += 1
        metadata.update(namespace=request.match_info["namespace"], uid=f"uid-{self.version}")
        self.jobs[name] = job
        return web.json_response(job, status=201)

    async def get(self, request: web.Request) -> web.Response:
        found = self.jobs.get(name := request.match_info["name"])
        if found and self.gets.get(name):
            found["status"] = self.gets[name].pop(0)
        return web.json_response(found) if found else refuse(404, "not found")

    async def delete(self, request: web.Request) -> web.Response:
        self.jobs.pop(request.match_info["name"])
        return web.json_response({"kind": "Status"})

    async def list_or_watch(self, request: web.Request) -> web.StreamResponse:
        name = request.query["fieldSelector"].removeprefix("metadata.name=")
        if "watch" not in request.query:
            items = [self.jobs[name]] if name in self.jobs else []
            return web.json_response({"items": items, "metadata": {"resourceVersion": "7"}})
        answer = web.StreamResponse()
        await answer.prepare(request)
        for status in self.lives.get(name, []):
            await asyncio.sleep(self.pause)
            event = {"type": "MODIFIED" if status else "DELETED", "object": {**self.jobs[name], "status": status}}
            if status:
                self.jobs[name]["status"] = status
            await answer.write(json.dumps(event).encode() + b"\n")
        await asyncio.sleep(5)
        return answer

    async def log(self, request: web.Request) -> web.StreamResponse:
        parts = self.logs.get(request.query["container"], [])
        if not parts:
            return refuse(400, "container is waiting to start")
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write("".join(f"{line}\n" for line in parts.pop(0)).encode())
        if parts:  # the connection breaks
            assert request.transport is not None
            request.transport.close()
        return answer

    async def pod(self, request: web.Request) -> web.Response:
        ended = [name for name, parts in self.logs.items() if not parts]
        statuses = [{"name": name, "state": {"terminated": {"exitCode": 0}}} for name in ended]
        return web.json_response(
            {"metadata": {"name": request.match_info["pod"]}, "status": {"containerStatuses": statuses}}
        )

    async def resources(self, _: web.Request) -> web.Response:
        served = [
            {"name": "configmaps", "kind": "ConfigMap", "namespaced": True},
            {"name": "namespaces", "kind": "Namespace", "namespaced": False},
            {"name": "namespaces/status", "kind": "Namespace", "namespaced": False},
        ]
        return web.json_response({"resources": served})

    async def apply(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/apply-patch+yaml"
        self.applied.append({"path": request.path, **await request.json()})
        return web.json_response({})


def refuse(code: int, message: str) -> web.Response:
    return web.json_response({"kind": "Status", "code": code, "message": message}, status=code)


@contextmanager
def serving(api: FakeApi, kubeconfig: Path) -> Iterator[None]:
    """Serve in a thread; the kubeconfig points there, its namespace is `work`."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(api.application(), shutdown_timeout=0.01)

    async def start() -> int:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port: int = runner.addresses[0][1]
        return port

    port = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    kubeconfig.write_text(yaml.safe_dump(_kubeconfig(f"http://127.0.0.1:{port}")))
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(_end(runner), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(runner: web.AppRunner) -> None:
    await runner.cleanup()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _kubeconfig(server: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "fake", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {"token": "t"}}],
        "contexts": [
            {"name": "here", "context": {"cluster": "fake", "user": "me", "namespace": "work"}},
            {"name": "there", "context": {"cluster": "fake", "user": "me"}},
        ],
    }
