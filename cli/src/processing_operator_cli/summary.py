"""A job's end in a few lines. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from processing_operator_cli.figures import objects, seconds, size

Object = dict[str, Any]
_NOWHERE: Final = ("Skipped", "NotReached")


def summarize(job: Object) -> list[str]:
    """State, reason and message; phases with their seconds; what was moved."""
    status = job.get("status", {})
    lines = [headline(status)]
    if text := status.get("exitMessage", "").strip():
        lines += ["the script says:", *(f"  {line}" for line in text.splitlines())]
    lines += [f"{phase['name']:<12} {length}" for phase in status.get("phases", []) if (length := _length(phase))]
    lines += [_moved("input", item) for item in status.get("inputs", [])]
    lines += [_moved("output", item) for item in status.get("outputs", [])]
    if status.get("state") == "Failed":
        metadata = job["metadata"]
        lines.append(f"more: kubectl describe pj {metadata['name']} -n {metadata['namespace']}")
    return lines


def headline(status: Object) -> str:
    """State, reason and message in a line; empty for a job that nobody has looked at."""
    state, reason, message = (status.get(key) or "" for key in ("state", "reason", "message"))
    head = f"{state} ({reason})" if reason else state
    return f"{head}. {message}" if message else head


def _length(phase: Object) -> str:
    """How long it took, if that is known. The kubelet counts whole seconds: no digits that nobody measured."""
    if not phase.get("startTime") or not phase.get("endTime"):
        return ""
    began, ended = (datetime.fromisoformat(phase[key]) for key in ("startTime", "endTime"))
    count = (ended - began).total_seconds()
    return seconds(count) if began.microsecond or ended.microsecond else f"{count:.0f} s"


def _moved(kind: str, item: Object) -> str:
    parts = []
    if item.get("objects") is not None:
        parts.append(objects(item["objects"]))
    if item.get("bytes") is not None:
        parts.append(size(item["bytes"]))
    line = f"{kind} {item['name']}: {', '.join(parts) or 'unknown'}"
    if item.get("seconds") is not None:
        line += f" in {seconds(item['seconds'])}"
    if item.get("upload") not in (None, "Complete"):
        line += f" ({item['upload']})"
    # What was not uploaded is nowhere.
    return f"{line}: {item['uri']}" if item.get("uri") and item.get("upload") not in _NOWHERE else line


def exit_code(jobs: list[Object | None]) -> int:
    """0 if all have Completed, 1 if one has Failed or was deleted, else 3: one was Stopped."""
    states = {(job or {}).get("status", {}).get("state") for job in jobs}
    if states <= {"Completed"}:
        return 0
    return 3 if states <= {"Completed", "Stopped"} else 1
