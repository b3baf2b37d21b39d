"""Our own sums are the library's, whoever makes which part of them."""

from __future__ import annotations

from typing import Any

import pytest
from awscrt import checksums
from hypothesis import given
from hypothesis import strategies as st

from processing_agent.s3 import crc
from processing_agent.s3.crc import Crc

ALGORITHMS = [("crc64nvme", 8, 0x9A6C9329AC4BC9B5), ("crc32c", 4, 0x82F63B78)]
algorithms = pytest.mark.parametrize("how", ALGORITHMS, ids=[name for name, *_ in ALGORITHMS])


@algorithms
@given(st.lists(st.binary(max_size=40), max_size=6))
def test_as_the_library(how: tuple[str, int, int], pieces: list[bytes]) -> None:
    ours, value = Crc(*how), 0
    for piece in pieces:
        value = ours(memoryview(piece), value)
    assert value == getattr(checksums, how[0])(b"".join(pieces))


@algorithms
def test_the_library_goes_on_where_we_end(how: tuple[str, int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crc, "LITTLE", 10)
    library = getattr(checksums, how[0])
    asked: list[int] = []

    def watched(data: Any, value: int) -> int:
        asked.append(len(data))
        return int(library(data, value))

    monkeypatch.setattr(crc, "of_library", {how[0]: watched}.__getitem__)
    ours, value = Crc(*how), 0
    for piece in (b"1234", b"567890", b"1", b"2345"):
        value = ours(piece, value)
    assert asked == [1, 4]
    assert value == library(b"123456789012345")


def test_those_in_use_are_these() -> None:
    assert crc.crc64nvme(b"123456789") == 0xAE8B14860A799888
    assert crc.crc32c(b"123456789") == 0xE3069283
