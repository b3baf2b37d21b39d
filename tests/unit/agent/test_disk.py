from __future__ import annotations

import pytest

from processing_agent.engines.fast.disk import MOST_PARTS, MOST_RANGES, PART, RANGE, part_size, range_size

MIB, TIB = 1 << 20, 1 << 40


@pytest.mark.parametrize(
    ("size", "part", "piece"),
    [
        (0, PART, RANGE),
        (PART, PART, RANGE),
        (PART * MOST_PARTS, PART, RANGE),
        (PART * MOST_PARTS + 1, PART + MIB, RANGE),
        (RANGE * MOST_RANGES, RANGE, RANGE),
        (RANGE * MOST_RANGES + 1, RANGE + MIB, RANGE + MIB),
        (5 * TIB, 525 * MIB, 525 * MIB),
    ],
)
def test_pieces_grow_with_the_object(size: int, part: int, piece: int) -> None:
    assert (part_size(size), range_size(size)) == (part, piece)
    assert -(-size // part) <= MOST_PARTS
    assert -(-size // piece) <= MOST_RANGES
