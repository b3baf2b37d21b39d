"""One file in parts."""

from __future__ import annotations

import os

from processing_agent.engines.fast.disk import PART, PART_UNITS, TRIES, Identity, changing, identity_of, part_size
from processing_agent.engines.fast.messages import FilePart, FileShrank
from processing_agent.engines.fast.slots import Group
from processing_agent.light import TYPE_CHECKING, partial
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from processing_agent.engines import Put
    from processing_agent.engines.fast.putting import Putter

ANEW = {Kind.CHANGED, Kind.CORRUPT, Kind.NO_KEY}  # NO_KEY: the store has forgotten the upload


class LargePut:
    """One file in parts."""

    def __init__(self, putter: Putter, put: Put) -> None:
        self._putter, self._put = putter, put
        self._fd = putter.source.read(put.path)
        self._fault: StoreFault | None = None
        self._moved = 0
        self._identity: Identity = []
        self._piece = PART
        self._count = 0
        self._upload = putter.multipart(put, self._identity)

    async def spread(self) -> None:
        """Begin all parts as there is room; the last one to end completes the object."""
        if not await self._may_send():
            return
        group = Group(self._putter.slots, lambda: self._putter.guarded(self._put, self._finish))
        for number in range(1, self._count + 1):
            await group.spawn(PART_UNITS, partial(self._part_unless_failed, number))
        await group.leave()

    async def alone(self) -> None:
        """Send one part after the other."""
        if await self._may_send():
            await self._all_parts()
            await self._finish()

    async def _may_send(self) -> bool:
        """Open the upload; False when an earlier run had completed it."""
        opened = False
        try:
            opened = await self._begin()
            if not opened:
                self._end()
        finally:
            if not opened:
                self._close()
        return opened

    async def _begin(self) -> bool:
        self._identity = identity_of(self._fd)
        self._piece = part_size(self._identity[0])
        self._count = max(1, -(-self._identity[0] // self._piece))
        self._putter.observer.moved(-self._moved)
        self._moved, self._fault = 0, None
        self._upload = self._putter.multipart(self._put, [*self._identity, self._piece])
        if await self._upload.completed_before():
            return False
        await self._upload.open()
        return True

    async def _all_parts(self) -> None:
        for number in range(1, self._count + 1):
            await self._part_unless_failed(number)

    async def _part_unless_failed(self, number: int) -> None:
        if self._fault is not None:
            return
        offset = (number - 1) * self._piece
        length = min(self._piece, self._identity[0] - offset)
        try:
            await self._upload.send(number, FilePart(self._fd, offset, length))
        except StoreFault as fault:
            self._fault = fault
        except FileShrank:
            self._fault = changing(self._put)
        else:
            self._moved += length
            self._putter.observer.moved(length)

    async def _finish(self) -> None:
        try:
            for left in reversed(range(TRIES)):
                if await self._completed(left):
                    return
                # the file changed, or a part was damaged on the way: all of it anew, one part after the other
                await self._upload.abort()
                await self._putter.loop.sleep(0.2)
                await self._begin()
                await self._all_parts()
        finally:
            self._close()

    async def _completed(self, left: int) -> bool:
        try:
            if self._fault is not None:
                raise self._fault
            if identity_of(self._fd) != self._identity:
                raise changing(self._put)
            await self._upload.complete(self._count)
        except StoreFault as fault:
            if not left or fault.kind not in ANEW:
                await self._upload.abort()
                self._putter.settled(self._upload)
                raise
            return False
        self._end()
        return True

    def _end(self) -> None:
        self._putter.settled(self._upload)
        self._putter.complete(self._put, self._identity[0])

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
