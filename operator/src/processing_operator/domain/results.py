"""What fetch and upload leave behind as termination message. What cannot be read is unknown, never a failure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Item:
    """What became of one input or output, in the order of the spec."""

    objects: int
    bytes: int
    milliseconds: int
    state: str


@dataclass(frozen=True)
class ExitRecord:
    """The launcher's record of how the script ended."""

    code: int = 0
    signal: int = 0
    reason: str = ""
    milliseconds: int = 0
    peak_memory: int = 0
    oom_kills: int = 0
    message: str = ""


@dataclass(frozen=True)
class StageResult:
    """The result of fetch or upload (docs/internals/protocol.md, "Results")."""

    reason: str = ""
    message: str = ""
    items: tuple[Item, ...] = ()
    errors: tuple[str, ...] = ()
    exit: ExitRecord | None = None


def parse_result(text: str) -> StageResult | None:
    """The result, or None where the text is no result at all."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict) or raw.get("v") != 1:
        return None
    return StageResult(
        reason=_text(raw, "reason"),
        message=_text(raw, "message"),
        items=_items(raw.get("items")),
        errors=tuple(error for error in _list(raw.get("errors")) if isinstance(error, str)),
        exit=_exit(raw.get("exit")),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(raw: dict[str, Any], key: str) -> str:
    value = raw.get(key)
    return value if isinstance(value, str) else ""


def _number(raw: dict[str, Any], key: str) -> int:
    value = raw.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _items(value: Any) -> tuple[Item, ...]:
    """All of them or none: items are told apart by their position alone."""
    items = []
    for entry in _list(value):
        match entry:
            case [int(objects), int(size), int(milliseconds), str(state), *_] if min(objects, size, milliseconds) >= 0:
                items.append(Item(objects, size, milliseconds, state))
            case _:
                return ()
    return tuple(items)


def _exit(value: Any) -> ExitRecord | None:
    if not isinstance(value, dict):
        return None
    return ExitRecord(
        code=_number(value, "code"),
        signal=_number(value, "signal"),
        reason=_text(value, "reason"),
        milliseconds=_number(value, "ms"),
        peak_memory=_number(value, "peak"),
        oom_kills=_number(value, "oom"),
        message=_text(value, "message"),
    )
