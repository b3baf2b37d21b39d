"""A flag and a thread, as `threading` has them; importing that takes 6 ms, and most runs need no more than this."""

from __future__ import annotations

from _thread import allocate_lock, start_new_thread

from processing_agent.light import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Flag:
    """Once it is set, it stays so; as `threading.Event`."""

    def __init__(self) -> None:
        self._is_set = False
        self._once = allocate_lock()
        self._gate = allocate_lock()  # held until the flag is set
        self._gate.acquire()

    def is_set(self) -> bool:
        """Tell whether it is set."""
        return self._is_set

    def set(self) -> None:
        """Set it, and let all go on that wait."""
        self._is_set = True
        if self._once.acquire(blocking=False):
            self._gate.release()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is set; False when the time was over before that."""
        if not self._is_set and self._gate.acquire(timeout=-1 if seconds is None else max(0.0, seconds)):
            self._gate.release()  # for the next one who waits
        return self._is_set


class Background:
    """Something done beside everything else, which does not keep the process from ending."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._ended = Flag()

    def start(self) -> None:
        """Begin."""
        start_new_thread(self._run, ())

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._ended.set()

    def join(self) -> None:
        """Wait for its end; it must have been started."""
        self._ended.wait()
