"""The fast engine: our own HTTP over non-blocking sockets. Its rules are the reference engine's."""

from __future__ import annotations

from itertools import chain

from processing_agent.engines.fast import calls
from processing_agent.engines.fast.disk import UNITS
from processing_agent.engines.fast.fetching import Fetcher
from processing_agent.engines.fast.loop import Loop
from processing_agent.engines.fast.requests import Requests
from processing_agent.light import TYPE_CHECKING
from processing_agent.s3 import xml
from processing_agent.watch import StopAsked, TimeUp, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, NoReturn

    from processing_agent.credentials import KeySource
    from processing_agent.engines import Get, Listed, Observer, Put, PutStream, Store
    from processing_agent.engines.fast.crew import Crew
    from processing_agent.engines.fast.putting import Putter
    from processing_agent.engines.fast.work import Link
    from processing_agent.journal import Journal
    from processing_agent.paths import Beneath

    Maker = Callable[[Loop, Requests, Observer], Any]

# small objects, or steps of larger ones, from which on a worker's start, a few milliseconds, is soon made good
MANY, STEP = 256, 256 << 10


class FastEngine:
    """Implements `processing_agent.engines.Engine`."""

    in_flight = 4 * UNITS  # of this process, of two workers, and what these have taken and not begun

    def __init__(self, store: Store, keys: KeySource, watch: Watch, observer: Observer) -> None:
        self._store, self._keys, self._watch, self._observer = store, keys, watch, observer
        self._loop = Loop(self._tick)
        self._requests = Requests(self._loop, store, keys, watch, observer)
        self._crew: Crew | None = None

    def _tick(self) -> None:
        self._watch.check()
        self._requests.pool.check()
        if self._crew is not None:
            self._crew.check()

    def list(self, bucket: str, prefix: str) -> Iterator[Listed]:
        """Give every object whose key begins with `prefix`, page by page."""
        token = ""
        while True:
            self._watch.check()
            page = self._loop.run(self._page(bucket, prefix, token))
            yield from page.objects
            token = page.token
            if not token:
                return

    async def _page(self, bucket: str, prefix: str, token: str) -> xml.Page:
        return await self._requests.read(calls.list_page(bucket, prefix, token), xml.page)

    def fetch(self, requests: Iterable[Get], into: Beneath, journal: Journal) -> None:
        """Fetch objects; the first exception of the observer ends it."""

        def make(loop: Loop, asking: Requests, observer: Observer) -> Fetcher:
            return Fetcher(loop, asking, observer, into, journal)

        self._watch.check()
        fetcher = make(self._loop, self._requests, self._observer)
        try:
            self._loop.run(self._move(fetcher, requests, make))
        finally:
            fetcher.close()

    def put(self, requests: Iterable[Put | PutStream], source: Beneath, journal: Journal) -> None:
        """Send files and streams.

        When time is over, unfinished uploads in parts are aborted; after any other exception they stay, for the next
        run to go on with.
        """
        from processing_agent.engines.fast.putting import Putter  # noqa: PLC0415 - fetch starts without it

        def make(loop: Loop, asking: Requests, observer: Observer) -> Putter:
            return Putter(loop, asking, observer, source, journal)

        putter = make(self._loop, self._requests, self._observer)
        self._watch.check()
        try:
            self._loop.run(self._move(putter, requests, make))
        except (TimeUp, StopAsked, KeyboardInterrupt):
            self._loop.tick = self._requests.pool.check  # time is over already: this is the last thing to do
            self._loop.run(putter.abort_open())
            raise
        finally:
            putter.close()

    async def _move(self, mover: Fetcher | Putter, items: Iterable[Any], make: Maker) -> None:
        """Move all: by a crew what takes one request, if there is enough of it."""
        coming = iter(items)
        try:
            for item in chain(self._begin_of(coming, mover, make), coming):
                fields = mover.fields(item)
                if fields is None or self._crew is None:
                    await mover.begin(item)
                else:
                    await self._crew.give(item, fields)
            if self._crew is not None:
                await self._crew.finish()
            await mover.finish()
        finally:
            if self._crew is not None:
                self._crew.close()
                self._crew = None

    def _begin_of(self, items: Iterator[Any], mover: Fetcher | Putter, make: Maker) -> Iterable[Any]:
        """Take items until it is known whether a crew is worth it, and hire it then."""
        seen, steps = [], 0
        for item in items:
            seen.append(item)
            if mover.fields(item) is not None:
                steps += 1 + item.size // STEP
                if steps >= MANY:
                    self._crew = self._hire(make, type(item))
                    break
        return seen

    def _hire(self, make: Maker, kind: type[Get | Put]) -> Crew | None:
        from processing_agent.engines.fast.crew import Crew, workers  # noqa: PLC0415 - loaded only for many objects

        def labour(link: Link) -> NoReturn:
            from processing_agent.engines.fast.work import Worker  # noqa: PLC0415 - loaded only in a worker

            self._requests.pool.forsake()
            Worker(link, self._store, self._keys).labour(make, kind)

        return Crew(self._loop, self._watch, self._observer, labour) if workers() else None

    def close(self) -> None:
        """Let go of the connections."""
        self._requests.pool.close()
        self._loop.close()
