"""Four threads and a short queue: whoever submits waits when the queue is full, so memory is bounded."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

THREADS = 4
BACKLOG = 4


class Crew:
    """Runs tasks; the first exception of one ends the whole: later tasks are dropped, and it is raised to the owner."""

    def __init__(self, abandon: Callable[[], None], threads: int = THREADS, backlog: int = BACKLOG) -> None:
        """`abandon` is called at a failure: tasks that wait for an unavailable store must not be waited for."""
        self._abandon = abandon
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="s3")
        self._slots = threading.Semaphore(threads + backlog)
        self._failure: BaseException | None = None

    def submit(self, task: Callable[[], None]) -> None:
        """Queue a task, waiting for room.

        Raises:
            BaseException: what a task before raised.
        """
        self._slots.acquire()
        if self._failure is not None:
            raise self._failure
        self._pool.submit(self._run, task)

    def _run(self, task: Callable[[], None]) -> None:
        try:
            if self._failure is None:
                task()
        except BaseException as failure:  # noqa: BLE001 - passed on or sorted below, whatever it is
            self._fail(failure)
        finally:
            self._slots.release()

    def _fail(self, failure: BaseException) -> None:
        if self._failure is None:
            self._failure = failure
            self._abandon()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None:
            self._fail(error)
        self._pool.shutdown(wait=True)
        if error is None and self._failure is not None:
            raise self._failure


class Group:
    """Tasks of one object, spread over the crew; when the last has left, `finish` runs in its thread."""

    def __init__(self, crew: Crew, finish: Callable[[], None]) -> None:
        self._crew, self._finish = crew, finish
        self._lock = threading.Lock()
        self._open = 1  # the submitter itself, until `seal`

    def submit(self, task: Callable[[], None]) -> None:
        """Queue a task of this object."""
        with self._lock:
            self._open += 1

        def run() -> None:
            task()
            self._leave()

        self._crew.submit(run)

    def seal(self) -> None:
        """Say that no more tasks will come."""
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._open -= 1
            last = self._open == 0
        if last:
            self._finish()
