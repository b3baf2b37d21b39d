"""Progress out of fetch and upload: the last of their log lines (docs/internals/protocol.md).

While the script runs, upload's lines tell how many of its processes were killed for want of memory.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from processing_operator.api.protocol import FETCH, UPLOAD
from processing_operator.domain.results import read_progress
from processing_operator.kube.errors import KubeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from processing_operator.api.status import TransferProgress
    from processing_operator.controller.kube import Kube
    from processing_operator.controller.metrics import Metrics
    from processing_operator.controller.queue import WorkQueue
    from processing_operator.controller.store import JobKey, Record, Store
    from processing_operator.domain.facts import PodFacts

_log = logging.getLogger(__name__)
_LINES: Final = 10  # one progress line a second at most; the last one counts
_AT_ONCE: Final = 4
_MOST_RUNNING: Final = 200  # Pods whose script runs, a round; the others have their turn in the next
_PARKED_SECONDS: Final = 60.0


class ProgressReader:
    """Reads logs every so many seconds. A comfort: whatever goes wrong holds up nothing else."""

    def __init__(
        self,
        kube: Kube,
        *,
        store: Store,
        queue: WorkQueue[JobKey],
        metrics: Metrics,
        clock: Callable[[], datetime],
        seconds: float,
    ) -> None:
        self._kube = kube
        self._store = store
        self._queue = queue
        self._metrics = metrics
        self._clock = clock
        self._seconds = seconds
        self._parked: dict[str, float] = {}
        self._round = 0
        self._turns: dict[str, int] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._seconds)
            await self.read_all()

    async def read_all(self) -> None:
        """Of every container that moves data now, and of some whose script runs."""
        limit = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for record, pod, container in self._chosen():
                group.create_task(self._read_one(limit, record, pod, container))

    def _chosen(self) -> list[tuple[Record, PodFacts, str]]:
        """Pods whose script runs come by turns: the least recently read first."""
        active = [record for record in self._store.records() if record.active]
        found = [(record, pod, speaker(pod)) for record in active for pod in record.pods.values()]
        told = [(record, pod, container) for record, pod, container in found if container is not None]
        moving = [one for one in told if not one[1].script.running]
        running = sorted((one for one in told if one[1].script.running), key=lambda one: self._turns.get(one[1].uid, 0))
        self._round += 1
        now = dict.fromkeys((pod.uid for _, pod, _ in running[:_MOST_RUNNING]), self._round)
        self._turns = {pod.uid: now.get(pod.uid, self._turns.get(pod.uid, 0)) for _, pod, _ in running}
        return [*moving, *running[:_MOST_RUNNING]]

    async def _read_one(self, limit: asyncio.Semaphore, record: Record, pod: PodFacts, container: str) -> None:
        async with limit:
            if self._parked.get(pod.node, 0.0) > asyncio.get_running_loop().time():
                return
            try:
                await self._read(record, pod, container)
            except KubeError as error:
                # A kubelet that cannot be reached costs two seconds once, not for each of its Pods.
                self._parked[pod.node] = asyncio.get_running_loop().time() + _PARKED_SECONDS
                _log.info("no progress read: %s", error, extra={"key": str(record.key)})
            except Exception as error:  # noqa: BLE001 - anything may stand in a log
                self._metrics.failed(error)
                _log.exception("no progress read", extra={"key": str(record.key)})

    async def _read(self, record: Record, pod: PodFacts, container: str) -> None:
        lines = await self._kube.read_log_tail(record.key.namespace, pod.name, container, _LINES)
        told = read_progress(lines, self._clock())
        if told is not None and record.active and not _same(told, record.progress):
            record.progress = told
            self._queue.add_later(record.key)


def _same(told: TransferProgress, before: TransferProgress | None) -> bool:
    return before is not None and told.model_copy(update={"time": before.time}) == before


def speaker(pod: PodFacts) -> str | None:
    """The container whose log tells of what goes on, or None: fetch while it runs, then upload."""
    if pod.fetch.running:
        return FETCH
    return UPLOAD if pod.upload.running and (pod.script.running or pod.script.end is not None) else None
