from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing_agent.record import ExitRecord
from processing_agent.result import LIMIT, Result, cut, render
from processing_agent.tally import Item


def record(message: str = "") -> ExitRecord:
    return ExitRecord(3, 9, "Signaled", 10**9, 10**9, 10**12, 1, message)


def test_as_the_protocol_has_it() -> None:
    item = Item(1, 103875379, 620, "C")
    assert json.loads(render(Result(0, items=[item], record=record("m")))) == {
        "v": 1, "reason": "", "message": "", "items": [[1, 103875379, 620, "C"]], "errors": [],
        "exit": {"code": 3, "signal": 9, "reason": "Signaled", "ms": 10**9, "cpuMs": 10**9, "peak": 10**12, "oom": 1,
                 "message": "m"},
    }  # fmt: skip
    assert "exit" not in json.loads(render(Result(0)))


@given(
    st.text(max_size=3000),
    st.lists(st.text(max_size=500), max_size=5),
    st.integers(0, 50),
    st.booleans(),
    st.text(max_size=900),
)
def test_it_fits_and_can_be_read(text: str, errors: list[str], count: int, with_record: bool, said: str) -> None:
    items = [Item(10**9, 10**15, 10**8, "C")] * count
    raw = render(Result(64, "UploadFailed", text, items, errors, record(said) if with_record else None))
    assert len(raw) <= LIMIT
    body = json.loads(raw)
    assert body["reason"] == "UploadFailed"
    assert len(body["items"]) in {0, count}
    assert all(len(e.encode()) <= 200 for e in body["errors"])
    assert len(body["message"].encode()) <= 600


def test_fifty_outputs_keep_their_counts() -> None:
    items = [Item(123_456, 123_456_789_012, 1_234_567, "C")] * 50
    body = json.loads(render(Result(64, "UploadFailed", "m" * 600, items, ["e" * 200] * 2, record("x" * 200))))
    assert len(body["items"]) == 50
    assert body["message"].endswith("...")


@pytest.mark.parametrize(
    ("text", "limit", "short"), [("abc", 3, "abc"), ("abcd", 3, "..."), ("ééé", 5, "é..."), ("\ud800", 9, "?")]
)
def test_cut(text: str, limit: int, short: str) -> None:
    assert cut(text, limit) == short
