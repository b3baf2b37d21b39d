"""Models as structural schemas."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from processing_operator.api.model import SpecModel
from processing_operator.api.structural import structural


class Color(StrEnum):
    """A color."""

    RED = "Red"


class Part(SpecModel):
    """A part."""

    size_in_mm: Annotated[int, Field(ge=1, le=9)] = 3
    """How large."""
    color: Color | None = None
    """Which color."""


class Thing(SpecModel):
    """A thing.

    Of two lines.
    """

    part: Part = Part()
    """Its part."""
    parts: Annotated[tuple[Part, ...], Field(max_length=2)] = ()
    """Its parts."""
    labels: Annotated[dict[str, str], Field(max_length=2)] | None = None
    """Its labels."""


def test_a_model() -> None:
    size = {"description": "How large.", "type": "integer", "minimum": 1, "maximum": 9}
    color = {"description": "Which color.", "type": "string", "enum": ["Red"]}
    assert structural(Thing) == {
        "description": "A thing. Of two lines.",
        "type": "object",
        "properties": {
            "part": {
                "description": "Its part.",
                "default": {"sizeInMm": 3},
                "type": "object",
                "properties": {"sizeInMm": {**size, "default": 3}, "color": color},
            },
            "parts": {
                "description": "Its parts.",
                "type": "array",
                "maxItems": 2,
                # without defaults: they would differ from what was applied
                "items": {"description": "A part.", "type": "object", "properties": {"sizeInMm": size, "color": color}},
            },
            "labels": {
                "description": "Its labels.",
                "type": "object",
                "maxProperties": 2,
                "additionalProperties": {"type": "string"},
            },
        },
    }
