"""Quantities as numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing_operator.api.quantity import parse_quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("2", 2),
        ("1.5", Decimal("1.5")),
        (".5", Decimal("0.5")),
        ("5.", 5),
        ("500m", Decimal("0.5")),
        ("1u", Decimal("0.000001")),
        ("1n", Decimal("0.000000001")),
        ("1k", 1000),
        ("1M", 10**6),
        ("1G", 10**9),
        ("1T", 10**12),
        ("1P", 10**15),
        ("1E", 10**18),
        ("1Ki", 2**10),
        ("1Mi", 2**20),
        ("30Gi", 30 * 2**30),
        ("1Ti", 2**40),
        ("1Pi", 2**50),
        ("1Ei", 2**60),
        ("1e3", 1000),
        ("1E3", 1000),
        ("12e-1", Decimal("1.2")),
        ("1e+2", 100),
    ],
)
def test_a_quantity(text: str, number: Decimal | int) -> None:
    assert parse_quantity(text) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", "1 ", "1Gi\n", "1GB", "gi", "1e", "1K", "1m5", "½", "٣"])
def test_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        parse_quantity(text)


@given(st.integers(min_value=0, max_value=2**60), st.sampled_from(["", "k", "Ki", "Mi", "Gi"]))
def test_a_unit_multiplies(number: int, unit: str) -> None:
    assert parse_quantity(f"{number}{unit}") == number * parse_quantity(f"1{unit}")
