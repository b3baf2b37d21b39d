"""What moves bytes: lists, fetches, puts in bulk. Where things land and what a failure means is decided above.

The caller hands over requests as an iterator, so an engine may run ahead as far as it likes and hold as little as it
likes in memory; it reports through an `Observer`, one call at a time. An engine retries what time may heal until the
`Watch` says stop, and keeps in the `Journal` what must not be done twice.
"""

from __future__ import annotations

import os

from processing_agent.light import TYPE_CHECKING, Protocol, record
from processing_agent.s3.addresses import OPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from processing_agent.credentials import KeySource
    from processing_agent.journal import Journal
    from processing_agent.paths import Beneath
    from processing_agent.s3.faults import StoreFault
    from processing_agent.watch import Watch


@record(frozen=True, slots=True)
class Store:
    """Where the store is. `endpoint` None: AWS. `addressing`: Path, VirtualHost or Auto. `guard`: `s3.addresses`."""

    endpoint: str | None = None
    region: str | None = None
    addressing: str = "Auto"
    ca_bundle: str | None = None
    guard: str = OPEN


# One object of a listing: its key, its size, its ETag with the quotes, as the store gave it.
Listed = tuple[str, int, str]


@record(frozen=True, slots=True)
class Get:
    """One object to become one file. `temporary` and `path` are below the workspace."""

    ordinal: int
    bucket: str
    key: str
    size: int
    etag: str
    temporary: str
    path: str


@record(frozen=True, slots=True)
class Put:
    """One file to become one object. `doubtful`: an earlier run may have sent it and died before saying so."""

    ordinal: int
    bucket: str
    key: str
    path: str
    size: int
    doubtful: bool = False


@record(frozen=True, slots=True)
class PutStream:
    """Bytes made on the way (an archive). `open` begins them anew: the same bytes each time, unless a file changed."""

    ordinal: int
    bucket: str
    key: str
    open: Callable[[], Iterator[bytes]]


class Observer(Protocol):
    """Told of everything, never by two threads at once."""

    def moved(self, size: int) -> None:
        """So many bytes more have arrived; negative when they must be moved again."""

    def finished(self, ordinal: int, size: int, verified: str) -> None:
        """An object is complete; `verified` names what its bytes were compared with (`length` if nothing better)."""

    def failed(self, ordinal: int, fault: StoreFault) -> None:
        """An object failed for good. Raise to end the whole transfer; return to go on with the others."""

    def retrying(self, fault: StoreFault) -> None:
        """A request failed and will be tried again."""

    def recovered(self) -> None:
        """The store answers again."""


class Engine(Protocol):
    """The interface of `reference` (boto3) and whatever is faster."""

    in_flight: int  # objects that may be under way at once: so many at most are doubtful after a kill

    def list(self, bucket: str, prefix: str) -> Iterator[Listed]:
        """Give every object whose key begins with `prefix`, in any order.

        Raises:
            StoreFault: denied, no such bucket, rejected.
        """

    def fetch(self, requests: Iterable[Get], into: Beneath, journal: Journal) -> None:
        """Fetch objects: each whole from one version, verified, then under its final name and `done` in the journal."""

    def put(self, requests: Iterable[Put | PutStream], source: Beneath, journal: Journal) -> None:
        """Send files: each with a checksum that the store compares, then `done` in the journal."""

    def close(self) -> None:
        """Let go of connections and threads."""


def open_engine(store: Store, keys: KeySource, watch: Watch, observer: Observer) -> Engine:
    """Give the engine in use: `PROCESSING_ENGINE`, `fast` (the default) or `reference`.

    Imported here and not above: the reference engine brings boto3, which takes 0.4 s to load.

    Raises:
        ValueError: there is no such engine.
    """
    chosen = os.environ.get("PROCESSING_ENGINE") or "fast"
    if chosen not in ("reference", "fast"):
        raise ValueError(f"PROCESSING_ENGINE is {chosen!r}: it must be reference or fast")
    if chosen == "fast":
        from processing_agent.engines.fast import FastEngine  # noqa: PLC0415 - loaded only when it is needed

        return FastEngine(store, keys, watch, observer)
    from processing_agent.engines.reference import ReferenceEngine  # noqa: PLC0415 - loaded only when it is needed

    return ReferenceEngine(store, keys, watch, observer)
