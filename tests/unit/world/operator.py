"""The operator as app.py wires it, without process and sockets: real store, dispatcher, resync, queue, reconciler."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from processing_operator.controller.dispatch import Dispatcher
from processing_operator.controller.metrics import Metrics
from processing_operator.controller.progress import ProgressReader
from processing_operator.controller.queue import Backoff, WorkQueue
from processing_operator.controller.reconciler import Reconciler
from processing_operator.controller.recorder import Recorder
from processing_operator.controller.resync import Resync
from processing_operator.controller.store import JobKey, Store
from processing_operator.domain.defaults import OperatorDefaults
from tests.unit.world.api import Api, Client, Obj, now

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from datetime import datetime

    from processing_operator.controller.queue import Outcome


@dataclass
class Operator:
    """One process.

    Attributes:
        deaf: its watches tell nothing (they have frozen); the resync is all it has.
        lag: seconds until its watches tell of a change.
        skew: by how many seconds its clock is ahead.
        workers: 0: nothing is done but by `look`.
    """

    api: Api
    skew: float = 0.0
    lag: float = 0.0
    deaf: bool = False
    workers: int = 2
    resync_seconds: float = 30.0
    client: Client = field(init=False)
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = Client(self.api)
        kube, self.metrics, self.store = cast("Any", self.client), Metrics(), Store()
        self.queue: WorkQueue[JobKey] = WorkQueue(
            workers=self.workers, metrics=self.metrics, backoff=Backoff(jitter=lambda: 0.0)
        )
        self.dispatcher = Dispatcher(self.store, self.queue, metrics=self.metrics)
        self.recorder = Recorder(kube, metrics=self.metrics, instance="test")
        self.reconciler = Reconciler(
            kube,
            self.recorder,
            store=self.store,
            dispatcher=self.dispatcher,
            metrics=self.metrics,
            defaults=OperatorDefaults(),
            clock=self.clock,
        )
        self.resync = Resync(
            kube, store=self.store, dispatcher=self.dispatcher, metrics=self.metrics, seconds=self.resync_seconds
        )
        self.progress = ProgressReader(
            kube,
            store=self.store,
            queue=self.queue,
            metrics=self.metrics,
            clock=self.clock,
            seconds=self.resync_seconds,
        )

    def clock(self) -> datetime:
        """What it takes for the time."""
        return now(self.skew)

    async def start(self) -> Operator:
        """Fill the store as the watches do, then watch and work."""
        self.api.watchers.append(self)
        for job in [*self.api.jobs.values()]:
            self.dispatcher.job_changed(job)
        self.dispatcher.pods_listed([*self.api.pods.values()], self.api.version, None, watched=True)
        self._run(self.recorder.run())
        if self.workers:
            self._run(self.resync.run())
            self._run(self.queue.run(self.reconciler.attempt))
        return self

    def _run(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.tasks.append(asyncio.create_task(coroutine))

    async def look(self, name: str = "j") -> Outcome:
        """One look, as a worker does it; the Events that it tells are sent."""
        outcome = await self.reconciler.attempt(JobKey("ns", name))
        await self.recorder.flush()
        return outcome

    @property
    def crashed(self) -> bool:
        """A part of it has ended: so would the process."""
        return any(task.done() for task in self.tasks)

    async def crash(self) -> None:
        """As SIGKILL does."""
        if self in self.api.watchers:
            self.api.watchers.remove(self)
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.queue.close()
        self.tasks.clear()

    def tell(self, kind: str, obj: Obj) -> None:
        """The watches."""
        if not self.deaf:
            asyncio.get_running_loop().call_later(self.lag, self._take, kind, obj)

    def _take(self, kind: str, obj: Obj) -> None:
        if self not in self.api.watchers or self.deaf:
            return
        told = {
            "job": self.dispatcher.job_changed,
            "deleted job": self.dispatcher.job_deleted,
            "pod": self.dispatcher.changed,
            "deleted pod": self.dispatcher.deleted,
        }
        told[kind](obj)
