"""The net under the watches: unfinished jobs and all Pods are listed now and then, and compared with the store."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from processing_operator.kube.errors import KubeError
from processing_operator.kube.watching import resource_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processing_operator.controller.dispatch import Dispatcher
    from processing_operator.controller.kube import Kube
    from processing_operator.controller.metrics import Metrics
    from processing_operator.controller.store import Obj, Store

_log = logging.getLogger(__name__)
_FIRST_SECONDS: Final = 2.0
_ALL_SECONDS: Final = 3600.0  # finished jobs are known by the watch


class Resync:
    """Lists, every so many seconds, from the start on.

    Attributes:
        done: the first lists are in the store.
        ticked_at: when the last round began, by the loop's clock; 0 before the first.
        stale_since: since when a list has had something newer than the watch for two lists in a row.
    """

    def __init__(self, kube: Kube, *, store: Store, dispatcher: Dispatcher, metrics: Metrics, seconds: float) -> None:
        self._kube = kube
        self._store = store
        self._dispatcher = dispatcher
        self._metrics = metrics
        self._seconds = seconds
        self._all_at = 0.0
        self._behind: dict[str, int] = {}
        self.done = asyncio.Event()
        self.ticked_at = 0.0
        self.stale_since: float | None = None

    async def run(self) -> None:
        """Until cancelled. A failed list is logged; the next one comes all the same."""
        loop = asyncio.get_running_loop()
        self._all_at = loop.time() + _ALL_SECONDS
        while True:
            self.ticked_at = loop.time()
            try:
                await self._resync(unfinished=self.ticked_at < self._all_at)
                self.done.set()
            except KubeError as error:
                self._metrics.failed(error)
                _log.warning("resync failed: %s", error)
            # Installed together with its CRD and role, the operator may be there a moment before them.
            await asyncio.sleep(self._seconds if self.done.is_set() else min(self._seconds, _FIRST_SECONDS))

    async def _resync(self, *, unfinished: bool) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        jobs, version = await self._kube.list_jobs(unfinished=unfinished)
        pods, pods_version = await self._kube.list_pods()
        self._dispatcher.jobs_listed(jobs, version, unfinished=unfinished)
        self._dispatcher.pods_listed(pods, pods_version, None)
        self._watch_the_watches([*jobs, *pods])
        if not unfinished:
            self._all_at = began + _ALL_SECONDS
        stale = 0.0 if self.stale_since is None else loop.time() - self.stale_since
        self._metrics.resynced(loop.time() - began, stale)

    def _watch_the_watches(self, listed: Sequence[Obj]) -> None:
        """A watch that is ahead of the list is healthy; one that is behind it twice for the same object is not."""
        told = self._store.told
        versions = {obj["metadata"]["uid"]: resource_version(obj) for obj in listed}
        stale = [uid for uid, version in self._behind.items() if uid in versions and told(uid) < version]
        self._behind = {uid: version for uid, version in versions.items() if told(uid) < version}
        if not stale:
            self.stale_since = None
            return
        _log.warning("the watch has missed %d changes, among them of uid %s", len(stale), stale[0])
        self.stale_since = self.stale_since or asyncio.get_running_loop().time()
