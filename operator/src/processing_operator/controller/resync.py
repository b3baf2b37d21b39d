"""The net under the watch: all jobs and all Pods are listed now and then, and whatever is unfinished is looked at."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Protocol

from processing_operator.controller.errors import KubeError
from processing_operator.controller.key import JobKey
from processing_operator.controller.staging import last_progress, staging_container

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from processing_operator.controller.index import JobIndex
    from processing_operator.controller.kube import Kube, Obj
    from processing_operator.controller.metrics import Metrics
    from processing_operator.domain.facts import Progress

_log = logging.getLogger(__name__)
_LINES: Final = 10  # one progress line a second at most; the last one counts
_LOGS_AT_ONCE: Final = 4
_FIRST_SECONDS: Final = 2.0


class Looker(Protocol):
    """Who looks at jobs."""

    def add(self, key: JobKey) -> None:
        """Look at the job soon."""

    def forget(self, key: JobKey) -> None:
        """The job is gone."""


class Resync:
    """Lists, every so many seconds, from the start on.

    Args:
        kube: the gateway.
        index: is brought up to date.
        looker: is told which jobs to look at.
        tell_progress: is told what a staging container said last. None: logs are not read (the right `get pods/log`).
        metrics: says when it was done last.
        seconds: from the end of one list to the next.
    """

    def __init__(
        self,
        kube: Kube,
        *,
        index: JobIndex,
        looker: Looker,
        tell_progress: Callable[[JobKey, Progress], None] | None,
        metrics: Metrics,
        seconds: float,
    ) -> None:
        self._kube = kube
        self._index = index
        self._looker = looker
        self._metrics = metrics
        self._seconds = seconds
        self._tell_progress = tell_progress
        self._logs = asyncio.Semaphore(_LOGS_AT_ONCE)
        self.done = asyncio.Event()
        self.ticked_at = 0.0
        self.blind_since: float | None = None

    async def run(self) -> None:
        """Until cancelled. A failed list is logged; the next one comes all the same."""
        while True:
            self.ticked_at = asyncio.get_running_loop().time()
            try:
                await self._resync()
                self.done.set()
            except KubeError as error:
                self._metrics.failed(error)
                _log.warning("resync failed: %s", error)
            # Installed together with its CRD and role, the operator may be there a moment before them.
            await asyncio.sleep(self._seconds if self.done.is_set() else min(self._seconds, _FIRST_SECONDS))

    async def _resync(self) -> None:
        jobs = await self._kube.list_jobs()
        pods = await self._kube.list_pods()
        self._watch_the_watch(jobs)
        unfinished = {key for job in jobs if not self._index.saw(job).ended for key in [JobKey.of(job)]}
        for key in self._index.keys() - {JobKey.of(job) for job in jobs}:
            self._looker.forget(key)
        if self._tell_progress is not None:
            await self._read_progress([pod for pod in pods if JobKey.of_owner(pod) in unfinished], self._tell_progress)
        for key in sorted(unfinished):
            self._looker.add(key)

    def _watch_the_watch(self, jobs: Sequence[Obj]) -> None:
        missed = self._index.missed_by_watch(jobs)
        self._metrics.resynced(len(missed))
        if not missed:
            self.blind_since = None
            return
        _log.warning("the watch has missed %d changes, among them of %s", len(missed), missed[0])
        self.blind_since = self.blind_since or asyncio.get_running_loop().time()

    async def _read_progress(self, pods: Sequence[Obj], tell: Callable[[JobKey, Progress], None]) -> None:
        async with asyncio.TaskGroup() as group:
            for pod in pods:
                key, container = JobKey.of_owner(pod), staging_container(pod)
                if key is not None and container is not None:
                    group.create_task(self._read_one(key, pod["metadata"]["name"], container, tell))

    async def _read_one(self, key: JobKey, pod: str, container: str, tell: Callable[[JobKey, Progress], None]) -> None:
        try:
            async with self._logs:
                lines = await self._kube.read_log_tail(key.namespace, pod, container, _LINES)
        except KubeError as error:
            # Progress is a comfort: a kubelet that cannot be reached must not hold up the resync.
            _log.info("no progress read: %s", error, extra={"key": str(key)})
            return
        if (progress := last_progress(lines)) is not None:
            tell(key, progress)
