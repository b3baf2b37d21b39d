"""Objects to files: small ones by one GET, large ones by ranges."""

from __future__ import annotations

import os

from processing_agent.engines.fast import calls
from processing_agent.engines.fast.disk import RANGE, RANGE_UNITS, TRIES, UNITS, units_of, unwritable, write_at
from processing_agent.engines.fast.quick import MOST, Quick
from processing_agent.engines.fast.slots import Slots
from processing_agent.engines.fast.verifying import Verifier, Version, corrupt, summed_mapped
from processing_agent.light import TYPE_CHECKING, partial
from processing_agent.paths import Places
from processing_agent.s3 import checksums
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from typing import Any

    from processing_agent.engines import Get, Observer
    from processing_agent.engines.fast.loop import Loop
    from processing_agent.engines.fast.quick import Begun
    from processing_agent.engines.fast.requests import Requests
    from processing_agent.engines.fast.slots import Work
    from processing_agent.journal import Journal
    from processing_agent.paths import Beneath
    from processing_agent.s3.checksums import Digest, Expected
    from processing_agent.s3.http import Answer


class WholeSink:
    """Takes a whole object, and its checksum on the way where it is one of the whole."""

    def __init__(self, get: Get, fd: int) -> None:
        self._get, self._fd = get, fd
        self.wanted: Expected | None = None
        self._digest: Digest | None = None
        self.size = 0
        self.etag = ""

    def begin(self, answer: Answer) -> None:
        """See `Sink`: each try begins anew."""
        if self.size:
            os.ftruncate(self._fd, 0)
        self.size, self.etag = 0, answer.headers.get("etag", "")
        self.wanted = wanted = calls.expected_of(answer)
        self._digest = checksums.new(wanted.algorithm) if wanted and not wanted.parts else None

    def write(self, block: memoryview) -> None:
        """See `Sink`."""
        if self._digest is not None:
            self._digest.update(block)
        write_at(self._fd, block, self.size, self._get)
        self.size += len(block)

    def compare(self) -> None:
        """Raise CORRUPT if the checksum taken on the way is another than the object's."""
        if self.wanted and self._digest and checksums.text(self._digest.digest()) != self.wanted.value:
            raise corrupt(self._get.bucket, self._get.key, self.wanted)


class QuickGet(Quick):
    """A small object: written when it is whole and verified."""

    __slots__ = ("_fetcher", "_get")

    def __init__(self, fetcher: Fetcher, get: Get) -> None:
        super().__init__(fetcher.requests)
        self._fetcher, self._get = fetcher, get

    def take(self, answer: Answer, body: memoryview) -> bool:
        """See `Quick`."""
        wanted = calls.expected_of(answer)
        if wanted is not None and (wanted.parts or checksums.of(wanted.algorithm, body) != wanted.value):
            return False
        get, fetcher = self._get, self._fetcher
        try:
            fd = fetcher.into.create(get.temporary, os.O_TRUNC)
            try:
                if os.write(fd, body) != len(body):
                    return False  # the disk is full: the next write says so
            finally:
                os.close(fd)
            fetcher.complete(get, len(body), wanted.algorithm if wanted else "length")
            fetcher.observer.moved(len(body))
        except OSError:
            return False  # it will happen again, where it is told about
        fetcher.slots.give(units_of(get.size, RANGE_UNITS))
        return True

    def hand_over(self, begun: Begun) -> None:
        """See `Quick`."""
        self._fetcher.spawn(self._get, begun)


class Fetcher:
    """Fetches objects; shared by all of one `fetch`."""

    def __init__(self, loop: Loop, requests: Requests, observer: Observer, into: Beneath, journal: Journal) -> None:
        self.loop, self.requests, self.observer = loop, requests, observer
        self.into, self.journal = Places(into), journal
        self.slots = Slots(loop, UNITS)
        self.verifier = Verifier(loop, requests, summed_mapped)

    @staticmethod
    def fields(get: Get) -> tuple[Any, ...] | None:
        """Give what makes an object again in another process; None for one that is fetched in ranges."""
        if get.size > RANGE:
            return None
        return get.ordinal, get.bucket, get.key, get.size, get.etag, get.temporary, get.path

    async def begin(self, get: Get) -> None:
        """Fetch it as soon as there is room; it ends in `observer.finished` or `observer.failed`."""
        if get.size <= RANGE:
            await self.slots.take(units_of(get.size, RANGE_UNITS))
            if get.size > MOST or not self._begins(get):
                self.spawn(get)
        else:
            from processing_agent.engines.fast.ranges import RangedGet  # noqa: PLC0415 - small objects do without

            await self.guarded(get, RangedGet(self, get).spread)

    async def finish(self) -> None:
        """Wait until all that was begun has ended."""
        await self.slots.all_given()

    def _begins(self, get: Get) -> bool:
        try:
            return self.requests.begins(calls.get(get.bucket, get.key, get.etag), QuickGet(self, get))
        except StoreFault:
            return False  # it will be raised again, where it is told about

    def spawn(self, get: Get, begun: Begun | None = None) -> None:
        """Fetch an object by one request, in room that was taken for it; `begun`: go on with this."""
        work = partial(self.guarded, get, partial(self._small, get, begun))
        self.loop.spawn(self.slots.giving_back(units_of(get.size, RANGE_UNITS), work))

    def close(self) -> None:
        """Let go of what was kept open."""
        self.into.close()

    async def guarded(self, get: Get, work: Work) -> None:
        """Turn an object's fault into the observer's decision."""
        try:
            await work()
        except StoreFault as fault:
            self.observer.failed(get.ordinal, fault)
        except OSError as error:
            self.observer.failed(get.ordinal, unwritable(error, get))

    async def _small(self, get: Get, begun: Begun | None) -> None:
        fd = self.into.create(get.temporary)
        try:
            os.ftruncate(fd, 0)
            verified, size = await self._whole(get, fd, begun)
            self.observer.moved(size)
            self.complete(get, size, verified)
        finally:
            os.close(fd)

    async def _whole(self, get: Get, fd: int, begun: Begun | None) -> tuple[str, int]:
        sink, etag = WholeSink(get, fd), get.etag
        for left in reversed(range(TRIES)):
            try:
                was, begun = begun, None
                await self.requests.ask(calls.get(get.bucket, get.key, etag, sink), was)
                sink.compare()
                wanted = sink.wanted
                if wanted is not None and wanted.parts:
                    version = Version(get.bucket, get.key, sink.size, sink.etag)
                    return await self.verifier.verify(version, fd, wanted), sink.size
            except StoreFault as fault:
                if not left or fault.kind not in {Kind.CHANGED, Kind.CORRUPT}:
                    raise
                if fault.kind is Kind.CHANGED:
                    etag = ""  # one answer is one version: take what is there now, whole
            else:
                return wanted.algorithm if wanted else "length", sink.size
        raise AssertionError

    def complete(self, get: Get, size: int, verified: str) -> None:
        """Say done, then rename: a kill in between leaves a verified file that the next run only has to rename."""
        self.journal.done(get.ordinal)
        self.into.rename(get.temporary, get.path)
        self.observer.finished(get.ordinal, size, verified)
