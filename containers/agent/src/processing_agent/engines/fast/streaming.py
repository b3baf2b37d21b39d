"""One stream in parts: an archive that is made while it is sent."""

from __future__ import annotations

from processing_agent.engines.fast import calls
from processing_agent.engines.fast.disk import PART, STREAM_UNITS, TRIES
from processing_agent.engines.fast.slots import Group
from processing_agent.light import TYPE_CHECKING, partial
from processing_agent.s3 import checksums
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from processing_agent.engines import PutStream
    from processing_agent.engines.fast.putting import Putter

STEP = 1000  # parts of a stream, whose length nobody knows, after which the part size doubles
MOST_DOUBLINGS = 3


def stream_part_size(number: int) -> int:
    """Give the size of a stream's part: 8 MiB, doubled each 1,000 parts up to 64 MiB (over 500 GB in all)."""
    return PART << min((number - 1) // STEP, MOST_DOUBLINGS)


class StreamPut:
    """One stream in parts. A killed run's parts are made again, compared, and not sent again."""

    def __init__(self, putter: Putter, put: PutStream) -> None:
        self._putter, self._put = putter, put
        self._upload = putter.multipart(put, [])
        self._fault: StoreFault | None = None
        self._size = 0
        self._count = 0

    async def run(self) -> None:
        """Read the stream; the parts under way are few, and hold the reader back."""
        parts = self._parts()
        first = await anext(parts, b"")
        second = await anext(parts, None)
        if second is None:
            self._putter.settled(self._upload)
            await self._whole(first)
        elif await self._upload.completed_before():
            self._size = sum(part.size for part in self._upload.parts.values())
            self._done()
        else:
            await self._upload.open()
            group = Group(self._putter.slots, lambda: self._putter.guarded(self._put, self._finish))

            async def begin(number: int, data: bytes) -> None:
                await group.spawn(STREAM_UNITS, partial(self._part, number, data))

            for data in (first, second):
                await self._take(data, begin)
            first = second = b""
            await self._each(parts, begin)
            await group.leave()

    async def _parts(self) -> AsyncIterator[bytes]:
        """Gather the stream's blocks into parts, letting the others move between two blocks."""
        pending = bytearray()
        number = 1
        for block in self._put.open():
            pending += block
            while len(pending) >= (size := stream_part_size(number)):
                yield bytes(pending[:size])
                del pending[:size]
                number += 1
            await self._putter.loop.turn()
        if pending or number == 1:
            yield bytes(pending)

    async def _whole(self, data: bytes) -> None:
        call = calls.put(self._put.bucket, self._put.key, data, checksums.crc64(data))
        for left in reversed(range(TRIES)):
            try:
                await self._putter.requests.ask(call)
            except StoreFault as fault:
                if fault.kind is not Kind.CORRUPT or not left:
                    raise
            else:
                break
        self._putter.observer.moved(len(data))
        self._putter.complete(self._put, len(data))

    async def _each(self, parts: AsyncIterator[bytes], send: Callable[[int, bytes], Awaitable[None]]) -> None:
        try:
            async for data in parts:
                await self._take(data, send)
                if self._fault is not None:
                    return
        except StoreFault as fault:  # of the source: a file that changed or cannot be read
            self._fault = fault

    async def _take(self, data: bytes, send: Callable[[int, bytes], Awaitable[None]]) -> None:
        self._count += 1
        self._size += len(data)
        await send(self._count, data)

    async def _part(self, number: int, data: bytes) -> None:
        if self._fault is not None:
            return
        try:
            await self._upload.send(number, data)
            self._putter.observer.moved(len(data))
        except StoreFault as fault:
            self._fault = fault

    async def _finish(self) -> None:
        for left in reversed(range(TRIES)):
            try:
                if self._fault is not None:
                    raise self._fault
                await self._upload.complete(self._count)
            except StoreFault as fault:
                if not left or fault.kind not in {Kind.CHANGED, Kind.CORRUPT}:
                    await self._upload.abort()
                    self._putter.settled(self._upload)
                    raise
                await self._again()
            else:
                self._done()
                return

    async def _again(self) -> None:
        """Make and send the whole stream anew, one part after the other; parts that are the same stay."""
        self._putter.observer.moved(-self._size)
        self._fault, self._size, self._count = None, 0, 0
        await self._each(self._parts(), self._part)

    def _done(self) -> None:
        self._putter.settled(self._upload)
        self._putter.complete(self._put, self._size)
