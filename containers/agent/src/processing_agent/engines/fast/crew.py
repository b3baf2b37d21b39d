"""Many objects by several processes: one of Python's uses one core, and a small object costs no more than its steps.

This process goes on saying what is to be done and moves the large objects itself, which the kernel does almost alone.
Those that take one request go in batches over a `SOCK_SEQPACKET` pair whose other end all workers share: whoever has
room takes the next batch, without locks, and nobody waits for a slow one. What they report comes back over a second
pair.

A worker holds nothing that a kill could lose: it keeps the journal by the same file (each line is one write, and the
kernel keeps writes of one open file apart), and the rest is the rule for a killed process. So that is how it is ended
when the transfer breaks off. It ends by itself when this process is gone.
"""

from __future__ import annotations

import marshal
import os

from processing_agent.engines.fast.loop import Later
from processing_agent.engines.fast.work import DATAGRAM, END, Link, decoded
from processing_agent.light import TYPE_CHECKING, signal
from processing_agent.s3 import crc

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any, NoReturn

    from processing_agent.engines import Get, Observer, Put
    from processing_agent.engines.fast.loop import Loop
    from processing_agent.watch import Watch

    Fields = tuple[Any, ...]
else:
    import _socket as socket  # see `pool`

MOST_WORKERS = 2  # more was not measured: there were 2 cores
# objects, or bytes of them, handed out at once: more would leave the last worker alone with the last batch
BATCH, BATCH_BYTES = 32, 8 << 20
ENOUGH = 48 << 10  # characters of names that fit a datagram whatever they are


class WorkerEnded(Exception):  # noqa: N818 - named for what is so
    """A worker process is gone that should not be: killed, or by an error of ours, which it has printed."""


def workers() -> int:
    """Say how many processes are worth it here: none where there is one core."""
    cores = len(os.sched_getaffinity(0))
    return min(cores, MOST_WORKERS) if cores > 1 else 0


class Crew:
    """Workers of one transfer. `labour` is what each of them does with its end of the two pairs; it never returns."""

    def __init__(self, loop: Loop, watch: Watch, observer: Observer, labour: Callable[[Link], NoReturn]) -> None:
        self._loop, self._watch, self._observer = loop, watch, observer
        crc.crc64nvme.load()  # once, for all of them
        self._work, theirs = _pair()
        self._reports, reporting = _pair()
        self._batch: list[Fields] = []
        self._characters = self._bytes = 0
        self._room: Later[None] | None = None
        self._ended: Later[None] = Later(loop)
        self._hurried = False
        self._pids = [self._fork(labour, Link(theirs, reporting)) for _ in range(workers())]
        theirs.close()
        reporting.close()
        loop.watch(self._work.fileno(), _Writable(self))
        loop.watch(self._reports.fileno(), self)

    def _fork(self, labour: Callable[[Link], NoReturn], link: Link) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            self._work.close()
            self._reports.close()
            labour(link)
        finally:  # whatever happens, this copy of the process must not go on as the original
            os._exit(1)

    async def give(self, item: Get | Put, fields: Fields) -> None:
        """Hand out one object, in the order of the calls."""
        self._batch.append(fields)
        self._characters += len(item.key) + len(item.path)
        self._bytes += item.size
        if len(self._batch) >= BATCH or self._characters >= ENOUGH or self._bytes >= BATCH_BYTES:
            await self._hand_out()

    async def _hand_out(self) -> None:
        batch, self._batch = self._batch, []
        self._characters = self._bytes = 0
        await self._send(marshal.dumps(batch))

    async def _send(self, data: bytes) -> None:
        while True:
            try:
                self._work.send(data)
            except BlockingIOError:
                room: Later[None] = Later(self._loop)
                self._room = room
                await room
            except OSError:  # nobody is there to take it
                self._bury()
                raise WorkerEnded("the worker processes have ended too early") from None
            else:
                return

    async def finish(self) -> None:
        """Wait until everything that was handed out is done and reported.

        Raises:
            WorkerEnded: one of them too early; the journal has what was done.
        """
        if self._batch:
            await self._hand_out()
        for _ in self._pids:
            await self._send(END)
        await self._ended
        self._bury()

    def _bury(self) -> None:
        while self._pids:
            _, status = os.waitpid(self._pids.pop(), 0)
            if status:
                raise WorkerEnded(f"a worker process has ended with {os.waitstatus_to_exitcode(status)}")

    def may_send(self) -> None:
        """Go on with what was waited for."""
        room, self._room = self._room, None
        if room is not None:
            room.set(None)

    def happened(self, mask: int) -> None:
        """Take what the workers report."""
        del mask
        while True:
            try:
                data = self._reports.recv(DATAGRAM)
            except BlockingIOError:
                return
            if not data:  # all of them have ended
                self._loop.forget(self._reports.fileno())
                self._ended.set(None)
                self.may_send()
                return
            for word, *values in marshal.loads(data):  # noqa: S302 - of our own children
                self._told(word, values)

    def _told(self, word: str, values: list[Any]) -> None:
        if word == "finished":
            self._observer.finished(*values)
        elif word == "moved":
            self._observer.moved(*values)
        elif word == "recovered":
            self._observer.recovered()
        elif word == "retrying":
            self._observer.retrying(decoded(values[0]))
        else:
            self._observer.failed(values[0], decoded(values[1]))

    def check(self) -> None:
        """Pass on that there is no time for long pauses any more."""
        if self._watch.hurried.is_set() and not self._hurried:
            self._hurried = True
            for pid in self._pids:
                os.kill(pid, signal.SIGUSR1)

    def close(self) -> None:
        """End them, whatever they do; harmless after `finish`."""
        for sock in (self._work, self._reports):
            self._loop.forget(sock.fileno())
            sock.close()
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)
        while self._pids:
            os.waitpid(self._pids.pop(), 0)


class _Writable:
    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def happened(self, mask: int) -> None:
        """See `Watcher`."""
        del mask
        self._crew.may_send()


def _pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    return ours, theirs
