"""Look at one job, decide, act. All that is known is read anew; all that is decided comes from the domain."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from pydantic import ValidationError

from processing_operator.api import names
from processing_operator.api.v1alpha1 import ProcessingJob
from processing_operator.controller.errors import KubeError, NotFoundError, PodRefusedError, StaleError, TransientError
from processing_operator.controller.index import awaited_by
from processing_operator.controller.key import JobKey, version_of
from processing_operator.controller.merge import merge_patch
from processing_operator.controller.queue import Outcome
from processing_operator.controller.unreadable import describe, stall
from processing_operator.domain.decide import decide
from processing_operator.domain.observe import observe

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from processing_operator.api.status import JobStatus
    from processing_operator.controller.gone import GonePods
    from processing_operator.controller.kube import Kube, Obj
    from processing_operator.controller.metrics import Metrics
    from processing_operator.controller.recorder import Recorder
    from processing_operator.domain.facts import CreateFailure, OperatorDefaults, Progress
    from processing_operator.domain.plan import Plan, PodManifest

_log = logging.getLogger(__name__)
_STEPS: Final = 4  # create; claim and release, or the end; and some to spare
_LAST_LOOK: Final = 10.0  # after a job's end: the kubelet has said its last word by then
_LOOKS: Final = 5  # conflicts in a row before it is somebody else's turn
_SHORTEST_WAIT: Final = 0.1


class Memory(Protocol):
    """What the reconciler tells the queue and the rest of what is kept about a job."""

    def own(self, key: JobKey, version: str) -> None:
        """This version is our own write."""

    def forget(self, key: JobKey) -> None:
        """The job does not exist any more."""


@dataclass
class _Look:
    """One job and what belongs to it. Kept up to date with what is written meanwhile."""

    key: JobKey
    raw: Obj
    job: ProcessingJob
    pods: list[Obj]
    awaited: dict[str, ProcessingJob | None]
    progress: Progress | None
    failure: CreateFailure | None = None
    wrote_status: bool = False
    has_just_ended: bool = False
    actions: list[str] = field(default_factory=list)


class Reconciler:
    """Carries out plans, in the order of their fields."""

    def __init__(
        self,
        kube: Kube,
        recorder: Recorder,
        *,
        memory: Memory,
        gone: GonePods,
        metrics: Metrics,
        defaults: OperatorDefaults,
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._recorder = recorder
        self._memory = memory
        self._gone = gone
        self._metrics = metrics
        self._defaults = defaults
        self._clock = clock
        self._progress: dict[JobKey, Progress] = {}

    def tell_progress(self, key: JobKey, progress: Progress) -> None:
        """What the job's staging container said last; goes into the next look."""
        self._progress[key] = progress

    async def attempt(self, key: JobKey) -> Outcome:
        """Look at the job once; errors are sorted into what the queue does about them, and none is lost."""
        for _ in range(_LOOKS):
            try:
                return Outcome(again_after=await self._reconcile(key))
            except StaleError as error:
                _log.debug("changed meanwhile, looking again: %s", error, extra={"key": str(key)})
                self._metrics.failed(error)
            except NotFoundError as error:  # deleted while we looked: the next look will find nothing
                _log.info("gone meanwhile: %s", error, extra={"key": str(key)})
                return Outcome(again_after=_SHORTEST_WAIT)
            except KubeError as error:
                level = logging.WARNING if isinstance(error, TransientError) else logging.ERROR
                _log.log(level, "trying again later: %s", error, extra={"key": str(key)})
                self._metrics.failed(error)
                return Outcome(failed=True)
        _log.warning("changed by somebody else %d times in a row", _LOOKS, extra={"key": str(key)})
        return Outcome(failed=True)

    async def _reconcile(self, key: JobKey) -> float | None:
        raw = await self._kube.get_job(key)
        if raw is None:
            self._progress.pop(key, None)
            self._memory.forget(key)
            return None
        try:
            job = ProcessingJob.model_validate(raw)
        except ValidationError as error:
            await self._stall(key, raw, describe(error))
            return None
        look = _Look(
            key,
            raw,
            job,
            pods=await self._kube.list_pods_of(key, job.metadata.uid),
            awaited=await self._read_awaited(raw),
            progress=self._progress.pop(key, None),
        )
        plan = await self._step_until_settled(look)
        self._log_actions(look)
        # Nothing wakes an ended job: what is left of it (say, a Pod with an injected container) is seen to once more.
        return _LAST_LOOK if look.has_just_ended else self._seconds_until(plan.requeue_at)

    async def _read_awaited(self, raw: Obj) -> dict[str, ProcessingJob | None]:
        return {key.name: await self._read_job(key) for key in sorted(awaited_by(raw))}

    async def _read_job(self, key: JobKey) -> ProcessingJob | None:
        raw = await self._kube.get_job(key)
        try:
            return ProcessingJob.model_validate(raw) if raw is not None else None
        except ValidationError as error:
            # As good as absent for those who wait: it is told itself what is wrong with it.
            _log.warning("awaited job: %s", describe(error), extra={"key": str(key)})
            return None

    async def _step_until_settled(self, look: _Look) -> Plan:
        for _ in range(_STEPS):
            plan = self._decide(look)
            look.wrote_status = False
            try:
                settled = await self._carry_out(look, plan)
            finally:
                # What was written has happened, whatever failed after it.
                if look.wrote_status:
                    await self._recorder.record(look.raw, plan.events)
            if settled:
                return plan
        raise RuntimeError(f"{look.key}: not settled after {_STEPS} steps: {', '.join(look.actions)}")

    def _decide(self, look: _Look) -> Plan:
        facts = observe(
            look.job,
            look.pods,
            awaited=look.awaited,
            defaults=self._defaults,
            create_failure=look.failure,
            progress=look.progress,
            tombstones=self._gone.of(look.job.metadata.uid),
        )
        return decide(look.job, facts, self._clock())

    async def _create(self, look: _Look, manifest: PodManifest) -> None:
        try:
            pod = await self._kube.create_pod(manifest)
        except PodRefusedError as refusal:
            look.failure = refusal.failure
            look.actions.append(f"refused {refusal.failure.kind}")
            return
        look.pods.append(pod)
        look.actions.append(f"create {pod['metadata']['name']}")
        self._memory.own(look.key, version_of(pod))

    async def _carry_out(self, look: _Look, plan: Plan) -> bool:
        """Whether there is nothing to decide again: no Pod was made or refused."""
        if plan.claim is not None:
            await self._write_status(look, plan.claim, "claim")
        if plan.create is not None:
            await self._create(look, plan.create)
            return False
        await self._touch_pods(look, plan)
        if plan.status is not None:
            await self._write_status(look, plan.status, "status")
        return True

    async def _touch_pods(self, look: _Look, plan: Plan) -> None:
        namespace = look.key.namespace
        for release in plan.releases:
            pod = await self._kube.release_pod(namespace, release.pod)
            self._memory.own(look.key, version_of(pod))
            look.actions.append(f"release {release.pod.name}")
        for signal in plan.signals:
            pod = await self._kube.annotate_pod(namespace, signal.pod, {names.ANNOTATION_SIGNAL: signal.value})
            self._memory.own(look.key, version_of(pod))
            look.actions.append(f"signal {signal.value} {signal.pod.name}")
        for deletion in plan.deletions:
            await self._kube.delete_pod(namespace, deletion.pod)
            look.actions.append(f"delete {deletion.pod.name}")

    async def _write_status(self, look: _Look, status: JobStatus, action: str) -> None:
        patch = merge_patch(look.raw.get("status", {}), status.dump())
        if not patch:
            return
        was_open = not _has_ended(look.job)
        look.raw = await self._kube.patch_job_status(look.key, look.job.metadata.resource_version, patch)
        look.job = ProcessingJob.model_validate(look.raw)
        look.wrote_status = True
        self._memory.own(look.key, version_of(look.raw))
        look.actions.append(f"{action} {status.state or ''}".strip())
        if was_open and _has_ended(look.job):
            look.has_just_ended = True
            self._metrics.ended(status)
            self._gone.forget(look.job.metadata.uid)

    async def _stall(self, key: JobKey, raw: Obj, message: str) -> None:
        patch, event = stall(raw, message, self._clock())
        if not patch:
            return
        _log.error("%s", message, extra={"key": str(key)})
        written = await self._kube.patch_job_status(key, raw["metadata"]["resourceVersion"], patch)
        self._memory.own(key, version_of(written))
        await self._recorder.record(written, [event])

    def _seconds_until(self, time: datetime | None) -> float | None:
        return None if time is None else max((time - self._clock()).total_seconds(), _SHORTEST_WAIT)

    @staticmethod
    def _log_actions(look: _Look) -> None:
        extra = {"key": str(look.key), "attempt": look.job.status.attempts, "action": ", ".join(look.actions)}
        _log.log(logging.INFO if look.actions else logging.DEBUG, "reconciled", extra=extra)


def _has_ended(job: ProcessingJob) -> bool:
    return job.status.state is not None and job.status.state.terminal
