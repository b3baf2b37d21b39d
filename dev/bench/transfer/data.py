"""The objects, as files in memory, with what a store says of them; and the comparison of what has arrived."""

from __future__ import annotations

import mmap
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dev.bench.transfer.workloads import MIB, Dataset
from processing_agent.s3 import checksums

_SEED = 20_260_101
_STAMP = 16


@dataclass(frozen=True, slots=True)
class Object:
    """One object as the static server has it."""

    key: str
    size: int
    etag: str
    checksum: str  # CRC64NVME of the whole, as S3's header has it


def pieces(size: int, first: int) -> Iterator[memoryview]:
    """Give `size` bytes in pieces of at most 1 MiB, no two alike: each begins with a number of its own."""
    block = bytearray(random.Random(_SEED).randbytes(MIB))  # noqa: S311 - content that does not compress, no secret
    for number, offset in enumerate(range(0, size, MIB), first):
        block[:_STAMP] = number.to_bytes(_STAMP, "big")
        yield memoryview(block)[: min(MIB, size - offset)]


def write(dataset: Dataset, folder: Path, first: int) -> list[Object]:
    """Write a dataset's files below `folder` and give what a list and a GET say of them.

    `first`: the number of the first piece; `span` says how many a dataset takes.
    """
    folder.mkdir(parents=True)
    found = []
    for index, name in enumerate(dataset.names()):
        digest = checksums.new(checksums.UPLOAD_ALGORITHM)
        with (folder / name).open("wb") as file:
            for piece in pieces(dataset.size, first + index * _pieces_of(dataset.size)):
                file.write(piece)
                digest.update(piece.tobytes())
        etag = static_etag((folder / name).stat())
        found.append(Object(f"{dataset.name}/{name}", dataset.size, etag, checksums.text(digest.digest())))
    return found


def span(dataset: Dataset) -> int:
    """How many numbers of pieces a dataset takes."""
    return dataset.count * _pieces_of(dataset.size)


def _pieces_of(size: int) -> int:
    return -(-size // MIB)


def static_etag(status: os.stat_result) -> str:
    """The ETag nginx makes of a file, which the list has to agree with: time and size in hexadecimal."""
    return f'"{int(status.st_mtime):x}-{status.st_size:x}"'


class NotEqualError(Exception):
    """What arrived is not what was sent. The text names the first file that differs."""


def compare(source: Path, target: Path) -> None:
    """Compare two folders byte for byte.

    Raises:
        NotEqualError: a file is missing, left over or differs.
    """
    wanted, there = ({entry.name for entry in os.scandir(folder)} for folder in (source, target))
    if wanted != there:
        odd = sorted(wanted ^ there)
        raise NotEqualError(f"{len(odd)} files are missing or left over, first {odd[0]}")
    for name in sorted(wanted):
        if not same_file(source / name, target / name):
            raise NotEqualError(f"{name} has arrived with other bytes")


def same_file(one: Path, other: Path) -> bool:
    """Whether two files have the same bytes."""
    if (size := one.stat().st_size) != other.stat().st_size:
        return False
    if size <= MIB:
        return one.read_bytes() == other.read_bytes()
    with one.open("rb") as left, other.open("rb") as right:
        maps = (mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) for file in (left, right))
        with next(maps) as a, next(maps) as b:
            return all(a[at : at + MIB] == b[at : at + MIB] for at in range(0, size, MIB))
