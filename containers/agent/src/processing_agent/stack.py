"""Names that wait, the last one first: those too many for memory wait on the disk."""

from __future__ import annotations

import os

from processing_agent.light import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import IO

    from processing_agent.light import Path

BLOCK = 10_000  # names; at most twice as many are in memory: some 4 MB


class Stack:
    """Push and pop; false when it is empty. Names are text without NUL, as the system gives them."""

    def __init__(self, scratch: Path | None, block: int = BLOCK) -> None:
        """`scratch`: the directory of the file; None: the system's own for such files."""
        self._scratch, self._block = scratch, block
        self._top: list[str] = []
        self._file: IO[bytes] | None = None
        self._lengths: list[int] = []  # of the blocks in the file

    def __bool__(self) -> bool:
        return bool(self._top or self._lengths)

    def push(self, name: str) -> None:
        """Add one."""
        self._top.append(name)
        if len(self._top) >= 2 * self._block:
            self._spill()

    def pop(self) -> str:
        """Take the last one.

        Raises:
            IndexError: there is none.
        """
        if not self._top and self._lengths:
            self._recall()
        return self._top.pop()

    def close(self) -> None:
        """Forget what is left."""
        self._top.clear()
        self._lengths.clear()
        if self._file is not None:
            self._file.close()

    def _spill(self) -> None:
        if self._file is None:
            from tempfile import TemporaryFile  # noqa: PLC0415 - hardly ever needed, and long to load

            self._file = TemporaryFile(dir=self._scratch)  # noqa: SIM115 - `close` does
        data = b"\0".join(map(os.fsencode, self._top[: self._block]))
        del self._top[: self._block]
        self._file.seek(0, os.SEEK_END)
        self._file.write(data)
        self._lengths.append(len(data))

    def _recall(self) -> None:
        if self._file is None:
            raise AssertionError
        self._file.seek(-self._lengths.pop(), os.SEEK_END)
        begin, data = self._file.tell(), self._file.read()
        self._file.truncate(begin)
        self._top = [os.fsdecode(name) for name in data.split(b"\0")]
