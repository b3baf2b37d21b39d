"""Objects to files: small ones by one GET, large ones by ranges of one version."""

from __future__ import annotations

import contextlib
import errno
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from processing_agent.engines.reference.crew import Crew, Group
from processing_agent.engines.reference.verifying import Version, corrupt, expected_of, verify_file
from processing_agent.s3 import checksums
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from processing_agent.engines import Get, Observer
    from processing_agent.engines.reference.requests import Requests
    from processing_agent.journal import Journal
    from processing_agent.paths import Beneath
    from processing_agent.s3.checksums import Expected

PIECE = 8 << 20  # bytes of a range; smaller objects are fetched by one request
BLOCK = 1 << 20
TRIES = 4  # versions seen, or wrong checksums, before an object fails


class Fetcher:
    """Fetches one object after another on the crew's threads."""

    def __init__(self, requests: Requests, observer: Observer, crew: Crew, into: Beneath, journal: Journal) -> None:
        self.requests, self.observer, self.into, self.journal = requests, observer, into, journal
        self._crew = crew

    def fetch(self, get: Get) -> None:
        """Begin an object; it ends in `observer.finished` or `observer.failed`."""
        if get.size <= PIECE:
            self._crew.submit(lambda: self.guarded(get, lambda: self._small(get)))
        else:
            self.guarded(get, lambda: LargeFetch(self, get).spread(self._crew))

    def guarded(self, get: Get, work: Callable[[], None]) -> None:
        """Turn an object's fault into the observer's decision."""
        try:
            work()
        except StoreFault as fault:
            self.observer.failed(get.ordinal, fault)
        except OSError as error:
            self.observer.failed(get.ordinal, disk_fault(error, get))

    def _small(self, get: Get) -> None:
        fd = self.into.create(get.temporary)
        try:
            verified, size = self._streamed(get, fd)
            self.observer.moved(size)
            self.complete(get, size, verified)
        finally:
            os.close(fd)

    def _streamed(self, get: Get, fd: int) -> tuple[str, int]:
        condition = {"IfMatch": get.etag} if get.etag else {}
        for left in reversed(range(TRIES)):
            try:
                return self._stream_once(get, fd, condition)
            except StoreFault as fault:
                if not left or fault.kind not in {Kind.CHANGED, Kind.CORRUPT}:
                    raise
                if fault.kind is Kind.CHANGED:
                    condition = {}  # one answer is one version: take what is there now, whole
        raise AssertionError

    def _stream_once(self, get: Get, fd: int, condition: dict[str, str]) -> tuple[str, int]:
        answer, wanted, size = self.requests.ask(get.bucket, get.key, lambda s3: _stream(s3, get, fd, condition))
        if wanted is not None and wanted.parts:
            return verify_file(self.requests, Version(get.bucket, get.key, size, answer["ETag"]), fd, wanted), size
        return wanted.algorithm if wanted else "length", size

    def complete(self, get: Get, size: int, verified: str) -> None:
        """Say done, then rename: a kill in between leaves a verified file that the next run only has to rename."""
        self.journal.done(get.ordinal)
        self.into.rename(get.temporary, get.path)
        self.observer.finished(get.ordinal, size, verified)


def _stream(s3: Any, get: Get, fd: int, condition: dict[str, str]) -> tuple[dict[str, Any], Expected | None, int]:
    answer = s3.get_object(Bucket=get.bucket, Key=get.key, ChecksumMode="ENABLED", **condition)
    wanted = expected_of(answer)
    digest = checksums.new(wanted.algorithm) if wanted and not wanted.parts else None
    os.ftruncate(fd, 0)
    size = 0
    for block in answer["Body"].iter_chunks(BLOCK):
        write_at(fd, block, size, get)
        size += len(block)
        if digest is not None:
            digest.update(block)
    if size != answer["ContentLength"]:
        raise StoreFault(Kind.UNAVAILABLE, "the answer was cut short", get.bucket, get.key)
    if wanted is not None and digest is not None and checksums.text(digest.digest()) != wanted.value:
        raise corrupt(get.bucket, get.key, wanted)
    return answer, wanted, size


def write_at(fd: int, block: bytes, offset: int, get: Get) -> None:
    """Write, telling the disk's errors from the network's."""
    try:
        view = memoryview(block)
        while view:
            written = os.pwrite(fd, view, offset)
            view, offset = view[written:], offset + written
    except OSError as error:
        raise disk_fault(error, get) from error


def disk_fault(error: OSError, get: Get) -> StoreFault:
    """Say what the disk said; its symbol is the code."""
    symbol = errno.errorcode.get(error.errno or 0, "")
    return StoreFault(Kind.LOCAL, f"cannot be written: {error.strerror or error}", get.bucket, get.key, code=symbol)


class LargeFetch:
    """One object in ranges, written at their offsets into one file. The journal keeps which ranges are there."""

    def __init__(self, fetcher: Fetcher, get: Get) -> None:
        self._fetcher, self._get = fetcher, get
        self._requests, self._observer, self._journal = fetcher.requests, fetcher.observer, fetcher.journal
        self._fd = -1
        self._etag, self._size = get.etag, get.size
        self._wanted: Expected | None = None
        self._moved = 0
        self._fault: StoreFault | None = None

    def spread(self, crew: Crew) -> None:
        """Share the ranges among the crew; the thread of the last one finishes the object."""
        try:
            missing = self._begin(TRIES)
        except BaseException:
            if self._fd >= 0:
                os.close(self._fd)
            raise
        group = Group(crew, lambda: self._fetcher.guarded(self._get, self._finish))
        for number in missing:
            group.submit(partial(self._range_unless_failed, number))
        group.seal()

    def _begin(self, tries: int) -> list[int]:
        get = self._get
        head = self._requests.ask(
            get.bucket, get.key, lambda s3: s3.head_object(Bucket=get.bucket, Key=get.key, ChecksumMode="ENABLED")
        )
        self._etag, self._size, self._wanted = head["ETag"], head["ContentLength"], expected_of(head)
        if self._fd < 0:
            self._fd = self._fetcher.into.create(get.temporary)
        there = self._known_ranges() if tries == TRIES else set()
        if not there:
            os.ftruncate(self._fd, 0)
            self._journal.note(get.ordinal, "version", self._etag, self._size, PIECE)
        os.ftruncate(self._fd, self._size)
        self._observer.moved(-self._moved)
        self._moved, self._fault = 0, None
        count = -(-self._size // PIECE)
        self._add(sum(self._length(n) for n in there))
        return [number for number in range(count) if number not in there]

    def _known_ranges(self) -> set[int]:
        there: set[int] = set()
        same = False
        for kind, *values in self._journal.notes(self._get.ordinal):
            if kind == "version":
                same, there = values == [self._etag, self._size, PIECE], set()
            elif kind == "range":
                there.add(values[0])
        return there if same and os.fstat(self._fd).st_size == self._size else set()

    def _length(self, number: int) -> int:
        return min(PIECE, self._size - number * PIECE)

    def _add(self, size: int) -> None:
        self._moved += size
        self._observer.moved(size)

    def _range_unless_failed(self, number: int) -> None:
        if self._fault is None:
            try:
                self._range(number)
            except StoreFault as fault:
                self._fault = fault

    def _range(self, number: int) -> None:
        get, begin, length = self._get, number * PIECE, self._length(number)

        def read(s3: Any) -> None:
            span = f"bytes={begin}-{begin + length - 1}"
            answer = s3.get_object(Bucket=get.bucket, Key=get.key, Range=span, IfMatch=self._etag)
            at, end = begin, begin + length
            with contextlib.closing(answer["Body"]) as body:
                for block in body.iter_chunks(BLOCK):
                    if at + len(block) > end:  # a range may be ignored: what lies beyond it is another range's
                        raise StoreFault(Kind.UNAVAILABLE, f"more came than {length} bytes", get.bucket, get.key)
                    write_at(self._fd, block, at, get)
                    at += len(block)
            if at != end:
                raise StoreFault(Kind.UNAVAILABLE, f"{at - begin} bytes came for {length}", get.bucket, get.key)

        self._requests.ask(get.bucket, get.key, read)
        self._journal.note(get.ordinal, "range", number)
        self._add(length)

    def _finish(self) -> None:
        get = self._get
        try:
            verified = self._verified()
            self._fetcher.complete(get, self._size, verified)
        finally:
            os.close(self._fd)

    def _verified(self) -> str:
        for left in reversed(range(TRIES)):
            try:
                if self._fault is not None:
                    raise self._fault
                version = Version(self._get.bucket, self._get.key, self._size, self._etag)
                return verify_file(self._requests, version, self._fd, self._wanted)
            except StoreFault as fault:
                if not left or fault.kind not in {Kind.CHANGED, Kind.CORRUPT}:
                    raise
            # overwritten meanwhile, or a range that a lost machine never wrote: all of it anew, in this thread
            for number in self._begin(left):
                self._range_unless_failed(number)
        raise AssertionError
