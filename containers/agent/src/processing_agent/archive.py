"""A directory as one tar.gz, made while it is sent: the same content gives the same bytes, whenever and wherever."""

from __future__ import annotations

import os
import stat
import tarfile
import zlib

from processing_agent.light import TYPE_CHECKING, Path
from processing_agent.s3.faults import Kind, StoreFault
from processing_agent.s3.names import shown
from processing_agent.spool import SpoolWriter
from processing_agent.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processing_agent.paths import Beneath

BLOCK = 1 << 20
LEVEL = 6
GZIP = 31  # zlib's window bits for a gzip header, whose time it leaves 0
FILE, PROGRAM = 0o644, 0o755


class Archive:
    """The regular files below `base`, sorted by path; no directories, links or owners, all times 0."""

    def __init__(self, beneath: Beneath, base: str, scratch: Path) -> None:
        """`scratch`: a file name for the sorted list of members."""
        self._beneath, self._base, self._scratch = beneath, base, scratch

    def open(self) -> Iterator[bytes]:
        """Begin the stream from its first byte.

        Raises:
            StoreFault: naming a member that cannot be read (LOCAL) or changed meanwhile (CHANGED).
        """
        gzip = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
        for block in self._tar():
            if packed := gzip.compress(block):
                yield packed
        yield gzip.flush()

    def _tar(self) -> Iterator[bytes]:
        size = 0
        for member in self._members():
            for block in self._one(member):
                size += len(block)
                yield block
        yield bytes(2 * tarfile.BLOCKSIZE + -(size + 2 * tarfile.BLOCKSIZE) % tarfile.RECORDSIZE)

    def _members(self) -> Iterator[str]:
        writer = SpoolWriter(self._scratch)
        try:
            for found in Walk(self._beneath, self._base).files():
                writer.add([found.relative, 0])
            for relative, _ in writer.in_order():
                yield relative
        finally:
            writer.close()

    def _one(self, relative: str) -> Iterator[bytes]:
        try:
            fd = self._beneath.read(f"{self._base}/{relative}")
        except OSError as error:
            raise StoreFault(Kind.LOCAL, f"{shown(relative)} cannot be read: {error.strerror or error}") from error
        try:
            before = os.fstat(fd)
            yield _header(relative, before)
            yield from _content(fd, before.st_size, relative)
            after = os.fstat(fd)
        finally:
            os.close(fd)
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise _changed(relative)


def _header(relative: str, status: os.stat_result) -> bytes:
    member = tarfile.TarInfo(relative)
    member.size = status.st_size
    member.mode = PROGRAM if status.st_mode & stat.S_IXUSR else FILE
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _content(fd: int, size: int, relative: str) -> Iterator[bytes]:
    offset = 0
    while offset < size:
        block = os.pread(fd, min(BLOCK, size - offset), offset)
        if not block:
            raise _changed(relative)
        offset += len(block)
        yield block
    yield bytes(-size % tarfile.BLOCKSIZE)


def _changed(relative: str) -> StoreFault:
    return StoreFault(Kind.CHANGED, f"{shown(relative)} changed while it was archived")
