"""An API server over a dict: resourceVersions, ownership, preconditions, graceful deletion, watches, a collector."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from processing_operator.api import names, protocol
from processing_operator.controller.refusals import PodRefusedError
from processing_operator.controller.store import JobKey
from processing_operator.domain.facts import Refusal
from processing_operator.kube.errors import AlreadyExistsError, NotFoundError, StaleError

if TYPE_CHECKING:
    from collections.abc import Callable

    from processing_operator.domain.facts import PodTarget, Release

Obj = dict[str, Any]
T = TypeVar("T")
START = datetime(2030, 1, 1, tzinfo=UTC)
ENDED = ("Complete", "Failed", "Stopped")


def now(skew: float = 0.0) -> datetime:
    """The running loop's time as a date; `skew`: by how many seconds a machine's clock is ahead."""
    return START + timedelta(seconds=asyncio.get_running_loop().time() + skew)


def text(time: datetime) -> str:
    """As Kubernetes writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


class Watcher(Protocol):
    """Who is told of changes."""

    def tell(self, kind: str, obj: Obj) -> None:
        """`job` or `pod`, as it is now or, with a `deleted` before it, was last."""


@dataclass
class Api:
    """What the cluster holds. One namespace, `ns`."""

    jobs: dict[str, Obj] = field(default_factory=dict)
    pods: dict[str, Obj] = field(default_factory=dict)
    events: dict[str, Obj] = field(default_factory=dict)
    watchers: list[Watcher] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    version: int = 100
    writes: int = 0
    quota: bool = False
    gates: list[str] = field(default_factory=list)
    on_create: Callable[[Obj], None] = lambda _pod: None

    # -- what the operator does

    def put_job(self, job: Obj) -> Obj:
        """Create or replace."""
        self.jobs[job["metadata"]["name"]] = job
        return self.touch("job", job)

    def patch_status(self, key: JobKey, version: str, patch: Obj) -> Obj:
        job = self._at(self.jobs, key.name, version)
        told = job["status"].get("conditions") or []
        assert not any(one["type"] in ENDED and one["status"] == "True" for one in told), "an ended job is written to"
        before = job["status"]
        job["status"] = merge(before, patch)
        self._check_claim(job["metadata"]["uid"], before, job["status"])
        self.writes += 1
        return self.touch("job", job)

    def _check_claim(self, uid: str, before: Obj, after: Obj) -> None:
        """Attempts are counted one by one, and each has one Pod for good."""
        step = after.get("attempts", 0) - before.get("attempts", 0)
        assert step in (0, 1), f"{uid}: attempts by {step}"
        if step == 0 and before.get("attempts"):
            assert [one["podUid"] for one in after["instances"]] == [one["podUid"] for one in before["instances"]]

    def create_pod(self, manifest: Obj) -> Obj:
        name = manifest["metadata"]["name"]
        if self.quota:
            raise PodRefusedError(Refusal("Quota", "exceeded quota: compute"))
        if name in self.pods:
            raise AlreadyExistsError(f"{name} exists")
        self.made.append(name)
        pod = self.pods[name] = deepcopy(manifest)
        pod["metadata"].update(uid=f"uid-{name}-{len(self.made)}", creationTimestamp=text(now()))
        pod["spec"]["schedulingGates"] += [{"name": gate} for gate in self.gates]
        pod["status"] = {"phase": "Pending"}
        self.on_create(pod)
        self.writes += 1
        return self.touch("pod", pod)

    def change_pod(self, target: PodTarget, change: Callable[[Obj], None]) -> Obj:
        pod = self._target(target)
        change(pod)
        self.writes += 1
        return self.touch("pod", pod)

    def delete_pod(self, target: PodTarget) -> None:
        self.writes += 1
        pod = self._target(target)
        told = {one["name"]: one["state"] for one in pod["status"].get("containerStatuses") or []}
        signal = pod["metadata"]["annotations"][names.ANNOTATION_SIGNAL]
        unheard = protocol.asks_to_stop(signal) or protocol.tells_end(signal)
        if not unheard and not self._finished(owner_uid(pod)):
            assert "script" not in told or "waiting" in told["script"], (
                "a Pod is deleted although its script has started"
            )
        self.begin_deletion(pod)

    def _finished(self, uid: str) -> bool:
        jobs = (job for job in self.jobs.values() if job["metadata"]["uid"] == uid)
        return all(one["status"].get("state") in _FINAL for one in jobs)

    def _target(self, target: PodTarget) -> Obj:
        pod = self._at(self.pods, target.name, target.resource_version)
        if pod["metadata"]["uid"] != target.uid:
            raise StaleError(f"{target.name} is another")
        return pod

    # -- what others do

    def begin_deletion(self, pod: Obj) -> None:
        """Gone at once, if no node knows it; else the node has its grace."""
        if not pod["spec"].get("nodeName"):
            self.remove_pod(pod)
        elif "deletionTimestamp" not in pod["metadata"]:
            grace = timedelta(seconds=pod["spec"].get("terminationGracePeriodSeconds", 30))
            pod["metadata"]["deletionTimestamp"] = text(now() + grace)
            self.touch("pod", pod)

    def remove_pod(self, pod: Obj) -> None:
        """It is gone."""
        del self.pods[pod["metadata"]["name"]]
        self.touch("deleted pod", pod)

    def delete_job(self, name: str) -> None:
        """In the background: the job at once, its Pods by the collector."""
        self.touch("deleted job", self.jobs.pop(name))
        self.collect()

    def collect(self) -> None:
        """Pods whose owner is gone are deleted, also those that were created after it went."""
        owners = {job["metadata"]["uid"] for job in self.jobs.values()}
        for pod in [pod for pod in self.pods.values() if owner_uid(pod) not in owners]:
            self.begin_deletion(pod)

    def touch(self, kind: str, obj: Obj) -> Obj:
        """A new version, which every watcher is told of."""
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        for watcher in self.watchers:
            watcher.tell(kind, deepcopy(obj))
        return deepcopy(obj)

    def _at(self, objects: dict[str, Obj], name: str, version: str) -> Obj:
        if name not in objects:
            raise NotFoundError(f"no {name}")
        if objects[name]["metadata"]["resourceVersion"] != version:
            raise StaleError(f"{name} has changed")
        return objects[name]


class CrashError(BaseException):
    """The process is gone: nothing catches this."""


@dataclass
class Client:
    """The gateway of one operator, to break. A fake, to inject faults at every call.

    `before` and `after` are raised at the n-th call of a name, and then no more; `lasting` at each until it is healed;
    `meanwhile` is done before the n-th call.
    """

    api: Api
    calls: list[str] = field(default_factory=list)
    before: dict[tuple[str, int], BaseException] = field(default_factory=dict)
    after: dict[tuple[str, int], BaseException] = field(default_factory=dict)
    lasting: dict[str, BaseException] = field(default_factory=dict)
    meanwhile: dict[tuple[str, int], Callable[[], None]] = field(default_factory=dict)
    logs: dict[str, list[str]] = field(default_factory=dict)

    async def get_job(self, key: JobKey) -> Obj | None:
        return await self._call("get_job", lambda: deepcopy(self.api.jobs.get(key.name)))

    async def get_pod(self, _namespace: str, name: str) -> Obj | None:
        return await self._call("get_pod", lambda: deepcopy(self.api.pods.get(name)))

    async def list_jobs(self, *, unfinished: bool) -> tuple[list[Obj], int]:
        def read() -> tuple[list[Obj], int]:
            jobs = [job for job in self.api.jobs.values() if not (unfinished and job["status"].get("state") in _FINAL)]
            return deepcopy(jobs), self.api.version

        return await self._call("list_jobs", read)

    async def list_pods(self) -> tuple[list[Obj], int]:
        return await self._call("list_pods", lambda: (deepcopy(list(self.api.pods.values())), self.api.version))

    async def patch_job_status(self, key: JobKey, version: str, patch: Obj) -> Obj:
        return await self._call("patch_job_status", lambda: self.api.patch_status(key, version, patch))

    async def create_pod(self, manifest: Obj) -> Obj:
        return await self._call("create_pod", lambda: self.api.create_pod(manifest))

    async def release_pod(self, _namespace: str, release: Release) -> Obj:
        def change(pod: Obj) -> None:
            gates = pod["spec"]["schedulingGates"]
            pod["spec"]["schedulingGates"] = [gate for gate in gates if gate["name"] != protocol.GATE]
            pod["metadata"].setdefault("annotations", {})[names.ANNOTATION_BOUNDS] = release.bounds

        return await self._call("release_pod", lambda: self.api.change_pod(release.target, change))

    async def annotate_pod(self, _namespace: str, target: PodTarget, annotations: dict[str, str]) -> Obj:
        def annotate(pod: Obj) -> None:
            pod["metadata"].setdefault("annotations", {}).update(annotations)

        return await self._call("annotate_pod", lambda: self.api.change_pod(target, annotate))

    async def delete_pod(self, _namespace: str, target: PodTarget) -> None:
        def delete() -> None:
            if target.name in self.api.pods:
                self.api.delete_pod(target)

        await self._call("delete_pod", delete)

    async def create_event(self, _namespace: str, event: Obj) -> None:
        await self._call("create_event", lambda: self.api.events.setdefault(event["metadata"]["name"], event))

    async def read_log_tail(self, _namespace: str, pod: str, _container: str, _lines: int) -> list[str]:
        return await self._call("read_log_tail", lambda: self.logs.get(pod, []))

    async def _call(self, name: str, do: Callable[[], T]) -> T:
        self.calls.append(name)
        turn = (name, self.calls.count(name))
        await asyncio.sleep(0.001)
        if turn in self.meanwhile:
            self.meanwhile[turn]()
        if (fault := self.lasting.get(name) or self.before.get(turn)) is not None:
            raise fault
        answer = do()
        await asyncio.sleep(0.001)
        if turn in self.after:
            raise self.after[turn]
        return answer


_FINAL = ("Completed", "Failed", "Stopped")


def owner_uid(pod: Obj) -> str:
    """Whose it is."""
    owners = pod["metadata"].get("ownerReferences") or []
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), "")


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386, as the API server does it."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        merged[name] = merge(merged.get(name), value)
        if value is None:
            del merged[name]
    return merged
