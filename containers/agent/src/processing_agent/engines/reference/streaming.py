"""One stream in parts: an archive that is made while it is sent."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from processing_agent.engines.reference.crew import Group
from processing_agent.engines.reference.sending import PIECE, TRIES, Sender
from processing_agent.s3 import checksums
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from processing_agent.engines import PutStream
    from processing_agent.engines.reference.crew import Crew

STEP = 1000  # parts of a stream, whose length nobody knows, after which the part size doubles
MOST_DOUBLINGS = 3


def stream_part_size(number: int) -> int:
    """Give the size of a stream's part: 8 MiB, doubled each 1,000 parts up to 64 MiB (over 500 GB in all)."""
    return PIECE << min((number - 1) // STEP, MOST_DOUBLINGS)


class StreamPut:
    """One stream in parts. A killed run's parts are made again, compared, and not sent again."""

    def __init__(self, sender: Sender, put: PutStream) -> None:
        self._sender, self._put = sender, put
        self._upload = sender.multipart(put, [])
        self._fault: StoreFault | None = None
        self._size = 0
        self._count = 0

    def run(self, crew: Crew) -> None:
        """Read the stream in the caller's thread; the crew sends, and its short queue holds the reader back."""
        parts = _parts(self._put.open())
        first = next(parts, b"")
        second = next(parts, None)
        if second is None:
            self._sender.settled(self._upload)
            self._whole(first)
        elif self._upload.completed_before():
            self._size = sum(part.size for part in self._upload.parts.values())
            self._done()
        else:
            self._upload.open()
            group = Group(crew, lambda: self._sender.guarded(self._put, self._finish))
            self._each(chain((first, second), parts), lambda n, data: group.submit(partial(self._part, n, data)))
            group.seal()

    def _whole(self, data: bytes) -> None:
        self._sender.send_object(self._put, data, checksums.crc64_text(checksums.crc64(data)))
        self._sender.complete(self._put, len(data))

    def _each(self, parts: Iterable[bytes], send: Callable[[int, bytes], None]) -> None:
        try:
            for self._count, data in enumerate(parts, 1):
                self._size += len(data)
                send(self._count, data)
                if self._fault is not None:
                    return
        except StoreFault as fault:  # of the source: a file that changed or cannot be read
            self._fault = fault

    def _part(self, number: int, data: bytes) -> None:
        if self._fault is not None:
            return
        try:
            if not self._upload.has(number, data):
                self._upload.send(number, data)
            self._sender.observer.moved(len(data))
        except StoreFault as fault:
            self._fault = fault

    def _finish(self) -> None:
        for left in reversed(range(TRIES)):
            try:
                if self._fault is not None:
                    raise self._fault
                self._upload.complete(self._count)
            except StoreFault as fault:
                if not left or fault.kind not in {Kind.CHANGED, Kind.CORRUPT}:
                    self._upload.abort()
                    self._sender.settled(self._upload)
                    raise
                self._again()
            else:
                self._done()
                return

    def _again(self) -> None:
        """Make and send the whole stream anew, in this thread; parts that are the same stay."""
        self._sender.observer.moved(-self._size)
        self._fault, self._size = None, 0
        self._each(_parts(self._put.open()), self._part)

    def _done(self) -> None:
        self._sender.settled(self._upload)
        self._sender.complete(self._put, self._size)


def _parts(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Gather a stream's blocks into parts."""
    pending = bytearray()
    number = 1
    for block in blocks:
        pending += block
        while len(pending) >= (size := stream_part_size(number)):
            yield bytes(pending[:size])
            del pending[:size]
            number += 1
    if pending or number == 1:
        yield bytes(pending)
