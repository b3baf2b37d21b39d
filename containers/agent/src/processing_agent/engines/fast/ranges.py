"""One large object in ranges of one version, written at their offsets into one file; the journal keeps which."""

from __future__ import annotations

import os

from processing_agent.engines.fast import calls
from processing_agent.engines.fast.disk import RANGE_UNITS, TRIES, range_size, unwritable, write_at
from processing_agent.engines.fast.messages import FileSink
from processing_agent.engines.fast.slots import Group
from processing_agent.engines.fast.verifying import Version, corrupt
from processing_agent.light import TYPE_CHECKING, partial
from processing_agent.s3 import checksums
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from processing_agent.engines import Get
    from processing_agent.engines.fast.fetching import Fetcher
    from processing_agent.engines.fast.pipe import Pipe
    from processing_agent.s3.checksums import Digest, Expected
    from processing_agent.s3.http import Answer

PARTIAL = 206
NOTED = 2 << 20  # bytes of a range after which it is noted how far it is: what a kill loses of each


class RangeSink(FileSink):
    """Takes one range; a try that broke off is gone on with."""

    def __init__(
        self, get: Get, fd: int, at: int, end: int, *, digest: Digest | None, note: Callable[[int], None]
    ) -> None:
        """`note` is told now and then up to where the bytes are there."""
        self._get, self._fd, self._digest, self._note = get, fd, digest, note
        self.at = self._noted = at
        self.end = end
        self.is_spliced = False  # bytes went past the digest: it has to be taken of the file

    def span(self) -> str:
        """Give what is missing as a Range header."""
        return f"bytes={self.at}-{self.end - 1}"

    def begin(self, answer: Answer) -> None:
        """See `Sink`."""
        wanted = f"bytes {self.at}-{self.end - 1}/"
        if answer.status != PARTIAL or not answer.headers.get("content-range", wanted).startswith(wanted):
            detail = f"{wanted} was asked for, another range came"  # what lies beyond it is another range's
            raise StoreFault(Kind.UNAVAILABLE, detail, self._get.bucket, self._get.key, answer.status)

    def write(self, block: memoryview) -> None:
        """See `Sink`."""
        block = block[: self.end - self.at]
        if self._digest is not None:
            self._digest.update(block)
        write_at(self._fd, block, self.at, self._get)
        self._advance(len(block))

    def splice(self, pipe: Pipe, size: int) -> None:
        """See `FileSink`."""
        self.is_spliced = True
        try:
            pipe.give(self._fd, self.at, size)
        except OSError as error:
            raise unwritable(error, self._get) from None
        self._advance(size)

    def _advance(self, size: int) -> None:
        self.at += size
        if self.at - self._noted >= NOTED:
            self._noted = self.at
            self._note(self.at)


class RangedGet:
    """Fetches one object. Checksums that can be joined are taken of each range on its way; others at the end."""

    def __init__(self, fetcher: Fetcher, get: Get) -> None:
        self._fetcher, self._get = fetcher, get
        self._fd = -1
        self._version = Version(get.bucket, get.key, get.size, get.etag)
        self._piece = range_size(get.size)
        self._wanted: Expected | None = None
        self._digests: dict[int, bytes] = {}
        self._there: dict[int, int] = {}  # bytes of each range
        self._moved = 0
        self._fault: StoreFault | None = None

    async def spread(self) -> None:
        """Begin all ranges as there is room; the last one to end finishes the object."""
        try:
            missing = await self._begin(TRIES)
        except BaseException:
            self._close()
            raise
        group = Group(self._fetcher.slots, lambda: self._fetcher.guarded(self._get, self._finish))
        for number in missing:
            await group.spawn(RANGE_UNITS, partial(self._range_unless_failed, number))
        await group.leave()

    async def _finish(self) -> None:
        try:
            verified = await self._verified()
            self._fetcher.complete(self._get, self._version.size, verified)
        finally:
            self._close()

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    async def _begin(self, tries: int) -> list[int]:
        get, fetcher = self._get, self._fetcher
        head = await fetcher.requests.ask(calls.head(get.bucket, get.key))
        size = int(head.headers.get("content-length", "0"))
        self._version = version = Version(get.bucket, get.key, size, head.headers.get("etag", ""))
        self._piece = range_size(size)
        self._wanted = calls.expected_of(head)
        self._digests.clear()
        if self._fd < 0:
            self._fd = fetcher.into.create(get.temporary)
        there = self._known_ranges() if tries == TRIES else {}
        if not there:
            os.ftruncate(self._fd, 0)
            fetcher.journal.note(get.ordinal, "version", version.etag, size, self._piece)
        os.ftruncate(self._fd, size)
        fetcher.observer.moved(-self._moved)
        self._moved, self._fault = 0, None
        self._there = {number: min(offset, self._length(number)) for number, offset in there.items()}
        self._add(sum(self._there.values()))
        return [number for number in range(-(-size // self._piece)) if self._there.get(number) != self._length(number)]

    def _known_ranges(self) -> dict[int, int]:
        """Give how much of each range an earlier run has left."""
        there: dict[int, int] = {}
        same = False
        wanted = [self._version.etag, self._version.size, self._piece]
        for kind, *values in self._fetcher.journal.notes(self._get.ordinal):
            if kind == "version":
                same, there = values == wanted, {}
            elif kind == "range":
                there[values[0]] = self._piece
            elif kind == "reached":
                number, offset = values
                there[number] = offset
        return there if same and os.fstat(self._fd).st_size == self._version.size else {}

    def _length(self, number: int) -> int:
        return min(self._piece, self._version.size - number * self._piece)

    def _add(self, size: int) -> None:
        self._moved += size
        self._fetcher.observer.moved(size)

    async def _range_unless_failed(self, number: int) -> None:
        if self._fault is None:
            try:
                await self._range(number)
            except StoreFault as fault:
                self._fault = fault

    async def _range(self, number: int) -> None:
        get, begin, length = self._get, number * self._piece, self._length(number)
        there = self._there.get(number, 0)
        digest = checksums.new(self._wanted.algorithm) if self._wanted and self._can_join else None

        def note(at: int) -> None:
            self._fetcher.journal.note(get.ordinal, "reached", number, at - begin)

        sink = RangeSink(get, self._fd, begin + there, begin + length, digest=digest, note=note)
        await self._fetcher.requests.ask(calls.get_range(get.bucket, get.key, self._version.etag, sink, sink.span))
        if sink.at != sink.end:
            detail = f"{sink.at - begin} bytes came for {length}"
            raise StoreFault(Kind.UNAVAILABLE, detail, get.bucket, get.key)
        self._fetcher.journal.note(get.ordinal, "range", number)
        if digest is not None and self._wanted is not None:
            if sink.is_spliced or there:
                self._digests[number] = await self._fetcher.verifier.digest(
                    self._fd, begin, length, self._wanted.algorithm
                )
            else:
                self._digests[number] = digest.digest()
        self._there[number] = length
        self._add(length - there)

    @property
    def _can_join(self) -> bool:
        wanted = self._wanted
        return wanted is not None and not wanted.parts and wanted.algorithm in checksums.JOINABLE

    async def _verified(self) -> str:
        for left in reversed(range(TRIES)):
            try:
                if self._fault is not None:
                    raise self._fault
                return await self._compare()
            except StoreFault as fault:
                if not left or fault.kind not in {Kind.CHANGED, Kind.CORRUPT}:
                    raise
            # overwritten meanwhile, or a range that a lost machine never wrote: all of it anew, one after the other
            for number in await self._begin(left):
                await self._range_unless_failed(number)
        raise AssertionError

    async def _compare(self) -> str:
        wanted, verifier = self._wanted, self._fetcher.verifier
        if wanted is None or not self._can_join:
            return await verifier.verify(self._version, self._fd, wanted)
        pieces = []
        for number in range(-(-self._version.size // self._piece)):
            length = self._length(number)
            digest = self._digests.get(number)  # of an earlier run's ranges there is none
            if digest is None:
                digest = await verifier.digest(self._fd, number * self._piece, length, wanted.algorithm)
            pieces.append((digest, length))
        if checksums.text(checksums.joined(wanted.algorithm, pieces)) != wanted.value:
            raise corrupt(self._version.bucket, self._version.key, wanted)
        return wanted.algorithm
