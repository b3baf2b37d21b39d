"""Log lines: one JSON object each for machines, or text for people."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from processing_operator.api.status import State

if TYPE_CHECKING:
    from processing_operator.api.status import JobStatus

_log = logging.getLogger(__name__)
_FIELDS: Final = ("key", "attempt", "action", "state", "reason", "duration")
_ENDS: Final = {
    str(State.COMPLETED): "job has completed",
    str(State.FAILED): "job has failed",
    str(State.STOPPED): "job was stopped",
}


class JsonFormatter(logging.Formatter):
    """`{"time", "level", "logger", "message"}`, and what the line was given of `_FIELDS`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message holds."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: record.__dict__[name] for name in _FIELDS if name in record.__dict__})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """The same fields, readable."""

    def format(self, record: logging.LogRecord) -> str:
        """`12:00:00 INFO  reconciled key=default/x action=create`."""
        fields = "".join(f" {name}={record.__dict__[name]}" for name in _FIELDS if name in record.__dict__)
        return super().format(record) + fields


def set_up_logs(level: str, style: Literal["json", "text"]) -> None:
    """Send everything to standard error. kopf tells of every event that it sees: below its warnings only on request."""
    handler = logging.StreamHandler(sys.stderr)
    text = TextFormatter("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")
    handler.setFormatter(JsonFormatter() if style == "json" else text)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    if level != "debug":
        logging.getLogger("kopf").setLevel(logging.WARNING)


def log_end(key: str, before: JobStatus, after: JobStatus) -> None:
    """One line, when the status is the first to tell of the job's end; a failure is a warning."""
    if after.completion_time is None or before.completion_time is not None:
        return
    words = _ENDS.get(str(after.state), "job has ended")
    text = words if after.state is State.COMPLETED else f"{words}: {after.message}"
    level = logging.WARNING if after.state is State.FAILED else logging.INFO
    told = {"key": key, "state": after.state, "reason": after.reason, "duration": after.duration}
    _log.log(level, "%s", text, extra={name: str(value) for name, value in told.items() if value})
