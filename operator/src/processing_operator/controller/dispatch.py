"""What is seen is turned into keys to look at; what is kept about a job is kept in step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from processing_operator.controller.key import JobKey, version_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processing_operator.controller.gone import GonePods
    from processing_operator.controller.index import JobIndex
    from processing_operator.controller.queue import WorkQueue


class Dispatcher:
    """Between the watch and the queue. Touches nothing but memory."""

    def __init__(self, queue: WorkQueue[JobKey], *, index: JobIndex, gone: GonePods) -> None:
        self._queue = queue
        self._index = index
        self._gone = gone

    def job_changed(self, job: Mapping[str, Any]) -> None:
        """A job is there, or is another than before."""
        key = JobKey.of(job)
        before = self._index.find(key)
        seen = self._index.saw_by_watch(job)
        if not seen.ended:  # an ended job is never written to again
            self._queue.add(key, version_of(job))
        if before is None or before.state != seen.state:
            self._wake_waiters(key)

    def job_deleted(self, job: Mapping[str, Any]) -> None:
        """A job is gone."""
        key = JobKey.of(job)
        self._gone.forget(job["metadata"]["uid"])
        self._index.forget(key)
        self._queue.add(key)  # another of its name may be there by now
        self._wake_waiters(key)

    def pod_changed(self, pod: Mapping[str, Any]) -> None:
        """A Pod of ours is there, or is another than before."""
        if (key := JobKey.of_owner(pod)) is not None:
            self._queue.add(key, version_of(pod))

    def pod_deleted(self, pod: Mapping[str, Any]) -> None:
        """A Pod of ours is gone; this was its last state."""
        if (key := JobKey.of_owner(pod)) is not None:
            self._gone.remember(pod)
            self._queue.add(key)

    def own(self, key: JobKey, version: str) -> None:
        """The reconciler itself has written this version."""
        self._queue.own(key, version)

    def add(self, key: JobKey) -> None:
        """Look at the job soon."""
        self._queue.add(key)

    def forget(self, key: JobKey) -> None:
        """The job does not exist."""
        self._index.forget(key)
        self._queue.forget(key)

    def _wake_waiters(self, key: JobKey) -> None:
        for waiter in sorted(self._index.waiters_of(key)):
            seen = self._index.find(waiter)
            if seen is not None and not seen.ended:
                self._queue.add(waiter)
