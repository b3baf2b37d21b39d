"""What a worker process of `crew` does: it takes batches, and reports."""

from __future__ import annotations

import marshal
import os
import sys

from processing_agent.engines.fast.loop import Later, Loop
from processing_agent.engines.fast.requests import Requests
from processing_agent.light import TYPE_CHECKING, signal
from processing_agent.s3.faults import Kind, StoreFault
from processing_agent.watch import Watch

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any, NoReturn, Protocol

    from processing_agent.credentials import KeySource
    from processing_agent.engines import Get, Observer, Put, Store

    class Mover(Protocol):
        """`Fetcher` or `Putter`."""

        async def begin(self, item: Any) -> None:
            """Begin an object as soon as there is room."""

        async def finish(self) -> None:
            """Wait until all are done."""


DATAGRAM = 256 << 10  # bytes: more than a Unix socket's buffer takes (net.core.wmem_default)
END = marshal.dumps(None)
MANY = 64  # reports sent at once
KINDS = {kind.value: kind for kind in Kind}


class Link:
    """A worker's ends of the two pairs."""

    def __init__(self, work: socket.socket, reports: socket.socket) -> None:
        self.work, self.reports = work, reports


def encoded(fault: StoreFault) -> tuple[Any, ...]:
    """Give a fault as what `marshal` takes."""
    return fault.kind.value, fault.detail, fault.bucket, fault.key, fault.status, fault.code


def decoded(values: tuple[Any, ...]) -> StoreFault:
    """See `encoded`."""
    kind, *rest = values
    return StoreFault(KINDS[kind], *rest)


class Reports:
    """Implements `engines.Observer` by telling the process that has the real one."""

    def __init__(self, link: Link) -> None:
        self._socket = link.reports
        self._waiting: list[tuple[Any, ...]] = []
        self._moved = 0

    def _add(self, *report: Any) -> None:
        self._waiting.append(report)
        if len(self._waiting) >= MANY:
            self.send()

    def send(self) -> None:
        """Send what there is. Whoever should read it and is gone needs nothing more of us."""
        if self._moved:
            self._waiting.append(("moved", self._moved))
        if self._waiting:
            try:
                self._socket.send(marshal.dumps(self._waiting))
            except OSError:
                os._exit(1)
        self._waiting, self._moved = [], 0

    def moved(self, size: int) -> None:
        """See `Observer`, as for the others."""
        self._moved += size

    def finished(self, ordinal: int, size: int, verified: str) -> None:
        self._add("finished", ordinal, size, verified)

    def failed(self, ordinal: int, fault: StoreFault) -> None:
        self._add("failed", ordinal, encoded(fault))
        self.send()  # it may end the whole transfer

    def retrying(self, fault: StoreFault) -> None:
        self._add("retrying", encoded(fault))

    def recovered(self) -> None:
        self._add("recovered")


class Worker:
    """Runs in a process of its own, from its fork to its end."""

    def __init__(self, link: Link, store: Store, keys: KeySource) -> None:
        self._link = link
        self._watch = Watch()
        signal.signal(signal.SIGUSR1, lambda *_: self._watch.hurry())
        for ending in (signal.SIGTERM, signal.SIGINT):  # the other process decides what they mean
            signal.signal(ending, signal.SIG_IGN)
        self._reports = Reports(link)
        self._loop = Loop(self._tick)
        self._requests = Requests(self._loop, store, keys, self._watch, self._reports)
        self._there: Later[None] | None = None
        link.work.setblocking(False)
        self._loop.watch(link.work.fileno(), self)

    def _tick(self) -> None:
        self._reports.send()
        self._requests.pool.check()

    def happened(self, mask: int) -> None:
        """Look for work again."""
        del mask
        there, self._there = self._there, None
        if there is not None:
            there.set(None)

    def labour(self, make: Callable[[Loop, Requests, Observer], Mover], kind: type[Get | Put]) -> NoReturn:
        """Do what is handed out until the end of it, then end this process."""
        mover = make(self._loop, self._requests, self._reports)
        try:
            self._loop.run(self._all(mover, kind))
            self._reports.send()
        except BaseException as error:  # noqa: BLE001 - this is the end of the process, and somebody should hear why
            sys.stderr.write(f"worker process: {type(error).__name__}: {error}\n")
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)

    async def _all(self, mover: Mover, kind: type[Get | Put]) -> None:
        while (batch := await self._batch()) is not None:
            for fields in batch:
                await mover.begin(kind(*fields))
        await mover.finish()

    async def _batch(self) -> list[tuple[Any, ...]] | None:
        while True:
            try:
                data = self._link.work.recv(DATAGRAM)
            except BlockingIOError:
                there: Later[None] = Later(self._loop)
                self._there = there
                await there
                continue
            if not data:
                os._exit(1)  # the other process is gone
            batch: list[tuple[Any, ...]] | None = marshal.loads(data)  # noqa: S302 - of our own parent
            return batch
