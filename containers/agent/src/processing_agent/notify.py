"""Waiting for a change in directories, by inotify: no polling, and no package for three system calls."""

from __future__ import annotations

import os
import select
import time

from processing_agent.light import TYPE_CHECKING, Path, signal
from processing_agent.quick_json import loads
from processing_agent.threads import Background, Flag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Self

# linux/inotify.h. The kubelet renames a link (`..data`) in a mounted volume, so the directory is watched, not a file
IN_MODIFY, IN_CLOSE_WRITE, IN_MOVED_TO, IN_CREATE, IN_DELETE = 0x2, 0x8, 0x80, 0x100, 0x200
CHANGES = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE
STOP, ENDED = "stop", "ended"  # members of the signal: end; the script's container has ended
ARRIVED, OVER = b"t", b"o"
BEGIN_AFTER = 0.5  # s: most runs are over by then, and need nothing of this
LOOK_ANYWAY = 30.0  # s: an event lost, or a file system that has none, costs no more than this


class Directories:
    """Some directories, watched. A signal that arrives wakes the wait too."""

    def __init__(self, paths: Iterable[Path], changes: int = CHANGES) -> None:
        """Watch what exists; what cannot be watched is looked at every 30 s."""
        import ctypes  # noqa: PLC0415 - takes 5 ms to load, and most runs of fetch are over before it is needed

        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll = select.poll()
        if self._fd >= 0:
            self._poll.register(self._fd, select.POLLIN)
            for path in paths:
                libc.inotify_add_watch(self._fd, os.fsencode(path), changes)
        self._awake, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll.register(self._awake, select.POLLIN)

    def wake(self) -> None:
        """End the wait that is going on, from a signal handler or another thread."""
        os.write(self._waker, b"\0")

    def until(self, ready: Callable[[], bool], deadline: float | None = None) -> bool:
        """Wait until `ready()`, asked after every change; False when the deadline (epoch seconds) passed first."""
        while not ready():
            left = LOOK_ANYWAY if deadline is None else min(LOOK_ANYWAY, deadline - time.time())
            if left <= 0:
                return False
            self.wait(left)
        return True

    def wait(self, seconds: float = LOOK_ANYWAY) -> None:
        """Wait for a change."""
        for fd, _ in self._poll.poll(int(seconds * 1000) + 1):
            os.read(fd, 1 << 16)

    def close(self) -> None:
        """Stop watching."""
        for fd in (self._fd, self._awake, self._waker):
            if fd >= 0:
                os.close(fd)


class StopWatch:
    """Looks out for the operator's stop in a thread of its own, as long as the block, once half a second has passed."""

    def __init__(self, podinfo: Path, stop: Callable[[], None]) -> None:
        self._podinfo, self._stop = podinfo, stop
        self._over = Flag()
        self._directories: Directories | None = None
        self._thread = Background(self._wait)

    def _wait(self) -> None:
        if self._over.wait(BEGIN_AFTER):
            return
        self._directories = Directories([self._podinfo])
        self._directories.until(lambda: self._over.is_set() or signalled(self._podinfo, STOP))
        if not self._over.is_set():
            self._stop()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._directories is not None:
            self._directories.wake()
        self._thread.join()
        if self._directories is not None:
            self._directories.close()


class Sigterm:
    """Calls `handle` on SIGTERM, in a thread of its own, as long as the block.

    The signal's own handler only writes a byte: it interrupts the main thread anywhere, also where that holds a lock
    that `handle` needs. PID 1 of a container has no default action: without a handler the signal would be ignored.
    """

    def __init__(self, handle: Callable[[], None]) -> None:
        self._handle = handle
        self._reader, self._writer = os.pipe2(os.O_CLOEXEC)
        self._thread = Background(self._wait)
        self._before: Any = None

    def _wait(self) -> None:
        while os.read(self._reader, 1) == ARRIVED:
            self._handle()

    def __enter__(self) -> Self:
        self._thread.start()
        self._before = signal.signal(signal.SIGTERM, lambda *_: os.write(self._writer, ARRIVED))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._before)
        os.write(self._writer, OVER)
        self._thread.join()
        os.close(self._reader)
        os.close(self._writer)


def signalled(podinfo: Path, member: str) -> bool:
    """Tell whether the operator has set a member of its signal (the annotation `processing-operator.dev/signal`)."""
    try:
        return says((podinfo / "signal").read_bytes(), member)
    except OSError:
        return False


def says(raw: bytes, member: str) -> bool:
    """Tell whether a signal's member is a string that is not empty. What cannot be read says nothing."""
    try:
        members = loads(raw)
    except ValueError:
        return False
    value = members.get(member) if isinstance(members, dict) else None
    return isinstance(value, str) and value != ""
