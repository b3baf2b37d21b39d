"""Lists that are too long for memory: written to disk as they come, read back in order of writing or sorted.

Neither a listing nor a directory walk has an order that may be relied on (S3 promises byte order of keys; some stores
list directory by directory). So entries are sorted in chunks before they are written, and the chunks are merged on
reading: memory does not grow with the number of entries.
"""

from __future__ import annotations

import heapq
import os
import time

from processing_agent.light import TYPE_CHECKING, Path
from processing_agent.quick_json import dumps, loads

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Entry = list[Any]  # what JSON can hold; the first two elements are the sort key

CHUNK = 10_000  # entries in memory at once: some 4 MB
LINE = 256  # entries of a line: reading one line costs as much as reading ten entries of it
END = "end"


def _order(entry: Entry) -> tuple[Any, Any]:
    return entry[0], entry[1]


def _own_partial(path: Path) -> Path:
    """A temporary name that no other run has: one may live on beside this one (see `journal`). Its leftovers go."""
    begins, ends = f"{path.name}.", ".partial"
    for left in path.parent.iterdir():
        if left.name.startswith(begins) and left.name.endswith(ends):
            left.unlink()
    return path.with_name(f"{begins}{time.monotonic_ns()}{ends}")


class SpoolWriter:
    """Writes a spool under a temporary name; `commit` gives it its own name, with an end mark, flushed to the disk."""

    def __init__(self, path: Path, chunk: int = CHUNK) -> None:
        self._path = path
        self._partial = _own_partial(path)
        self._file = self._partial.open("w", encoding="utf-8")
        self._chunk = chunk
        self._pending: list[Entry] = []
        self._runs: list[tuple[int, int]] = []
        self._last: tuple[Any, Any] | None = None
        self.count = 0

    def add(self, entry: Entry) -> None:
        """Take one more entry."""
        self._pending.append(entry)
        self.count += 1
        if len(self._pending) >= self._chunk:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        self._pending.sort(key=_order)
        begin = self._file.tell()
        for first in range(0, len(self._pending), LINE):
            self._file.write(dumps(self._pending[first : first + LINE]) + "\n")
        if self._runs and self._last is not None and self._last <= _order(self._pending[0]):
            begin = self._runs.pop()[0]  # still ascending: one longer run
        self._runs.append((begin, self._file.tell()))
        self._last = _order(self._pending[-1])
        self._pending.clear()

    def in_order(self) -> Iterator[Entry]:
        """Give all entries so far, sorted."""
        self._flush()
        self._file.flush()
        yield from heapq.merge(*(_read(self._partial, begin, end) for begin, end in self._runs), key=_order)

    def commit(self) -> Spool:
        """Finish: what stands under the spool's name is always whole."""
        self._flush()
        self._file.write(dumps([END, self.count]) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._partial.replace(self._path)
        return Spool(self._path)

    def close(self) -> None:
        """Give up or finish; harmless after `commit`."""
        self._file.close()

    def discard(self) -> None:
        """Give up a spool that was only a help, and its space on the disk."""
        self.close()
        self._partial.unlink()


def _read(path: Path, begin: int, end: int) -> Iterator[Entry]:
    with path.open("rb") as file:
        file.seek(begin)
        while file.tell() < end:
            yield from loads(file.readline())


class Spool:
    """A finished spool. An entry's position in it is its ordinal, the same in every run of the process."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def exists(self) -> bool:
        """Tell whether an earlier run finished this spool."""
        return self._path.exists()

    def __iter__(self) -> Iterator[tuple[int, Entry]]:
        count = 0
        with self._path.open("rb") as file:
            for line in file:
                entries = loads(line)
                if entries[0] == END:
                    return
                yield from enumerate(entries, count)
                count += len(entries)
