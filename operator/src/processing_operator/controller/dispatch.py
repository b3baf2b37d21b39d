"""What is seen goes into the store; what it changes is looked at."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from processing_operator.controller.store import JobKey, key_of, key_of_pod

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from processing_operator.controller.metrics import Metrics
    from processing_operator.controller.queue import WorkQueue
    from processing_operator.controller.store import Store

_log = logging.getLogger(__name__)
Obj = dict[str, Any]


class Dispatcher:
    """Between watches and lists on one side, store and queue on the other. Touches nothing but memory.

    An object that cannot be read is logged and counted, and never keeps another from being seen.
    """

    def __init__(self, store: Store, queue: WorkQueue[JobKey], *, metrics: Metrics) -> None:
        self._store = store
        self._queue = queue
        self._metrics = metrics

    # -- jobs

    def job_changed(self, job: Obj) -> None:
        """The watch: a job is there, or is another than before."""
        self._guarded(job, self._saw_job, job, watched=True)

    def job_deleted(self, job: Obj) -> None:
        """The watch: a job is gone."""
        self._guarded(job, self._lost_job, job)

    def job_read(self, job: Obj) -> None:
        """A read, or the answer to a write, of whoever looks at the job: news only for those that wait for it."""
        key = key_of(job)
        before = self._outcome(key)
        self._store.saw_job(job)
        if self._outcome(key) != before:
            self._wake_waiters(key)

    def jobs_listed(self, jobs: Sequence[Obj], version: int, *, unfinished: bool) -> None:
        """A list: what is newer there is looked at at once, like what is missing; the rest in its turn."""
        for job in jobs:
            if not self._guarded(job, self._saw_job, job):
                self._queue.add_later(key_of(job))
        for key in self._store.missing_jobs(jobs, version, unfinished=unfinished):
            self._queue.add(key)

    def _saw_job(self, job: Obj, *, watched: bool = False) -> bool:
        key = key_of(job)
        before = self._outcome(key)
        if not self._store.saw_job(job, watched=watched):
            return False
        record = self._store.find(key)
        if record is not None and record.active:  # an ended job is never written to again
            self._queue.add(key)
        if self._outcome(key) != before:
            self._wake_waiters(key)
        return True

    def _lost_job(self, job: Obj) -> None:
        key = key_of(job)
        self._store.lost_job(key, job["metadata"]["uid"])
        self._queue.forget(key)
        self._queue.add(key)  # another of its name may be there by now
        self._wake_waiters(key)

    def _outcome(self, key: JobKey) -> tuple[str, bool] | None:
        record = self._store.find(key)
        return None if record is None or record.job is None else (record.job.uid, record.job.finished)

    def _wake_waiters(self, key: JobKey) -> None:
        for waiter in self._store.waiters_of(key):
            record = self._store.find(waiter)
            if record is not None and record.active:
                self._queue.add(waiter)

    # -- Pods

    def changed(self, pod: Obj) -> None:
        """The watch: a Pod of ours is there, or is another than before."""
        self._guarded(pod, self._saw_pod, pod, watched=True)

    def deleted(self, pod: Obj) -> None:
        """The watch: a Pod of ours is gone; this was its last state."""
        self._guarded(pod, self._lost_pod, pod)

    def pods_listed(self, pods: Sequence[Obj], version: int, namespace: str | None, *, watched: bool = False) -> None:
        """A list of all Pods of ours, in one namespace or everywhere."""
        for pod in pods:
            self._guarded(pod, self._saw_pod, pod, watched=watched)
        for key in self._store.missing_pods(pods, version, namespace):
            self._queue.add(key)

    def _saw_pod(self, pod: Obj, *, watched: bool) -> None:
        key = key_of_pod(pod)
        if key.name and self._store.saw_pod(pod, watched=watched):
            self._queue.add(key)

    def _lost_pod(self, pod: Obj) -> None:
        if self._store.lost_pod(pod):
            self._queue.add(key_of_pod(pod))

    def _guarded(self, obj: Obj, see: Callable[..., bool | None], *arguments: Any, **more: Any) -> bool:
        """What `see` answers; also True for what cannot be read: there is nothing to look at."""
        try:
            return bool(see(*arguments, **more))
        except Exception as error:  # noqa: BLE001 - anything may stand in what others write
            self._metrics.failed(error)
            metadata = obj.get("metadata") or {}
            _log.exception("cannot be read: %s/%s", metadata.get("namespace"), metadata.get("name"))
            return True


class PodSink:
    """One namespace's Pods (None: all) as a list-watch tells of them."""

    def __init__(self, dispatcher: Dispatcher, namespace: str | None) -> None:
        self._dispatcher = dispatcher
        self._namespace = namespace

    def replaced(self, items: Sequence[Obj], version: int) -> None:
        """The watch has begun anew with a whole list."""
        self._dispatcher.pods_listed(items, version, self._namespace, watched=True)

    def changed(self, obj: Obj) -> None:
        """A Pod is there or is another."""
        self._dispatcher.changed(obj)

    def deleted(self, obj: Obj) -> None:
        """A Pod is gone."""
        self._dispatcher.deleted(obj)
