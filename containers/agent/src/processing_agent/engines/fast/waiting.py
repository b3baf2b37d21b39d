"""Waiting for what others do: for work that one does for all, and for what would block the loop."""

from __future__ import annotations

import contextlib
import os
import select
from _thread import start_new_thread

from processing_agent.engines.fast.loop import Later
from processing_agent.light import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from processing_agent.engines.fast.loop import Loop


class Shared:
    """Work that is done once at a time: who wants it while it is under way has the same outcome."""

    def __init__(self, loop: Loop, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._loop, self._work = loop, work
        self._waiting: list[Later[Any]] | None = None

    @property
    def under_way(self) -> bool:
        """Tell whether somebody is at it."""
        return self._waiting is not None

    async def result(self) -> Any:
        """Do the work, or wait for who does it; give its value or raise its error."""
        if self._waiting is not None:
            later: Later[Any] = Later(self._loop)
            self._waiting.append(later)
            return await later
        waiting: list[Later[Any]] = []
        self._waiting = waiting
        value: Any = None
        failure: Exception | None = None
        try:
            value = await self._work()
        except Exception as error:  # noqa: BLE001 - raised below, in all who wait for it
            failure = error
        finally:
            self._waiting = None  # also when the run is broken off: then those who wait are, too
        for later in waiting:
            if failure is None:
                later.set(value)
            else:
                later.fail(failure)
        if failure is not None:
            raise failure
        return value


class _Bell:
    """Rung by a thread, heard by the loop."""

    def __init__(self, loop: Loop) -> None:
        self.rung: Later[None] = Later(loop)

    def happened(self, mask: int) -> None:
        """See `Watcher`."""
        if mask & select.EPOLLIN:
            self.rung.set(None)


async def aside(loop: Loop, work: Callable[[], Any]) -> Any:
    """Do what would block in a thread of its own, begun for it alone; give its value or raise its exception.

    The thread does not keep the process from ending, and nobody waits for it once the run is broken off.
    """
    outcome: list[tuple[Any, Exception | None]] = []
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def run() -> None:
        try:
            outcome.append((work(), None))
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            outcome.append((None, error))
        with contextlib.suppress(OSError):  # nobody listens any more
            os.write(writer, b"1")  # a byte, and not only the end: a forked process may hold the pipe open
        os.close(writer)

    bell = _Bell(loop)
    loop.watch(reader, bell)
    try:
        start_new_thread(run, ())
        await bell.rung
    finally:
        loop.forget(reader)
        os.close(reader)
    value, error = outcome[0]
    if error is not None:
        raise error
    return value
