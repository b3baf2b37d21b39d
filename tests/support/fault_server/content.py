"""What objects consist of: bytes, or bytes made when they are asked for; and S3's checksums of them."""

from __future__ import annotations

import base64
import hashlib
import random
import zlib
from collections.abc import Callable
from typing import Protocol

from awscrt import checksums

PRIME = 1_048_573  # bytes: no range of a power of two repeats at the same place


class Content(Protocol):
    """Bytes, or something that is read like them."""

    def __len__(self) -> int: ...

    def __getitem__(self, span: slice, /) -> bytes: ...


class Pattern:
    """Bytes that are made when they are read, so that an object may be larger than memory."""

    def __init__(self, size: int, seed: int = 1) -> None:
        self._size = size
        self._block = random.Random(seed).randbytes(PRIME)  # noqa: S311 - the same each time

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, span: slice, /) -> bytes:
        begin, end, _ = span.indices(self._size)
        first = begin // PRIME
        repeated = self._block * (-(-end // PRIME) - first)
        return repeated[begin - first * PRIME : end - first * PRIME]


DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "crc64nvme": lambda data: int(checksums.crc64nvme(data)).to_bytes(8, "big"),
    "crc32c": lambda data: int(checksums.crc32c(data)).to_bytes(4, "big"),
    "crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "sha256": lambda data: hashlib.sha256(data).digest(),
    "sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
}


def checksum(algorithm: str, data: bytes) -> str:
    """Give a checksum as S3's headers have it; `algorithm` in lower case."""
    return base64.b64encode(DIGESTS[algorithm](data)).decode()


def md5(data: bytes) -> bytes:
    """Give the digest that ETags are made of."""
    return hashlib.md5(data, usedforsecurity=False).digest()
