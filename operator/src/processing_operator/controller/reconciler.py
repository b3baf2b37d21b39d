"""Look at one job, decide, act. Decisions come from the domain; what is written about is read anew before."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from processing_operator.api import names, protocol
from processing_operator.controller.logs import log_end
from processing_operator.controller.merge import merge_patch
from processing_operator.controller.queue import Outcome
from processing_operator.controller.refusals import PodRefusedError, owned_by_another
from processing_operator.controller.unreadable import describe, stall
from processing_operator.domain.decide import decide
from processing_operator.domain.observe import is_attempt_open, observe
from processing_operator.domain.reading import owner_of
from processing_operator.kube.errors import (
    AlreadyExistsError,
    KubeError,
    NotFoundError,
    StaleError,
    TransientError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from processing_operator.api.status import JobStatus
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.controller.dispatch import Dispatcher
    from processing_operator.controller.kube import Kube
    from processing_operator.controller.metrics import Metrics
    from processing_operator.controller.recorder import Recorder
    from processing_operator.controller.store import JobKey, Record, SeenJob, Store
    from processing_operator.domain.actions import Actions, PodManifest
    from processing_operator.domain.defaults import OperatorDefaults
    from processing_operator.domain.facts import PodTarget, Refusal

_log = logging.getLogger(__name__)
_STEPS: Final = 4  # create; claim and release, or the end; and some to spare
_LOOKS: Final = 5  # conflicts in a row before it is somebody else's turn
_SHORTEST_WAIT: Final = 0.1


@dataclass
class _Look:
    """One look at a job: its record, and what was done."""

    record: Record
    refusal: Refusal | None = None
    done: list[str] = field(default_factory=list)

    @property
    def job(self) -> SeenJob:
        """The job as it was last seen.

        Raises:
            NotFoundError: it went meanwhile.
        """
        if self.record.job is None:
            raise NotFoundError(f"{self.record.key} is gone")
        return self.record.job


class Reconciler:
    """Carries out actions, in the order of their fields."""

    def __init__(
        self,
        kube: Kube,
        recorder: Recorder,
        *,
        store: Store,
        dispatcher: Dispatcher,
        metrics: Metrics,
        defaults: OperatorDefaults,
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._recorder = recorder
        self._store = store
        self._dispatcher = dispatcher
        self._metrics = metrics
        self._defaults = defaults
        self._clock = clock

    async def attempt(self, key: JobKey) -> Outcome:
        """Look at the job once; errors are sorted into what the queue does about them, and none is lost."""
        for _ in range(_LOOKS):
            try:
                return Outcome(again_after=await self._reconcile(key))
            except StaleError as error:
                _log.debug("changed meanwhile, looking again: %s", error, extra={"key": str(key)})
                self._metrics.failed(error)
                self._doubt(key)
            except NotFoundError as error:  # deleted while we looked: the next look will find nothing
                _log.info("gone meanwhile: %s", error, extra={"key": str(key)})
                self._doubt(key)
                return Outcome(again_after=_SHORTEST_WAIT)
            except KubeError as error:
                level = logging.WARNING if isinstance(error, TransientError) else logging.ERROR
                _log.log(level, "trying again later: %s", error, extra={"key": str(key)})
                self._metrics.failed(error)
                return Outcome(failed=True, again_after=error.retry_after)
        _log.warning("changed by somebody else %d times in a row", _LOOKS, extra={"key": str(key)})
        return Outcome(failed=True)

    def _doubt(self, key: JobKey) -> None:
        """What is kept of it is not what is there."""
        if (record := self._store.find(key)) is not None:
            record.doubtful = True

    async def _reconcile(self, key: JobKey) -> float | None:
        """Decide by what is kept; only where something is to be written, read and decide again."""
        record = self._store.find(key)
        if record is None or record.job is None:
            return None
        look = _Look(record)
        try:
            if not record.doubtful and not (actions := self._decide(look)).writes:
                return self._seconds_until(actions.again_at)
            await self._read(look)
            return self._seconds_until(await self._step_until_settled(look))
        except ValidationError as error:
            await self._stall(look, describe(error))
            return None

    def _decide(self, look: _Look) -> Actions:
        record, job = look.record, look.job.model
        facts = observe(
            job,
            record.pods.values(),
            gone=record.gone.values(),
            created=record.created,
            refusal=look.refusal,
            awaited={key.name: self._find_job(key) for key in look.job.awaits},
            defaults=self._defaults,
            progress=record.progress,
            written_at=record.written_at,
        )
        return decide(job, facts, self._clock())

    def _find_job(self, key: JobKey) -> ProcessingJob | None:
        """As good as absent for those who wait, if it cannot be read: it is told itself what is wrong with it."""
        record = self._store.find(key)
        try:
            return None if record is None or record.job is None else record.job.model
        except ValidationError:
            return None

    # -- reading

    async def _read(self, look: _Look) -> None:
        """The job, the jobs that it waits for, and by name every Pod that a decision could be about.

        Raises:
            NotFoundError: the job is gone.
        """
        key = look.record.key
        await self._read_job(key)
        job = look.job
        begun = {one.get("pod") for one in job.status.get("instances") or []}
        for awaited in sorted(job.awaits) if not begun else ():
            await self._read_job(awaited)
        status, names = job.model.status, begun | {pod.name for pod in look.record.pods.values()}
        if not is_attempt_open(status):
            names.add(protocol.pod_name(job.model, status.attempts + 1))
        for name in sorted(names - {None, ""}):
            await self._read_pod(key, name)

    async def _read_job(self, key: JobKey) -> None:
        raw = await self._kube.get_job(key)
        if raw is None:
            self._store.lost_job(key)
        else:
            self._dispatcher.job_read(raw)

    async def _read_pod(self, key: JobKey, name: str) -> None:
        pod = await self._kube.get_pod(key.namespace, name)
        if pod is None:
            self._store.no_such_pod(key, name)
        else:
            self._store.saw_pod(pod)

    # -- acting

    async def _step_until_settled(self, look: _Look) -> datetime | None:
        """When to look again."""
        try:
            for _ in range(_STEPS):
                actions = self._decide(look)
                if await self._carry_out(look, actions):
                    return actions.again_at
        finally:
            self._log_actions(look)
        raise RuntimeError(f"{look.record.key}: not settled after {_STEPS} steps: {', '.join(look.done)}")

    async def _carry_out(self, look: _Look, actions: Actions) -> bool:
        """Whether there is nothing to decide again: no Pod was made or refused."""
        if actions.claim is not None:
            await self._write_status(look, actions.claim, actions)
        if actions.create is not None:
            await self._create(look, actions.create)
            return False
        await self._touch_pods(look, actions)
        if actions.status is not None:
            await self._write_status(look, actions.status, actions)
        return True

    async def _create(self, look: _Look, manifest: PodManifest) -> None:
        name = manifest["metadata"]["name"]
        look.refusal = None  # of what was tried before
        try:
            pod = await self._kube.create_pod(manifest)
        except PodRefusedError as refused:
            look.refusal = refused.refusal
            look.done.append(f"refused {refused.refusal.kind}")
        except AlreadyExistsError:
            await self._find(look, name)
        else:
            look.record.created.add(pod["metadata"]["uid"])
            self._store.saw_pod(pod)
            look.done.append(f"create {name}")

    async def _find(self, look: _Look, name: str) -> None:
        """A Pod of that name is there. Whoever made it, this process may not claim it, even if an answer was lost."""
        pod = await self._kube.get_pod(look.record.key.namespace, name)
        if pod is None:
            raise StaleError(f"{name} is gone")
        if owner_of(pod) == look.job.uid:
            self._store.saw_pod(pod)
        else:
            look.refusal = owned_by_another(pod)
        look.done.append(f"found {name}")

    async def _touch_pods(self, look: _Look, actions: Actions) -> None:
        namespace = look.record.key.namespace
        for release in actions.release:
            self._store.saw_pod(await self._kube.release_pod(namespace, release))
            look.done.append(f"release {release.target.name}")
        for member, told in ((protocol.STOP, actions.stop), (protocol.ENDED, actions.ended)):
            for target in told:
                await self._signal(look, target, member)
        for target in actions.delete:
            await self._kube.delete_pod(namespace, target)
            look.done.append(f"delete {target.name}")

    async def _signal(self, look: _Look, target: PodTarget, member: str) -> None:
        known = look.record.pods.get(target.uid)
        said, at = "" if known is None else known.signal, self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        annotation = {names.ANNOTATION_SIGNAL: protocol.signal(said, at, member)}
        self._store.saw_pod(await self._kube.annotate_pod(look.record.key.namespace, target, annotation))
        look.done.append(f"{member} {target.name}")

    async def _write_status(self, look: _Look, status: JobStatus, actions: Actions) -> None:
        job, record = look.job, look.record
        if not (patch := merge_patch(job.status, status.dump())):
            return
        written = await self._kube.patch_job_status(record.key, str(job.version), patch)
        record.written_at = self._clock()
        if status.attempts != job.model.status.attempts:
            record.progress = None  # the attempt before's
        self._dispatcher.job_read(written)
        self._recorder.record(written, actions.events)
        self._metrics.told(job.model, status)
        log_end(str(record.key), job.model.status, status)
        look.done.append(str(status.state))

    async def _stall(self, look: _Look, message: str) -> None:
        patch, event = stall(look.job.raw, message, self._clock())
        if not patch:
            return
        _log.error("%s", message, extra={"key": str(look.record.key)})
        written = await self._kube.patch_job_status(look.record.key, str(look.job.version), patch)
        self._dispatcher.job_read(written)
        self._recorder.record(written, [event])

    def _seconds_until(self, time: datetime | None) -> float | None:
        return None if time is None else max((time - self._clock()).total_seconds(), _SHORTEST_WAIT)

    @staticmethod
    def _log_actions(look: _Look) -> None:
        attempt = None if look.record.job is None else look.record.job.status.get("attempts", 0)
        extra = {"key": str(look.record.key), "attempt": attempt, "action": ", ".join(look.done)}
        _log.log(logging.INFO if look.done else logging.DEBUG, "reconciled", extra=extra)
