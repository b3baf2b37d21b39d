"""Log lines: one JSON object each for machines, or text for people."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final, Literal

_FIELDS: Final = ("key", "attempt", "action")


class JsonFormatter(logging.Formatter):
    """`{"time", "level", "logger", "message"}`, and what the line was given of key, attempt and action."""

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
