"""What is below an output's directory: regular files, and what is left out. Mounts are crossed: upload has several."""

from __future__ import annotations

import os
import stat

from processing_agent.light import TYPE_CHECKING, closing, field, record
from processing_agent.s3.names import MAX_KEY, encoded, shown
from processing_agent.stack import Stack
from processing_agent.tally import MOST_ERRORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processing_agent.light import Path
    from processing_agent.paths import Beneath

KINDS = (
    (stat.S_ISLNK, "symbolic link"),
    (stat.S_ISFIFO, "FIFO"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISBLK, "block device"),
    (stat.S_ISCHR, "character device"),
)


@record(slots=True)
class Found:
    """One regular file; `relative` to the output's directory."""

    relative: str
    size: int


@record(slots=True)
class Walk:
    """One pass over one directory. After it: what was skipped, by kind, and what could not be read.

    `unreadable` names the first of those, `unread` counts all. `scratch`: see `Stack`.
    """

    beneath: Beneath
    base: str
    scratch: Path | None = None
    skipped: dict[str, int] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    unread: int = 0

    def files(self) -> Iterator[Found]:
        """Give the files, directory by directory, in no order that means anything.

        Each directory is opened anew from the workspace's root, so that a deep tree needs one descriptor. Below
        1,024 bytes of path no key is possible: such a directory counts as one that cannot be read.
        """
        with closing(Stack(self.scratch)) as pending:
            if not self.base or self._is_directory():
                pending.push("")
            while pending:
                yield from self._directory(pending.pop(), pending)

    def _directory(self, relative: str, pending: Stack) -> Iterator[Found]:
        if len(encoded(relative)) > MAX_KEY:
            self._cannot_read(f"directory {shown(relative)}: keys below it would exceed {MAX_KEY} bytes")
            return
        try:
            with self.beneath.directory(f"{self.base}/{relative}") as fd:
                yield from self._one(fd, relative, pending)
        except OSError as error:
            self._cannot_read(f"directory {shown(relative) or '.'}: {error.strerror}")

    def _cannot_read(self, what: str) -> None:
        self.unread += 1
        if len(self.unreadable) < MOST_ERRORS:
            self.unreadable.append(what)

    def _is_directory(self) -> bool:
        status = self.beneath.status(self.base)
        if status is None:
            return False
        if stat.S_ISDIR(status.st_mode):
            return True
        self._skip(status)
        return False

    def _skip(self, status: os.stat_result) -> None:
        kind = _kind(status)
        self.skipped[kind] = self.skipped.get(kind, 0) + 1

    def _one(self, fd: int, relative: str, pending: Stack) -> Iterator[Found]:
        above = f"{relative}/" if relative else ""
        with os.scandir(fd) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    pending.push(above + entry.name)
                elif stat.S_ISREG(status.st_mode):
                    yield Found(above + entry.name, status.st_size)
                else:
                    self._skip(status)


def _kind(status: os.stat_result) -> str:
    return next((name for test, name in KINDS if test(status.st_mode)), "file in a directory's place")
