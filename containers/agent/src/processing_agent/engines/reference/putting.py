"""Files and streams to objects: small files by one PUT, the rest in parts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from processing_agent.engines import Observer, Put, PutStream
from processing_agent.engines.reference.large import LargePut
from processing_agent.engines.reference.multipart import has_checksum
from processing_agent.engines.reference.sending import PIECE, TRIES, Sender, changing, identity_of
from processing_agent.engines.reference.streaming import StreamPut
from processing_agent.s3 import checksums

if TYPE_CHECKING:
    from processing_agent.engines.reference.crew import Crew
    from processing_agent.engines.reference.requests import Requests
    from processing_agent.journal import Journal
    from processing_agent.paths import Beneath


class Putter:
    """Sends one file after another on the crew's threads."""

    def __init__(self, requests: Requests, observer: Observer, source: Beneath, journal: Journal) -> None:
        self._sender = Sender(requests, observer, source, journal)

    def put(self, put: Put | PutStream, crew: Crew) -> None:
        """Begin an object; it ends in `observer.finished` or `observer.failed`."""
        sender = self._sender
        if isinstance(put, PutStream):
            sender.guarded(put, lambda: StreamPut(sender, put).run(crew))
        elif put.size <= PIECE:
            crew.submit(lambda: sender.guarded(put, lambda: self._small(put)))
        else:
            sender.guarded(put, lambda: LargePut(sender, put).spread(crew))

    def abort_open(self) -> None:
        """Abort the uploads in parts that are not complete."""
        self._sender.abort_open()

    def _small(self, put: Put) -> None:
        for attempt in range(TRIES):
            fd = self._sender.source.read(put.path)
            try:
                before = identity_of(fd)
                data = _read(fd, before[0]) if before[0] <= PIECE else b""
                steady = identity_of(fd) == before and len(data) == before[0]
            finally:
                os.close(fd)
            if steady:
                self._send(put, data)
                return
            if before[0] > PIECE:  # it has grown since the walk
                LargePut(self._sender, put).alone()
                return
            self._sender.requests.pause(0.1 * 2**attempt)
        raise changing(put)

    def _send(self, put: Put, data: bytes) -> None:
        crc = checksums.crc64_text(checksums.crc64(data))
        sender = self._sender
        if put.doubtful and has_checksum(sender.requests, put.bucket, put.key, crc):
            sender.observer.moved(len(data))
        else:
            sender.send_object(put, data, crc)
        sender.complete(put, len(data))


def _read(fd: int, size: int) -> bytes:
    """Read `size` bytes, and one more if the file has grown meanwhile."""
    blocks = []
    offset = 0
    while offset <= size and (block := os.pread(fd, size + 1 - offset, offset)):
        blocks.append(block)
        offset += len(block)
    return b"".join(blocks)
