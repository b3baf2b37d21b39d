"""Log lines: one JSON object each, on standard output, where `kubectl logs` and the operator read them."""

from __future__ import annotations

import sys
import time
from _thread import allocate_lock

from processing_agent.light import TYPE_CHECKING
from processing_agent.quick_json import dumps

if TYPE_CHECKING:
    from typing import Any

_lock = allocate_lock()


def now_text() -> str:
    """Give the time as RFC 3339 in UTC."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{nanoseconds // 1000:06d}Z"


def emit(line: dict[str, Any]) -> None:
    """Print one line, whole, whatever other threads print. A reader that has gone away is no reason to fail."""
    text = dumps(line)
    with _lock:
        try:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except OSError:
            return


def log(level: str, message: str, **more: Any) -> None:
    """Print a log line."""
    emit({"time": now_text(), "level": level, "message": message, **more})
