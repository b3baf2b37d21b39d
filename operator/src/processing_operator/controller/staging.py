"""Progress out of the containers that move data: the last of their progress lines (docs/internals/protocol.md)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from processing_operator.domain import names
from processing_operator.domain.facts import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def staging_container(pod: Mapping[str, Any]) -> str | None:
    """The container that is moving data now, or None: fetch while it runs, upload once the script has ended."""
    status = pod.get("status", {})
    started = {
        one["name"]: one.get("state", {})
        for one in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    }
    if "running" in started.get(names.FETCH, {}):
        return names.FETCH
    if "running" in started.get(names.UPLOAD, {}) and "terminated" in started.get(names.SCRIPT, {}):
        return names.UPLOAD
    return None


def last_progress(lines: Sequence[str]) -> Progress | None:
    """The last line that is one. The log is the container's: anything may stand in it."""
    return next((progress for line in reversed(lines) if (progress := _read(line)) is not None), None)


def _read(line: str) -> Progress | None:
    try:
        told = json.loads(line)["progress"]
        return Progress(
            phase=str(told["phase"]),
            objects=int(told["objects"]),
            bytes=int(told["bytes"]),
            total_objects=_number(told.get("totalObjects")),
            total_bytes=_number(told.get("totalBytes")),
            retries=int(told.get("retries", 0)),
            error=str(told.get("error", "")),
        )
    except (ValueError, TypeError, KeyError):
        return None


def _number(value: Any) -> int | None:
    return None if value is None else int(value)
