"""The composition root: everything is made here, started in order, and ended in order."""

from __future__ import annotations

import asyncio
import logging
import signal
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from processing_operator.controller.dispatch import Dispatcher
from processing_operator.controller.gone import GonePods
from processing_operator.controller.health import Answer, HealthServer, verdict
from processing_operator.controller.index import JobIndex
from processing_operator.controller.kube import Kube
from processing_operator.controller.leader import Leader
from processing_operator.controller.logs import set_up_logs
from processing_operator.controller.metrics import Metrics
from processing_operator.controller.queue import WorkQueue
from processing_operator.controller.reconciler import Reconciler
from processing_operator.controller.recorder import Recorder
from processing_operator.controller.resync import Resync
from processing_operator.controller.session import Session
from processing_operator.kopf_adapter import watch

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from processing_operator.controller.key import JobKey
    from processing_operator.settings import Settings

_log = logging.getLogger(__name__)
_GRACE_SECONDS: Final = 10.0
_STUCK_SECONDS: Final = 300.0  # ten times the longest request
_BLIND_SECONDS: Final = 180.0  # a frozen watch is opened again by kopf within 70 s


async def run(settings: Settings) -> int:
    """Run the operator until a signal ends it.

    Returns:
        The process's exit code: 0 after a signal, 1 if a part has failed or the lead was lost.
    """
    set_up_logs(settings.log_level, settings.log_format)
    session = await Session.connect()
    try:
        return await Operator(settings, session).run()
    finally:
        await session.close()


@dataclass
class Operator:
    """The parts, wired."""

    settings: Settings
    session: Session
    metrics: Metrics = field(init=False)
    kube: Kube = field(init=False)
    queue: WorkQueue[JobKey] = field(init=False)
    dispatcher: Dispatcher = field(init=False)
    reconciler: Reconciler = field(init=False)
    resync: Resync = field(init=False)

    def __post_init__(self) -> None:
        settings, index, gone = self.settings, JobIndex(), GonePods()
        metrics = self.metrics = Metrics()
        metrics.count_jobs(index.count_by_state)
        kube = self.kube = Kube(self.session, namespaces=settings.namespaces, metrics=metrics)
        self.queue = WorkQueue(workers=settings.workers, metrics=metrics)
        self.dispatcher = Dispatcher(self.queue, index=index, gone=gone)
        self.reconciler = reconciler = Reconciler(
            kube,
            Recorder(kube, metrics=metrics, instance=settings.instance),
            memory=self.dispatcher,
            gone=gone,
            metrics=metrics,
            defaults=settings.defaults(),
            clock=lambda: datetime.now(UTC),
        )
        self.resync = Resync(
            kube,
            index=index,
            looker=self.dispatcher,
            tell_progress=reconciler.tell_progress if settings.read_pod_logs else None,
            metrics=metrics,
            seconds=settings.resync_seconds,
        )
        self._standby = settings.leader_election
        self._stop = asyncio.Event()
        self._watching = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self) -> int:
        """Serve, lead if asked to, then watch and work; stop in the other order."""
        self._catch_signals()
        self._start(self._stop.wait(), "signal")
        self._start(self._serve_health(), "health server")
        try:
            ended = await self._lead_and_work()
        finally:
            await self._shut_down()
        return 0 if ended == {"signal"} else 1

    async def _lead_and_work(self) -> set[str]:
        if self._standby:
            leader = Leader(self.kube, namespace=self.settings.leader_namespace, identity=self.settings.instance)
            if ended := await self._until(leader.lead(), "election"):
                return ended
            self._standby = False
            self._start(leader.keep(), "lead")
        self.metrics.leads(leading=True)
        self._start(self.queue.run(self.reconciler.attempt), "queue")
        self._start(self.resync.run(), "resync")
        # The first lists show that the CRD is there and may be read; kopf would never look again for a missing one.
        if ended := await self._until(self.resync.done.wait(), "first lists"):
            return ended
        self._start(self._watch(), "watch")
        if ended := await self._until(self._watching.wait(), "watch's start"):
            return ended
        self._catch_signals()  # kopf has put its own handlers there, which do nothing for the rest of us
        _log.info("ready", extra={"action": "watch"})
        return await self._until(asyncio.Event().wait(), "")

    async def _watch(self) -> None:
        await watch(self.dispatcher, namespaces=self.settings.namespaces, stop=self._stop, ready=self._watching)

    async def _serve_health(self) -> None:
        answers = {"/healthz": self._healthz, "/readyz": self._readyz, "/metrics": self._export}
        await HealthServer(answers, port=self.settings.health_port).run()

    def _start(self, coroutine: Coroutine[Any, Any, Any], name: str) -> None:
        self._tasks.add(asyncio.create_task(coroutine, name=name))

    async def _until(self, coroutine: Coroutine[Any, Any, Any], name: str) -> set[str]:
        """Wait for one more thing; name the parts that have ended meanwhile: none of them should."""
        waiter = asyncio.create_task(coroutine, name=name)
        try:
            done, _ = await asyncio.wait({waiter, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.cancel()
        for task in done - {waiter}:
            _log.info("stopping: %s has ended", task.get_name(), exc_info=task.exception(), extra={"action": "stop"})
        return {task.get_name() for task in done - {waiter}}

    async def _shut_down(self) -> None:
        """No new work, then the end of what is being done, then the rest."""
        self._stop.set()
        self.queue.close()
        ending = {task for task in self._tasks if task.get_name() in ("queue", "watch")}
        if ending:
            await asyncio.wait(ending, timeout=_GRACE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _catch_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)

    def _healthz(self) -> Answer:
        now, resync = asyncio.get_running_loop().time(), self.resync
        return verdict(
            {
                "a job is being looked at without end": self.queue.longest_running() > _STUCK_SECONDS,
                "no resync": resync.ticked_at > 0
                and now - resync.ticked_at > self.settings.resync_seconds + _STUCK_SECONDS,
                "the watch is blind": resync.blind_since is not None and now - resync.blind_since > _BLIND_SECONDS,
            }
        )

    def _readyz(self) -> Answer:
        return verdict({"not watching yet": not self._standby and not self._watching.is_set()})

    def _export(self) -> Answer:
        return Answer(ok=True, body=self.metrics.export())
