"""A cluster in miniature: an API server, a kubelet that reports late, operators that die between two writes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from processing_operator.api.names import ANNOTATION_SIGNAL
from processing_operator.api.status import JobStatus
from processing_operator.api.v1alpha1 import ProcessingJob
from processing_operator.domain.conditions import is_finished
from processing_operator.domain.decide import decide
from processing_operator.domain.facts import OperatorDefaults
from processing_operator.domain.observe import observe
from processing_operator.domain.plan import Plan, PodTarget
from tests.unit.domain.builders import Obj, at, ended, job, record, result, runs, text, waiting

Choose = Callable[[list[Any]], Any]


class ConflictError(Exception):
    """The object has changed, or is not there."""


@dataclass
class Truth:
    """What really goes on in a Pod's containers; the API server learns of it by reports."""

    fetch: Obj | None = None
    script: Obj | None = None
    upload: Obj | None = None
    reported: bool = True

    def containers(self) -> tuple[Obj | None, ...]:
        return self.fetch, self.script, self.upload


def _job_without_status() -> Obj:
    raw = job(pendingTimeoutSeconds=60).model_dump(mode="json", by_alias=True, exclude_none=True)
    return {**raw, "status": {}}


@dataclass
class World:
    """The API server and the node."""

    job: Obj = field(default_factory=_job_without_status)
    pods: dict[str, Obj] = field(default_factory=dict)
    truths: dict[str, Truth] = field(default_factory=dict)
    watchers: list[list[Obj]] = field(default_factory=list)
    seconds: float = 0
    version: int = 1
    script_starts: list[str] = field(default_factory=list)
    claims: dict[int, str] = field(default_factory=dict)
    writes: int = 0

    # -- the API server

    def read_job(self) -> ProcessingJob:
        return ProcessingJob.model_validate(copy.deepcopy(self.job))

    def list_pods(self) -> list[Obj]:
        return copy.deepcopy(list(self.pods.values()))

    def write_status(self, seen: ProcessingJob, status: JobStatus) -> ProcessingJob:
        if seen.metadata.resource_version != self.job["metadata"]["resourceVersion"]:
            raise ConflictError
        before = self.read_job()
        assert not is_finished(before), "a job that has ended is written to"
        self._check_claim(before.status, status)
        self.job["status"] = status.dump()
        self._touch(self.job)
        after = self.read_job()
        assert after.status == status, "the status changes on its way through the API server"
        return after

    def _check_claim(self, before: JobStatus, after: JobStatus) -> None:
        """Attempts are counted one by one, and each has one Pod for good."""
        assert after.attempts - before.attempts in (0, 1)
        if after.attempts == 0:
            return
        uid = after.instances[0].pod_uid
        assert uid is not None
        assert self.claims.setdefault(after.attempts, uid) == uid

    def create(self, manifest: Obj) -> Obj:
        name = manifest["metadata"]["name"]
        if name not in self.pods:
            pod = copy.deepcopy(manifest)
            uid = f"uid-{self.version}"
            pod["metadata"].update(uid=uid, creationTimestamp=text(int(self.seconds)))
            pod["status"] = {"phase": "Pending"}
            self.pods[name] = pod
            self.truths[uid] = Truth()
            self._touch(pod)
        return copy.deepcopy(self.pods[name])

    def change(self, target: PodTarget, change: Callable[[Obj], None]) -> None:
        pod = self._find(target)
        change(pod)
        self._touch(pod)

    def delete(self, target: PodTarget) -> None:
        pod = self._find(target)
        if not pod["spec"].get("nodeName"):
            self.remove(pod)
        elif "deletionTimestamp" not in pod["metadata"]:
            pod["metadata"]["deletionTimestamp"] = text(int(self.seconds))
            self._touch(pod)

    def remove(self, pod: Obj, *, told: bool = True) -> None:
        """The Pod is gone; the watch tells of its last state, or its event is lost."""
        del self.pods[pod["metadata"]["name"]]
        for watcher in self.watchers if told else []:
            watcher.append(copy.deepcopy(pod))

    def _find(self, target: PodTarget) -> Obj:
        pod = self.pods.get(target.name)
        if pod is None or (pod["metadata"]["uid"], pod["metadata"]["resourceVersion"]) != (
            target.uid,
            target.resource_version,
        ):
            raise ConflictError
        return pod

    def _touch(self, thing: Obj) -> None:
        self.version += 1
        self.writes += 1
        thing["metadata"]["resourceVersion"] = str(self.version)

    # -- the node

    def is_busy(self) -> bool:
        """A container is at work that takes its time, and the API server knows."""
        return any(
            truth.reported and any(entry is not None and "running" in entry["state"] for entry in truth.containers())
            for truth in self.truths.values()
        )

    def step_node(self, choose: Choose) -> None:
        """Something happens in one of the Pods."""
        if not self.pods:
            return
        pod = self.pods[choose(sorted(self.pods))]
        truth = self.truths[pod["metadata"]["uid"]]
        if pod["spec"].get("schedulingGates"):
            return
        if not pod["spec"].get("nodeName"):
            pod["spec"]["nodeName"] = "n1"
            self._touch(pod)
        elif pod["status"]["phase"] in ("Succeeded", "Failed"):
            if "deletionTimestamp" in pod["metadata"]:
                self.remove(pod, told=choose([True, False]))
        elif "deletionTimestamp" in pod["metadata"]:
            self._terminate(truth, choose)
            self._report(pod, truth, "Failed")
        elif not truth.reported:
            self._report(pod, truth, "Running")
        else:
            self._go_on(pod, truth, choose)

    def _go_on(self, pod: Obj, truth: Truth, choose: Choose) -> None:
        now = int(self.seconds)
        phase = "Running"
        if truth.fetch is None or "waiting" in truth.fetch["state"]:
            truth.fetch = runs(now, last=None, restarts=0 if truth.fetch is None else truth.fetch["restartCount"])
            phase = "Pending"
        elif "running" in truth.fetch["state"]:
            truth.fetch = self._end_fetch(truth.fetch["restartCount"], choose)
            phase = "Failed" if truth.fetch["state"].get("terminated", {}).get("exitCode") == 64 else "Pending"
        elif truth.script is None:
            self.script_starts.append(pod["metadata"]["uid"])
            truth.script, truth.upload, truth.reported = runs(now), runs(now), False
            return
        elif "running" in truth.script["state"]:
            self._end_script(truth, pod["metadata"]["annotations"][ANNOTATION_SIGNAL], choose)
        else:
            phase = self._end_upload(truth, choose)
        self._report(pod, truth, phase)

    def _end_fetch(self, restarts: int, choose: Choose) -> Obj:
        now = int(self.seconds)
        code = choose([0, 0, 64, 137, 75])
        message = {64: result("InputNotFound", "nothing"), 75: result("SecretNotFound", "no secret")}.get(
            code, result()
        )
        end = ended(code, now, now, message=message, restarts=restarts)
        return end if code in (0, 64) else waiting("CrashLoopBackOff", last=end, restarts=restarts + 1)

    def _end_script(self, truth: Truth, signal: str, choose: Choose) -> None:
        code = 143 if signal == "stop" else choose([0, 0, 3])
        truth.script = ended(code, int(self.seconds), int(self.seconds))
        truth.upload = {**runs(int(self.seconds)), "reason": "StopRequested" if signal == "stop" else "Exited"}

    def _end_upload(self, truth: Truth, choose: Choose) -> str:
        assert truth.upload is not None
        assert truth.script is not None
        reason, restarts = truth.upload.get("reason", "Exited"), truth.upload["restartCount"]
        code, now = choose([0, 0, 64, 1]), int(self.seconds)
        end = ended(code, now, now, message=record(reason) if code == 0 else result("UploadDenied"), restarts=restarts)
        if code == 1:
            truth.upload = {**waiting("CrashLoopBackOff", last=end, restarts=restarts + 1), "reason": reason}
            return "Running"
        truth.upload = end
        return "Succeeded" if code == 0 and truth.script["state"]["terminated"]["exitCode"] == 0 else "Failed"

    def _terminate(self, truth: Truth, choose: Choose) -> None:
        now = int(self.seconds)
        started = truth.script is not None
        if truth.fetch is not None and "terminated" not in truth.fetch["state"]:
            truth.fetch = ended(143, now, now)
        if truth.script is not None and "terminated" not in truth.script["state"]:
            truth.script = ended(143, now, now)
            truth.upload = {**runs(now), "reason": "Terminated"}
        if truth.upload is not None and "terminated" not in truth.upload["state"]:
            code = choose([0, 137]) if started else 64
            truth.upload = ended(code, now, now, message=record(truth.upload.get("reason", "Exited")))

    def _report(self, pod: Obj, truth: Truth, phase: str) -> None:
        truth.reported = True
        main = [("upload", truth.upload), ("script", truth.script)]
        pod["status"] = {
            "phase": phase,
            "initContainerStatuses": [] if truth.fetch is None else [{"name": "fetch", **truth.fetch}],
            "containerStatuses": [{"name": name, **entry} for name, entry in main if entry is not None],
        }
        self._touch(pod)


class Operator:
    """Does what the reconciler does, and may die at every `yield`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._gone: list[Obj] = []
        self._running: Iterator[None] | None = None
        world.watchers.append(self._gone)

    def step(self) -> bool:
        """Go one read or write further; False at the end of a look."""
        self._running = self._running or self._look()
        try:
            next(self._running)
        except (StopIteration, ConflictError):
            self._running = None
            return False
        return True

    def crash(self) -> None:
        self._running = None
        self._gone.clear()

    def _look(self) -> Iterator[None]:
        seen = self._world.read_job()
        yield
        pods = self._world.list_pods()
        yield
        for _ in range(4):
            plan = self._decide(seen, pods)
            if plan.claim is not None:
                seen = self._world.write_status(seen, plan.claim)
                yield
            if plan.create is None:
                yield from self._carry_out(seen, plan)
                return
            pods.append(self._world.create(plan.create))
            yield
        raise AssertionError("still creating Pods")

    def _decide(self, seen: ProcessingJob, pods: list[Obj]) -> Plan:
        defaults = OperatorDefaults()
        facts = observe(seen, pods, awaited={}, defaults=defaults, tombstones=tuple(self._gone))
        return decide(seen, facts, at(self._world.seconds))

    def _carry_out(self, seen: ProcessingJob, plan: Plan) -> Iterator[None]:
        for release in plan.releases:
            self._world.change(release.pod, lambda pod: pod["spec"].pop("schedulingGates"))
            yield
        for signal in plan.signals:
            value = {ANNOTATION_SIGNAL: signal.value}
            self._world.change(signal.pod, lambda pod, value=value: pod["metadata"]["annotations"].update(value))  # type: ignore[misc]
            yield
        for deletion in plan.deletions:
            self._world.delete(deletion.pod)
            yield
        if plan.status is not None:
            self._world.write_status(seen, plan.status)
