"""The reference engine: boto3, four threads, pieces of 8 MiB. Simple before fast; the oracle of the tests."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from processing_agent.engines.reference.crew import BACKLOG, THREADS, Crew
from processing_agent.engines.reference.fetching import Fetcher
from processing_agent.engines.reference.putting import Putter
from processing_agent.engines.reference.requests import Requests
from processing_agent.engines.reference.serial import Serial
from processing_agent.watch import StopAsked, TimeUp, Watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from processing_agent.credentials import KeySource
    from processing_agent.engines import Get, Listed, Observer, Put, PutStream, Store
    from processing_agent.journal import Journal
    from processing_agent.paths import Beneath


def _page(bucket: str, prefix: str, token: dict[str, str], s3: Any) -> dict[str, Any]:
    page: dict[str, Any] = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, **token)
    return page


class ReferenceEngine:
    """Implements `processing_agent.engines.Engine`."""

    in_flight = THREADS + BACKLOG

    def __init__(self, store: Store, keys: KeySource, watch: Watch, observer: Observer) -> None:
        self._observer = Serial(observer)
        self._watch = watch
        self._requests = Requests(store, keys, watch, self._observer)

    def list(self, bucket: str, prefix: str) -> Iterator[Listed]:
        """Give every object whose key begins with `prefix`, page by page."""
        token: dict[str, str] = {}
        while True:
            answer = self._requests.ask(bucket, prefix, partial(_page, bucket, prefix, token))
            for found in answer.get("Contents", ()):
                yield found["Key"], found["Size"], found.get("ETag", "")
            if not answer.get("IsTruncated"):
                return
            token = {"ContinuationToken": answer["NextContinuationToken"]}

    def fetch(self, requests: Iterable[Get], into: Beneath, journal: Journal) -> None:
        """Fetch objects; the first exception of the observer ends it."""
        with Crew(self._watch.stop) as crew:
            fetcher = Fetcher(self._requests, self._observer, crew, into, journal)
            for request in requests:
                self._watch.check()
                fetcher.fetch(request)

    def put(self, requests: Iterable[Put | PutStream], source: Beneath, journal: Journal) -> None:
        """Send files and streams.

        When time is over, unfinished uploads in parts are aborted; after any other exception they stay, for the next
        run to go on with.
        """
        putter = Putter(self._requests, self._observer, source, journal)
        try:
            with Crew(self._watch.stop) as crew:
                for request in requests:
                    self._watch.check()
                    putter.put(request, crew)
        except (TimeUp, StopAsked, KeyboardInterrupt):
            putter.abort_open()
            raise

    def close(self) -> None:
        """Let go of the connections."""
        self._requests.close()
