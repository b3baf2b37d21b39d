"""One file in parts."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from processing_agent.engines.reference.crew import Crew, Group
from processing_agent.engines.reference.sending import PIECE, TRIES, Identity, Sender, changing, identity_of, part_size
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from processing_agent.engines import Put


class LargePut:
    """One file in parts, spread over the crew."""

    def __init__(self, sender: Sender, put: Put) -> None:
        self._sender, self._put = sender, put
        self._fd = sender.source.read(put.path)
        self._fault: StoreFault | None = None
        self._moved = 0
        self._identity: Identity = []
        self._piece = PIECE
        self._count = 0
        self._upload = sender.multipart(put, self._identity)

    def spread(self, crew: Crew) -> None:
        """Share the parts among the crew; the thread of the last one completes the object."""
        if self._begin():
            self._end()
            return
        group = Group(crew, lambda: self._sender.guarded(self._put, self._finish))
        for number in range(1, self._count + 1):
            group.submit(partial(self._part_unless_failed, number))
        group.seal()

    def alone(self) -> None:
        """Send all parts in this thread."""
        if self._begin():
            self._end()
            return
        for number in range(1, self._count + 1):
            self._part_unless_failed(number)
        self._finish()

    def _begin(self) -> bool:
        """Open the upload; True when an earlier run had completed it."""
        self._identity = identity_of(self._fd)
        self._piece = part_size(self._identity[0])
        self._count = max(1, -(-self._identity[0] // self._piece))
        self._sender.observer.moved(-self._moved)
        self._moved, self._fault = 0, None
        self._upload = self._sender.multipart(self._put, [*self._identity, self._piece])
        if self._upload.completed_before():
            return True
        self._upload.open()
        return False

    def _part_unless_failed(self, number: int) -> None:
        if self._fault is not None:
            return
        try:
            offset = (number - 1) * self._piece
            length = min(self._piece, self._identity[0] - offset)
            data = os.pread(self._fd, length, offset)
            if len(data) != length:
                raise changing(self._put)
            if not self._upload.has(number, data):
                self._upload.send(number, data)
            self._moved += length
            self._sender.observer.moved(length)
        except StoreFault as fault:
            self._fault = fault

    def _finish(self) -> None:
        try:
            for left in reversed(range(TRIES)):
                if self._completed(left):
                    return
                # the file changed, or a part was damaged on the way: all of it anew, in this thread
                self._upload.abort()
                self._sender.requests.pause(0.2)
                self._begin()
                for number in range(1, self._count + 1):
                    self._part_unless_failed(number)
        finally:
            os.close(self._fd)
            self._fd = -1

    def _completed(self, left: int) -> bool:
        try:
            if self._fault is not None:
                raise self._fault
            if identity_of(self._fd) != self._identity:
                raise changing(self._put)
            self._upload.complete(self._count)
        except StoreFault as fault:
            if not left or fault.kind not in {Kind.CHANGED, Kind.CORRUPT, Kind.NO_KEY}:
                self._upload.abort()
                self._sender.settled(self._upload)
                raise
            return False
        self._end()
        return True

    def _end(self) -> None:
        self._sender.settled(self._upload)
        self._sender.complete(self._put, self._identity[0])
