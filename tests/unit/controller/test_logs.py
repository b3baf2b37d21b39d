from __future__ import annotations

import json
import logging
import sys

import pytest

from processing_operator.controller.logs import JsonFormatter, TextFormatter


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("x.y", logging.INFO, "f", 1, message, (), None)
    made.__dict__.update(extra)
    made.created = 1893456000.1234
    return made


def test_a_line_is_one_json_object() -> None:
    line = JsonFormatter().format(record("two\nlines ü", key="ns/j", attempt=2, action="create"))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2030-01-01T00:00:00.123Z",
        "level": "info",
        "logger": "x.y",
        "message": "two\nlines ü",
        "key": "ns/j",
        "attempt": 2,
        "action": "create",
    }


def test_an_exception_is_in_the_line() -> None:
    try:
        int("no number")
    except ValueError:
        made = record("failed")
        made.exc_info = sys.exc_info()
    assert "no number" in json.loads(JsonFormatter().format(made))["exception"]


def test_text_for_people() -> None:
    line = TextFormatter("%(levelname)s %(message)s").format(record("reconciled", key="ns/j", action="create p"))
    assert line == "INFO reconciled key=ns/j action=create p"


@pytest.mark.parametrize("unknown", ["secret", "token"])
def test_other_fields_are_left_out(unknown: str) -> None:
    assert unknown not in JsonFormatter().format(record("x", **{unknown: "y"}))
