"""The machinery of rules: pydantic's check, and how a rule stands in a schema."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from processing_operator.api.rules import Rule, matching, quote

EVEN = Rule(
    message="must be even, 100% of it",
    cel="self % 2 == 0",
    offender=lambda value: str(value) if value % 2 else None,
    cel_offender="self",
    field=".number",
)


def test_as_it_stands_in_a_schema() -> None:
    assert EVEN.dump() == {
        "message": "must be even, 100% of it",
        "cel": "self % 2 == 0",
        "cel_offender": "self",
        "field": ".number",
    }


def test_the_check() -> None:
    assert EVEN.check(2) == 2
    with pytest.raises(ValueError, match="must be even, 100% of it: 3"):
        EVEN.check(3)


def test_a_pattern_is_for_the_whole_text() -> None:
    rule = matching("a|b", "must be a or b")
    assert rule.cel == "self.matches(r'^(?:a|b)$')"
    assert rule.check("b") == "b"
    for text in ("ab", "b\n", "", "xa"):
        with pytest.raises(ValueError, match="must be a or b"):
            rule.check(text)


def test_quotes() -> None:
    assert quote(r"it's a \ backslash") == r"'it\'s a \\ backslash'"


def test_as_metadata_of_a_type() -> None:
    from typing import Annotated  # noqa: PLC0415 - pydantic reads it here

    adapter = TypeAdapter(Annotated[int, EVEN])
    assert adapter.json_schema() == {"type": "integer", "x-rules": [EVEN.dump()]}
    with pytest.raises(ValidationError, match="must be even"):
        adapter.validate_python(1)
