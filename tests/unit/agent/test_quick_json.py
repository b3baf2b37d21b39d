"""JSON without `json` is what `json` reads and writes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing_agent.quick_json import SPACED, UNICODE, dumps, loads

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
TEXTS = VALUES.map(lambda value: json.dumps(value, indent=1)) | st.text(
    '[]{}",:0123456789.-+eEtrufalsn\\ \t\n', max_size=12
)


@given(VALUES)
def test_written_as_json_does(value: Any) -> None:
    assert dumps(value) == json.dumps(value, separators=(",", ":"))
    assert dumps(value, UNICODE) == json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    assert dumps(value, SPACED) == json.dumps(value)


@given(TEXTS, st.booleans())
def test_read_as_json_does(text: str, as_bytes: bool) -> None:
    source = text.encode() if as_bytes else text
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with it
            loads(source)
    else:
        assert loads(source) == expected


def test_constants() -> None:
    assert dumps(loads("[NaN,Infinity,-Infinity]")) == "[NaN,Infinity,-Infinity]"


def test_what_json_has_nothing_for() -> None:
    with pytest.raises(TypeError, match="JSON has nothing for set"):
        dumps({1})
    with pytest.raises(ValueError, match="utf-8"):
        loads(b'"\xff"')
    with pytest.raises(ValueError, match="nested too deeply"):
        loads("[" * 100_000)
