"""A gateway over a dict, to break: resourceVersions, ownership and preconditions as the API server has them."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from processing_operator.controller.errors import NotFoundError, PodRefusedError, StaleError, TransientError
from processing_operator.controller.refusals import controller_of, owned_by_another
from tests.unit.controller.objects import Obj

if TYPE_CHECKING:
    from collections.abc import Callable

    from processing_operator.controller.key import JobKey
    from processing_operator.domain.plan import PodTarget


class CrashError(BaseException):
    """The process is gone: nothing catches this."""


T = TypeVar("T")
Fault = BaseException
WRITES = ("create_pod", "patch_job_status", "release_pod", "annotate_pod", "delete_pod", "create_event")


@dataclass
class FakeKube:
    """What the cluster holds; `before` and `after` are raised at the n-th call of a name, and then no more."""

    jobs: dict[str, Obj] = field(default_factory=dict)
    pods: dict[str, Obj] = field(default_factory=dict)
    events: dict[str, Obj] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    before: dict[tuple[str, int], Fault] = field(default_factory=dict)
    after: dict[tuple[str, int], Fault] = field(default_factory=dict)
    meanwhile: dict[tuple[str, int], Callable[[], None]] = field(default_factory=dict)
    made_pods: list[str] = field(default_factory=list)
    version: int = 100

    def put_job(self, job: Obj) -> None:
        self.jobs[job["metadata"]["name"]] = job

    def touch(self, obj: Obj) -> None:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)

    async def get_job(self, key: JobKey) -> Obj | None:
        return await self._call("get_job", lambda: deepcopy(self.jobs.get(key.name)))

    async def list_pods_of(self, _key: JobKey, uid: str) -> list[Obj]:
        return await self._call("list_pods_of", lambda: [deepcopy(p) for p in self.pods.values() if _owner(p) == uid])

    async def patch_job_status(self, key: JobKey, version: str, patch: Obj) -> Obj:
        def write() -> Obj:
            job = self._at(self.jobs, key.name, version)
            job["status"] = _merge(job.get("status", {}), patch)
            return self._changed(job)

        return await self._call("patch_job_status", write)

    async def create_pod(self, manifest: Obj) -> Obj:
        def write() -> Obj:
            name = manifest["metadata"]["name"]
            if name in self.pods:
                if _owner(self.pods[name]) != _owner(manifest):
                    raise PodRefusedError(owned_by_another(self.pods[name]))
                return deepcopy(self.pods[name])
            self.made_pods.append(name)
            pod = self.pods[name] = deepcopy(manifest)
            pod["metadata"]["uid"] = f"uid-{name}-{len(self.made_pods)}"
            pod["metadata"]["creationTimestamp"] = "2030-01-01T00:00:00Z"
            pod["status"] = {"phase": "Pending"}
            return self._changed(pod)

        return await self._call("create_pod", write)

    async def release_pod(self, _namespace: str, target: PodTarget) -> Obj:
        def write() -> Obj:
            pod = self._at(self.pods, target.name, target.resource_version)
            assert pod["metadata"]["uid"] == target.uid
            pod["spec"].pop("schedulingGates", None)
            return self._changed(pod)

        return await self._call("release_pod", write)

    async def annotate_pod(self, _namespace: str, target: PodTarget, annotations: dict[str, str]) -> Obj:
        def write() -> Obj:
            pod = self._at(self.pods, target.name, target.resource_version)
            pod["metadata"].setdefault("annotations", {}).update(annotations)
            return self._changed(pod)

        return await self._call("annotate_pod", write)

    async def delete_pod(self, _namespace: str, target: PodTarget) -> None:
        def write() -> None:
            if target.name in self.pods:
                self._at(self.pods, target.name, target.resource_version)
                del self.pods[target.name]

        await self._call("delete_pod", write)

    async def create_event(self, _namespace: str, event: Obj) -> None:
        def write() -> None:
            self.events.setdefault(event["metadata"]["name"], event)

        await self._call("create_event", write)

    async def _call(self, name: str, do: Callable[[], T]) -> T:
        self.calls.append(name)
        turn = (name, self.calls.count(name))
        if turn in self.meanwhile:
            self.meanwhile[turn]()
        if turn in self.before:
            raise self.before[turn]
        answer = do()
        if turn in self.after:
            raise self.after[turn]
        return answer

    def _at(self, objects: dict[str, Obj], name: str, version: str) -> Obj:
        if name not in objects:
            raise NotFoundError(f"no {name}")
        if objects[name]["metadata"]["resourceVersion"] != version:
            raise StaleError(f"{name} has changed")
        return objects[name]

    def _changed(self, obj: Obj) -> Obj:
        self.touch(obj)
        return deepcopy(obj)


def lost() -> TransientError:
    """No answer."""
    return TransientError("connection reset")


def _owner(pod: Obj) -> str:
    owner = controller_of(pod)
    return str(owner["uid"]) if owner else ""


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        merged[name] = _merge(merged.get(name), value)
        if value is None:
            del merged[name]
    return merged
