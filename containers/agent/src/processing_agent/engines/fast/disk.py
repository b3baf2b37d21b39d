"""Writing what came and reading what goes: sizes, and the disk's errors told from the network's."""

from __future__ import annotations

import errno
import os

from processing_agent.light import TYPE_CHECKING
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from processing_agent.engines import Get, Put, PutStream

RANGE = 16 << 20  # bytes of a range; smaller objects are fetched by one request
MOST_RANGES = 10_000  # of one object: each is noted in the journal and remembered with its digest
PART = 8 << 20  # bytes of a part; smaller files are sent by one request
MOST_PARTS = 10_000  # S3's limit
TRIES = 4  # versions seen, wrong checksums, or readings of a file that changes, before an object fails

UNITS = 128  # small objects under way at once: many, since each is mostly waiting for its answer
A_UNIT = 64 << 10  # bytes
RANGE_UNITS, PART_UNITS = 8, 16  # so 16 ranges, or 8 parts: what a kill loses is bounded by them
STREAM_UNITS = 32  # parts of a stream are held in memory: 4

Identity = list[int]


def symbol_of(error: OSError) -> str:
    """Give an error's name."""
    return errno.errorcode.get(error.errno or 0, "")


def unwritable(error: OSError, get: Get) -> StoreFault:
    """Say what the disk said; its symbol is the code."""
    detail = f"cannot be written: {error.strerror or error}"
    return StoreFault(Kind.LOCAL, detail, get.bucket, get.key, code=symbol_of(error))


def unreadable(error: OSError, put: Put | PutStream) -> StoreFault:
    """Say what the disk said; its symbol is the code."""
    detail = f"its file cannot be read: {error.strerror or error}"
    return StoreFault(Kind.LOCAL, detail, put.bucket, put.key, code=symbol_of(error))


def changing(put: Put | PutStream) -> StoreFault:
    """Name a file that does not hold still."""
    return StoreFault(Kind.CHANGED, "the file kept changing while it was read", put.bucket, put.key)


def write_at(fd: int, block: memoryview, offset: int, get: Get) -> None:
    """Write all of it.

    Raises:
        StoreFault: LOCAL.
    """
    try:
        while block:
            written = os.pwrite(fd, block, offset)
            block, offset = block[written:], offset + written
    except OSError as error:
        raise unwritable(error, get) from None


def identity_of(fd: int) -> Identity:
    """Give what changes when a file's content does."""
    status = os.fstat(fd)
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def units_of(size: int, most: int) -> int:
    """Say how much room an object takes: what is under way is held in memory, or pieces of it are."""
    return min(1 + size // A_UNIT, most)


def steady_content(fd: int, most: int) -> bytes | None:
    """Read a file whole and close it; None when it is larger than `most`, or changed meanwhile."""
    try:
        before = identity_of(fd)
        if before[0] > most:
            return None
        content = os.pread(fd, before[0] + 1, 0)
        return content if len(content) == before[0] and identity_of(fd) == before else None
    finally:
        os.close(fd)


def part_size(size: int) -> int:
    """Give the size of a part: S3 allows 10,000 of them, so it grows with the file."""
    return _grown(PART, size, MOST_PARTS)


def range_size(size: int) -> int:
    """Give the size of an object's ranges: it grows with the object, so that memory does not."""
    return _grown(RANGE, size, MOST_RANGES)


def _grown(piece: int, size: int, most: int) -> int:
    least = -(-size // most)
    return max(piece, -(-least // (1 << 20)) << 20)
