"""The composition root: everything is made here, started in order, and ended in order."""

from __future__ import annotations

import asyncio
import logging
import signal
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from processing_operator.api.names import LABEL_UID
from processing_operator.controller.dispatch import Dispatcher, PodSink
from processing_operator.controller.health import Answer, HealthServer, verdict
from processing_operator.controller.kube import Kube
from processing_operator.controller.leader import Leader
from processing_operator.controller.logs import set_up_logs
from processing_operator.controller.metrics import Metrics
from processing_operator.controller.progress import ProgressReader
from processing_operator.controller.queue import WorkQueue
from processing_operator.controller.reconciler import Reconciler
from processing_operator.controller.recorder import Recorder
from processing_operator.controller.resync import Resync
from processing_operator.controller.store import JobKey, Store
from processing_operator.kopf_adapter import watch
from processing_operator.kube import paths
from processing_operator.kube.session import Session
from processing_operator.kube.watching import ListWatch

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from processing_operator.settings import Settings

_log = logging.getLogger(__name__)
_GRACE_SECONDS: Final = 2.0  # for the writes in flight at the end, and for the Lease
_STUCK_SECONDS: Final = 300.0  # ten times the longest request
_STALE_SECONDS: Final = 180.0  # a frozen watch is opened again within 90 s


async def run(settings: Settings) -> int:
    """Run the operator until a signal ends it.

    Returns:
        The process's exit code: 0 after a signal, 1 if a part has failed or the lead was lost.
    """
    set_up_logs(settings.log_level, settings.log_format)
    metrics = Metrics()
    session = await Session.connect(metrics.requested)
    try:
        return await Operator(settings, session, metrics).run()
    finally:
        await session.close()


@dataclass
class Operator:
    """The parts, wired."""

    settings: Settings
    session: Session
    metrics: Metrics = field(default_factory=Metrics)
    store: Store = field(default_factory=Store)

    def __post_init__(self) -> None:
        settings, metrics, store = self.settings, self.metrics, self.store
        metrics.count_jobs(store)
        kube = Kube(self.session, namespaces=settings.namespaces)
        self.queue: WorkQueue[JobKey] = WorkQueue(workers=settings.workers, metrics=metrics)
        self.dispatcher = Dispatcher(store, self.queue, metrics=metrics)
        self.recorder = Recorder(kube, metrics=metrics, instance=settings.instance)
        self.reconciler = Reconciler(
            kube,
            self.recorder,
            store=store,
            dispatcher=self.dispatcher,
            metrics=metrics,
            defaults=settings.defaults(),
            clock=_now,
        )
        self.resync = Resync(
            kube, store=store, dispatcher=self.dispatcher, metrics=metrics, seconds=settings.resync_seconds
        )
        self.progress = ProgressReader(
            kube, store=store, queue=self.queue, metrics=metrics, clock=_now, seconds=settings.resync_seconds
        )
        self.leader = Leader(
            kube, namespace=settings.lease_namespace, name=settings.lease_name, identity=settings.instance
        )
        self.pods = {namespace: self._list_watch(namespace) for namespace in settings.namespaces or (None,)}
        self._stop = asyncio.Event()
        self._watching = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()

    def _list_watch(self, namespace: str | None) -> ListWatch:
        path = paths.pods(namespace)
        return ListWatch(self.session, path, label_selector=LABEL_UID, failed=self.metrics.failed)

    async def run(self) -> int:
        """Serve, watch, then lead and work; stop in the other order."""
        self._catch_signals()
        self._start(self._stop.wait(), "signal")
        self._start(self._serve_health(), "health server")
        try:
            ended = await self._watch_and_work()
        finally:
            await self._shut_down()
        return 0 if ended == {"signal"} else 1

    async def _watch_and_work(self) -> set[str]:
        """A standby sees all that the leader sees; only its workers wait, so that it can take over at once."""
        self._start(self.resync.run(), "resync")
        # The first lists show that the CRD is there and may be read; kopf would never look again for a missing one.
        if ended := await self._until(self.resync.done.wait(), "first lists"):
            return ended
        for namespace, pods in self.pods.items():
            self._start(pods.run(PodSink(self.dispatcher, namespace)), "watch of Pods")
        self._start(self._watch_jobs(), "watch of jobs")
        if ended := await self._until(self._watches(), "the watches' start"):
            return ended
        self._catch_signals()  # kopf has put its own handlers there, which do nothing for the rest of us
        _log.info("ready", extra={"action": "watch"})
        if ended := await self._until(self.leader.lead(), "election"):
            return ended
        self.metrics.leads(leading=True)
        self._start(self.leader.keep(), "lead")
        self._start(self.recorder.run(), "recorder")
        self._start(self.queue.run(self.reconciler.attempt), "queue")
        if self.settings.read_pod_logs:
            self._start(self.progress.run(), "progress")
        return await self._until(asyncio.Event().wait(), "")

    async def _watch_jobs(self) -> None:
        await watch(self.dispatcher, namespaces=self.settings.namespaces, stop=self._stop, ready=self._watching)

    async def _watches(self) -> None:
        await self._watching.wait()
        for pods in self.pods.values():
            await pods.ready.wait()

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
        """No new work, the end of what is being written; then the Lease for the next one, the Events, and the rest."""
        self._stop.set()
        self.queue.close()
        running = {task.get_name(): task for task in self._tasks}
        if (work := running.get("queue")) is not None:
            await asyncio.wait({work}, timeout=_GRACE_SECONDS)
            work.cancel()
        if (lead := running.get("lead")) is not None:
            lead.cancel()
            await self.leader.release()
        if (events := running.get("recorder")) is not None:
            await asyncio.wait({asyncio.create_task(self.recorder.flush()), events}, timeout=_GRACE_SECONDS)
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
                "a watch is stale": resync.stale_since is not None and now - resync.stale_since > _STALE_SECONDS,
            }
        )

    def _readyz(self) -> Answer:
        filled = self._watching.is_set() and all(pods.ready.is_set() for pods in self.pods.values())
        return verdict({"not watching yet": not filled})

    def _export(self) -> Answer:
        return Answer(ok=True, body=self.metrics.export())


def _now() -> datetime:
    return datetime.now(UTC)
