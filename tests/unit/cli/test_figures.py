from __future__ import annotations

import pytest

from processing_operator_cli import figures


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (103_875_379, "104 MB"),
        (1_250_000_000, "1.25 GB"),
        (999_700, "1 MB"),
    ],
)
def test_size(count: int, text: str) -> None:
    assert figures.size(count) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0.00 s"),
        (0.624, "0.62 s"),
        (12.34, "12.3 s"),
        (245, "4 min 05 s"),
        (7200, "2 h 00 min"),
        (7380, "2 h 03 min"),
    ],
)
def test_seconds(count: float, text: str) -> None:
    assert figures.seconds(count) == text


def test_objects() -> None:
    assert [figures.objects(count) for count in (0, 1, 2000)] == ["0 objects", "1 object", "2,000 objects"]
