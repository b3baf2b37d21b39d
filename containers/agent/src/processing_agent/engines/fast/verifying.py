"""Comparing a fetched file with what the store says about it."""

from __future__ import annotations

import mmap
import os
from itertools import accumulate

from processing_agent.engines.fast import calls
from processing_agent.engines.fast.slots import Slots
from processing_agent.light import TYPE_CHECKING, record
from processing_agent.s3 import checksums
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from processing_agent.engines.fast.loop import Loop
    from processing_agent.engines.fast.requests import Requests
    from processing_agent.s3.checksums import Expected

    Summing = Callable[[int, int, int, str], bytes]  # file, offset, length, algorithm

BLOCK = 256 << 10  # bytes read at once: the processor's cache holds them until they are summed
MAPPED = 4 << 20  # bytes mapped at once; a multiple of any page size
THREADS = 2  # that sum at once: one has the next range when the other ends
AT_ONCE = 2 << 20  # bytes that are summed sooner than a thread is begun and heard of


@record(frozen=True, slots=True)
class Version:
    """One version of one object."""

    bucket: str
    key: str
    size: int
    etag: str


def corrupt(bucket: str, key: str, wanted: Expected) -> StoreFault:
    """Name the checksum that the bytes do not have."""
    return StoreFault(Kind.CORRUPT, f"the bytes fetched do not match the object's {wanted.algorithm}", bucket, key)


def summed(fd: int, offset: int, length: int, algorithm: str) -> bytes:
    """Give the checksum of a part of a file that may be anybody's; of what there is, if the file is shorter."""
    digest = checksums.new(algorithm)
    buffer = memoryview(bytearray(min(BLOCK, length)))
    end = offset + length
    while offset < end and (size := os.preadv(fd, [buffer[: end - offset]], offset)):
        digest.update(buffer[:size])
        offset += size
    return digest.digest()


def summed_mapped(fd: int, offset: int, length: int, algorithm: str) -> bytes:
    """Do the same without a copy, for a file that is ours alone: cutting off what is mapped ends a process (SIGBUS)."""
    digest = checksums.new(algorithm)
    end = offset + length
    while offset < end:
        size = min(MAPPED, end - offset)
        with mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ, offset=offset) as window:
            digest.update(window)
        offset += size
    return digest.digest()


class Verifier:
    """Reads files again. What takes long is summed by other threads, while bytes go on moving in this one.

    Both reading and the libraries of checksums let go of the interpreter's lock.
    """

    def __init__(self, loop: Loop, requests: Requests, how: Summing = summed) -> None:
        self._loop, self._requests, self._how = loop, requests, how
        self._threads = Slots(loop, THREADS)

    async def digest(self, fd: int, offset: int, length: int, algorithm: str) -> bytes:
        """Give the checksum of a part of a file."""
        if length <= AT_ONCE:
            return summed(fd, offset, length, algorithm)
        from processing_agent.engines.fast.waiting import aside  # noqa: PLC0415 - loaded only when it is needed

        await self._threads.take(1)
        try:
            digest: bytes = await aside(self._loop, lambda: self._how(fd, offset, length, algorithm))
        finally:
            self._threads.give(1)
        return digest

    async def verify(self, version: Version, fd: int, wanted: Expected | None) -> str:
        """Compare a whole file; give the name of what it was compared by.

        Raises:
            StoreFault: CORRUPT.
        """
        if wanted is None:
            return "length"
        if wanted.parts:
            matches = await self._composed_somehow(version, wanted, fd)
        else:
            digest = await self.digest(fd, 0, version.size, wanted.algorithm)
            matches = checksums.text(digest) == wanted.value
        if matches is None:
            return "length"
        if not matches:
            raise corrupt(version.bucket, version.key, wanted)
        return wanted.algorithm

    async def _composed_somehow(self, version: Version, wanted: Expected, fd: int) -> bool | None:
        """Try the ways in which the object may have been cut. None: the store does not say.

        Nearly all objects are cut evenly, so the first part's size tells; only if that does not match is every part
        asked for. A store that knows no `partNumber` answers it with the whole.
        """
        parts, size = wanted.parts, version.size
        first = await self._part_size(version, 1)
        even = [first] * (parts - 1) + [size - (parts - 1) * first]
        if 0 < even[-1] <= first and await self._matches(fd, even, wanted):
            return True
        if first == size:
            return None if parts > 1 else False
        sizes = [first] + [await self._part_size(version, number) for number in range(2, parts + 1)]
        return await self._matches(fd, sizes, wanted) if sum(sizes) == size else None

    async def _part_size(self, version: Version, number: int) -> int:
        answer = await self._requests.ask(calls.head(version.bucket, version.key, part=number, etag=version.etag))
        return int(answer.headers.get("content-length", "0"))

    async def _matches(self, fd: int, sizes: list[int], wanted: Expected) -> bool:
        digests = [
            await self.digest(fd, end - size, size, wanted.algorithm)
            for end, size in zip(accumulate(sizes), sizes, strict=True)
        ]
        return checksums.composed(wanted.algorithm, digests) == wanted.value
