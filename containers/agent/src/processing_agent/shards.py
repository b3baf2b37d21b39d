"""Which of an input's objects are whose, when several hosts share it (SageMaker's `ShardedByS3Key`).

Each of n hosts gets about 1/n of the objects, not of the bytes; more hosts than objects leaves some with nothing, and
that is fine. Which object goes where SageMaker does not say: here the i-th by key goes to host i mod n, so that every
host finds the same by itself. A folder's object is nobody's share: it brings no data, and the directory is made
everywhere. Names are checked on every host for all objects, so that all hosts come to the same end.
"""

from __future__ import annotations

from processing_agent.light import TYPE_CHECKING
from processing_agent.spool import SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from processing_agent.engines import Listed
    from processing_agent.light import Path


class Deal:
    """Deals one input's objects out, in the order of their keys. `shard`: index and count of hosts; None: all here."""

    def __init__(self, shard: tuple[int, int] | None) -> None:
        self._index, self._count = shard or (0, 1)
        self._dealt = 0

    def next_is_ours(self) -> bool:
        """Take the next object; tell whether it is this host's."""
        host = self._dealt % self._count
        self._dealt += 1
        return host == self._index


def in_key_order(listing: Iterable[Listed], path: Path) -> Iterator[Listed]:
    """Sort a listing by key, on the disk at `path`: not every store lists in the order of bytes, as S3 promises.

    Text compares by code points, which is the order of its UTF-8 bytes.
    """
    spool = SpoolWriter(path)
    try:
        for key, size, etag in listing:
            spool.add([key, 0, size, etag])
        for key, _, size, etag in spool.in_order():
            yield key, size, etag
    finally:
        spool.discard()
