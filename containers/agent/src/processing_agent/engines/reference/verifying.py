"""Comparing a fetched file with what the store says about it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from processing_agent.s3 import checksums
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from processing_agent.engines.reference.requests import Requests
    from processing_agent.s3.checksums import Expected

BLOCK = 1 << 20
OWN_KEY = {"aws:kms", "aws:kms:dsse"}


def expected_of(answer: Mapping[str, Any]) -> Expected | None:
    """Read a GET's or HEAD's answer for what to verify by."""
    headers = {name: answer[f"Checksum{name}"] for name in checksums.PREFERENCE if answer.get(f"Checksum{name}")}
    encrypted = answer.get("ServerSideEncryption") in OWN_KEY or "SSECustomerAlgorithm" in answer
    return checksums.expected(headers, answer.get("ETag", ""), etag_may_be_md5=not encrypted)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one object."""

    bucket: str
    key: str
    size: int
    etag: str


def verify_file(requests: Requests, version: Version, fd: int, wanted: Expected | None) -> str:
    """Compare a whole file; give the name of what it was compared by.

    Raises:
        StoreFault: CORRUPT.
    """
    if wanted is None:
        return "length"
    if not wanted.parts:
        matches = checksums.text(_digest(fd, 0, version.size, wanted.algorithm)) == wanted.value
    else:
        layouts = list(_layouts(requests, version, wanted, fd))
        if layouts == [None]:
            return "length"
        matches = True in layouts
    if not matches:
        raise corrupt(version.bucket, version.key, wanted)
    return wanted.algorithm


def _layouts(requests: Requests, version: Version, wanted: Expected, fd: int) -> Iterator[bool | None]:
    """Try the ways in which the object may have been cut, until one matches.

    Nearly all objects are cut evenly, so the first part's size tells; only if that does not match is every part asked
    for. None: the store does not say (it answers `partNumber` with the whole).
    """
    parts, size = wanted.parts, version.size
    first = _part_size(requests, version, 1)
    even = [first] * (parts - 1) + [size - (parts - 1) * first]
    if 0 < even[-1] <= first:
        matches = _composed(fd, even, wanted.algorithm) == wanted.value
        yield matches
        if matches:
            return
    if first == size:
        yield None
        return
    sizes = [first, *(_part_size(requests, version, number) for number in range(2, parts + 1))]
    yield _composed(fd, sizes, wanted.algorithm) == wanted.value if sum(sizes) == size else None


def _part_size(requests: Requests, version: Version, number: int) -> int:
    bucket, key = version.bucket, version.key
    answer = requests.ask(
        bucket, key, lambda s3: s3.head_object(Bucket=bucket, Key=key, PartNumber=number, IfMatch=version.etag)
    )
    return int(answer["ContentLength"])


def _composed(fd: int, sizes: list[int], algorithm: str) -> str:
    ends = list(accumulate(sizes))
    return checksums.composed(
        algorithm, [_digest(fd, end - size, size, algorithm) for end, size in zip(ends, sizes, strict=True)]
    )


def corrupt(bucket: str, key: str, wanted: Expected) -> StoreFault:
    """Name the checksum that the bytes do not have."""
    return StoreFault(Kind.CORRUPT, f"the bytes fetched do not match the object's {wanted.algorithm}", bucket, key)


def _digest(fd: int, offset: int, length: int, algorithm: str) -> bytes:
    digest = checksums.new(algorithm)
    end = offset + length
    while offset < end:
        block = os.pread(fd, min(BLOCK, end - offset), offset)
        if not block:
            break
        digest.update(block)
        offset += len(block)
    return digest.digest()
