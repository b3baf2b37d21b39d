"""What every way of sending shares: reading the source, one PUT, the record of uploads in parts, saying done."""

from __future__ import annotations

import errno
import os
import threading
from typing import TYPE_CHECKING

from processing_agent.engines.reference.multipart import CHECKSUM, Multipart
from processing_agent.s3 import checksums
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from processing_agent.engines import Observer, Put, PutStream
    from processing_agent.engines.reference.requests import Requests
    from processing_agent.journal import Journal
    from processing_agent.paths import Beneath

PIECE = 8 << 20  # bytes of a part; smaller files are sent by one request
MOST_PARTS = 10_000  # S3's limit
TRIES = 4  # times a file that changes under our hands is read again

Identity = list[int]


def part_size(size: int) -> int:
    """Give the size of a part: S3 allows 10,000 of them, so it grows with the file."""
    least = -(-size // MOST_PARTS)
    return max(PIECE, -(-least // (1 << 20)) << 20)


def identity_of(fd: int) -> Identity:
    """Give what changes when a file's content does."""
    status = os.fstat(fd)
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def changing(put: Put | PutStream) -> StoreFault:
    """Name a file that does not hold still."""
    return StoreFault(Kind.CHANGED, "the file kept changing while it was read", put.bucket, put.key)


class Sender:
    """Shared by all objects of one `put`."""

    def __init__(self, requests: Requests, observer: Observer, source: Beneath, journal: Journal) -> None:
        self.requests, self.observer, self.source, self.journal = requests, observer, source, journal
        self._open: dict[int, Multipart] = {}
        self._lock = threading.Lock()

    def guarded(self, put: Put | PutStream, work: Callable[[], None]) -> None:
        """Turn an object's fault into the observer's decision."""
        try:
            work()
        except StoreFault as fault:
            self.observer.failed(put.ordinal, fault)
        except OSError as error:
            symbol = errno.errorcode.get(error.errno or 0, "")
            detail = f"its file cannot be read: {error.strerror or error}"
            self.observer.failed(put.ordinal, StoreFault(Kind.LOCAL, detail, put.bucket, put.key, code=symbol))

    def send_object(self, put: Put | PutStream, data: bytes, crc: str) -> None:
        """Send an object by one request; damaged on the way, it is sent again."""
        for left in reversed(range(TRIES)):
            try:
                self.requests.ask(
                    put.bucket,
                    put.key,
                    lambda s3: s3.put_object(Bucket=put.bucket, Key=put.key, Body=data, **{CHECKSUM: crc}),
                )
            except StoreFault as fault:
                if fault.kind is not Kind.CORRUPT or not left:
                    raise
            else:
                self.observer.moved(len(data))
                return

    def complete(self, put: Put | PutStream, size: int) -> None:
        """Say that an object is in the store."""
        self.journal.done(put.ordinal)
        self.observer.finished(put.ordinal, size, checksums.UPLOAD_ALGORITHM)

    def multipart(self, put: Put | PutStream, identity: Identity) -> Multipart:
        """Make an upload's record, to be aborted at the end if it is then unfinished."""
        upload = Multipart(self.requests, self.journal, put, list(identity))
        with self._lock:
            self._open[put.ordinal] = upload
        return upload

    def settled(self, upload: Multipart) -> None:
        """Take note that an upload is completed or aborted."""
        with self._lock:
            self._open.pop(upload.ordinal, None)

    def abort_open(self) -> None:
        """Abort what is unfinished; each one try, since this runs when time is over."""
        for upload in list(self._open.values()):
            if upload.is_open:
                upload.abort()
