from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing_agent.s3 import checksums
from processing_agent.s3.checksums import Expected, expected


@pytest.mark.parametrize(
    ("algorithm", "value"),
    # of "123456789": the check values that the algorithms are published with
    [
        ("CRC64NVME", "ae8b14860a799888"),
        ("CRC32C", "e3069283"),
        ("CRC32", "cbf43926"),
        ("SHA1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        ("MD5", "25f9e794323b453885f5181f1b624d0b"),
    ],
)
def test_known_values(algorithm: str, value: str) -> None:
    digest = checksums.new(algorithm)
    digest.update(b"1234")
    digest.update(b"56789")
    assert digest.digest().hex() == value


@given(st.lists(st.binary(max_size=20), max_size=5))
def test_parts_combine_to_the_whole(parts: list[bytes]) -> None:
    combined = checksums.combined_crc64([(checksums.crc64(part), len(part)) for part in parts])
    assert combined == checksums.crc64(b"".join(parts))


@pytest.mark.parametrize(
    ("headers", "etag", "md5", "wanted"),
    [
        ({"CRC32": "a", "CRC64NVME": "b"}, '"x"', True, Expected("CRC64NVME", "b")),
        ({"CRC32C": "SbZNDA==-2"}, '"x"', True, Expected("CRC32C", "SbZNDA==", 2)),
        ({}, '"5d41402abc4b2a76b9719d911017c592"', True, Expected("MD5", "XUFAKrxLKna5cZ2REBfFkg==")),
        ({}, '"5d41402abc4b2a76b9719d911017c592"', False, None),
        ({}, '"8b0be7847da5564ae08e97af63b60885-2"', True, None),
        ({}, "", True, None),
    ],
)
def test_what_is_verified(headers: dict[str, str], etag: str, md5: bool, wanted: Expected | None) -> None:
    assert expected(headers, etag, etag_may_be_md5=md5) == wanted
