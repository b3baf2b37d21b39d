"""Files and streams to objects: small files by one PUT, the rest in parts."""

from __future__ import annotations

import os

from processing_agent.engines import Observer, Put, PutStream
from processing_agent.engines.fast import calls
from processing_agent.engines.fast.connection import SEND_AT_ONCE
from processing_agent.engines.fast.disk import (
    PART,
    PART_UNITS,
    TRIES,
    UNITS,
    Identity,
    changing,
    identity_of,
    steady_content,
    units_of,
    unreadable,
)
from processing_agent.engines.fast.large import LargePut
from processing_agent.engines.fast.messages import FilePart, FileShrank
from processing_agent.engines.fast.multipart import Multipart, has_checksum
from processing_agent.engines.fast.quick import MOST, Quick
from processing_agent.engines.fast.slots import Slots
from processing_agent.engines.fast.streaming import StreamPut
from processing_agent.engines.fast.verifying import Verifier
from processing_agent.light import TYPE_CHECKING, partial
from processing_agent.paths import Places
from processing_agent.s3 import checksums
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from typing import Any

    from processing_agent.engines.fast.loop import Loop
    from processing_agent.engines.fast.quick import Begun
    from processing_agent.engines.fast.requests import Requests
    from processing_agent.engines.fast.slots import Work
    from processing_agent.journal import Journal
    from processing_agent.paths import Beneath
    from processing_agent.s3.http import Answer


class QuickPut(Quick):
    """A small file that was read whole while it held still."""

    __slots__ = ("_content", "_crc", "_put", "_putter")

    def __init__(self, putter: Putter, put: Put) -> None:
        super().__init__(putter.requests)
        self._putter, self._put = putter, put
        self._content, self._crc = b"", 0

    def begins(self) -> bool:
        """Begin it if nothing speaks against that."""
        put, putter = self._put, self._putter
        try:
            content = steady_content(putter.places.read(put.path), MOST)
            if content is None:
                return False
            self._content, self._crc = content, checksums.crc64(content)
            return putter.requests.begins(calls.put(put.bucket, put.key, content, self._crc), self)
        except (StoreFault, OSError):
            return False  # it will be raised again, where it is told about

    def take(self, answer: Answer, body: memoryview) -> bool:
        """See `Quick`: what a store says besides 200 does not matter."""
        del answer, body
        try:
            self._putter.observer.moved(len(self._content))
            self._putter.complete(self._put, len(self._content))
        except OSError:
            return False  # it will happen again, where it is told about
        self._putter.slots.give(units_of(self._put.size, PART_UNITS))
        return True

    def hand_over(self, begun: Begun) -> None:
        """See `Quick`."""
        self._putter.spawn(self._put, partial(self._putter.go_on, self._put, self._content, self._crc, begun))


class Putter:
    """Sends files; shared by all of one `put`."""

    def __init__(self, loop: Loop, requests: Requests, observer: Observer, source: Beneath, journal: Journal) -> None:
        self.loop, self.requests, self.observer = loop, requests, observer
        self.source, self.journal = source, journal
        self.places = Places(source)
        self.slots = Slots(loop, UNITS)
        self.verifier = Verifier(loop, requests)
        self._open: dict[int, Multipart] = {}

    @staticmethod
    def fields(put: Put | PutStream) -> tuple[Any, ...] | None:
        """Give what makes a file again in another process; None for one that is sent in parts, and for a stream."""
        if isinstance(put, PutStream) or put.size > PART:
            return None
        return put.ordinal, put.bucket, put.key, put.path, put.size, put.doubtful

    async def begin(self, put: Put | PutStream) -> None:
        """Send it as soon as there is room; it ends in `observer.finished` or `observer.failed`."""
        if isinstance(put, PutStream):
            await self.guarded(put, StreamPut(self, put).run)
        elif put.size <= PART:
            await self.slots.take(units_of(put.size, PART_UNITS))
            if put.size > MOST or put.doubtful or not QuickPut(self, put).begins():
                self.spawn(put, partial(self._small, put))
        else:
            await self.guarded(put, partial(self._large, put))

    async def finish(self) -> None:
        """Wait until all that was begun has ended."""
        await self.slots.all_given()

    def spawn(self, put: Put, work: Work) -> None:
        """Send a file by one request, in room that was taken for it."""
        units = units_of(put.size, PART_UNITS)
        self.loop.spawn(self.slots.giving_back(units, partial(self.guarded, put, work)))

    def close(self) -> None:
        """Let go of what was kept open."""
        self.places.close()

    async def go_on(self, put: Put, content: bytes, crc: int, begun: Begun) -> None:
        """Go on with what `QuickPut` began."""
        try:
            await self.requests.ask(calls.put(put.bucket, put.key, content, crc), begun)
        except StoreFault as fault:
            if fault.kind is not Kind.CORRUPT:
                raise
            await self._small(put)  # damaged on the way
        else:
            self.complete(put, len(content))
            self.observer.moved(len(content))

    async def guarded(self, put: Put | PutStream, work: Work) -> None:
        """Turn an object's fault into the observer's decision."""
        try:
            await work()
        except StoreFault as fault:
            self.observer.failed(put.ordinal, fault)
        except OSError as error:
            self.observer.failed(put.ordinal, unreadable(error, put))

    async def _large(self, put: Put) -> None:
        await LargePut(self, put).spread()

    async def _small(self, put: Put) -> None:
        for left in reversed(range(TRIES)):
            fd = self.source.read(put.path)
            try:
                size = os.fstat(fd).st_size
                if size <= PART and await self._sent(put, fd):
                    return
            except FileShrank:
                pass
            except StoreFault as fault:
                if fault.kind is not Kind.CORRUPT or not left:
                    raise
                continue  # damaged on the way
            finally:
                os.close(fd)
            if size > PART:  # it has grown since the walk
                await LargePut(self, put).alone()
                return
            await self.loop.sleep(0.1 * 2 ** (TRIES - 1 - left))
        raise changing(put)

    async def _sent(self, put: Put, fd: int) -> bool:
        """Send a file; False when it changed while its checksum was taken. After that the store itself compares."""
        before = identity_of(fd)
        size = before[0]
        piece: bytes | FilePart
        if size <= SEND_AT_ONCE:
            piece = os.pread(fd, size + 1, 0)
            crc = checksums.crc64(piece)
            steady = len(piece) == size
        else:
            piece, steady = FilePart(fd, 0, size), True
            crc = int.from_bytes(await self.verifier.digest(fd, 0, size, checksums.UPLOAD_ALGORITHM), "big")
        if not steady or identity_of(fd) != before:
            return False
        text = checksums.crc64_text(crc)
        if not put.doubtful or not await has_checksum(self.requests, put.bucket, put.key, text):
            await self.requests.ask(calls.put(put.bucket, put.key, piece, crc))
        self.complete(put, size)
        self.observer.moved(size)
        return True

    def complete(self, put: Put | PutStream, size: int) -> None:
        """Say that an object is in the store."""
        self.journal.done(put.ordinal)
        self.observer.finished(put.ordinal, size, checksums.UPLOAD_ALGORITHM)

    def multipart(self, put: Put | PutStream, identity: Identity) -> Multipart:
        """Make an upload's record, to be aborted at the end if it is then unfinished."""
        upload = Multipart(self.requests, self.verifier, self.journal, put, list(identity))
        self._open[put.ordinal] = upload
        return upload

    def settled(self, upload: Multipart) -> None:
        """Take note that an upload is completed or aborted."""
        self._open.pop(upload.ordinal, None)

    async def abort_open(self) -> None:
        """Abort what is unfinished; each one try, since this runs when time is over."""
        for upload in list(self._open.values()):
            await upload.abandon()
