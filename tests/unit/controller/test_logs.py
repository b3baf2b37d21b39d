from __future__ import annotations

import json
import logging
import sys

import pytest

from processing_operator.api.status import JobStatus, State
from processing_operator.controller.logs import JsonFormatter, TextFormatter, log_end


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


GOING = {"state": "Running"}
END = {"completionTime": "2030-01-01T00:00:09Z", "duration": "9s"}
ENDS: list[tuple[State, str, str, tuple[str, str]]] = [
    # state, reason, the status' message, the line's level and message
    (State.FAILED, "OutOfMemory", "limit 1Gi", ("warning", "job has failed: limit 1Gi")),
    (State.STOPPED, "StopRequested", "as asked", ("info", "job was stopped: as asked")),
    (State.COMPLETED, "", "script ended with 0", ("info", "job has completed")),
]


@pytest.mark.parametrize(("state", "reason", "message", "told"), ENDS)
def test_an_end_is_one_line(
    state: State, reason: str, message: str, told: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    words = {"state": state, "message": message, **({"reason": reason} if reason else {})}
    after = JobStatus.model_validate({**words, **END})
    log_end("ns/j", JobStatus.model_validate(GOING), after)
    log_end("ns/j", after, after)
    log_end("ns/j", JobStatus(), JobStatus.model_validate(GOING))
    [line] = [json.loads(JsonFormatter().format(one)) for one in caplog.records]
    assert (line["level"], line["message"]) == told
    assert line.items() >= {"key": "ns/j", "state": state, "duration": "9s"}.items()
    assert line.get("reason", "") == reason
