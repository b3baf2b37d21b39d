"""What fetch and upload say: results (termination messages) and progress (log lines).

It comes out of a Pod, where anything may be written: whatever cannot be read is unknown, never an error; texts are
bounded and can be shown.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from pydantic import ValidationError

from processing_operator.api.status import TransferProgress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

LONGEST_TEXT: Final = 1024
LARGEST_NUMBER: Final = 2**63 - 1
"""What the API server takes for an integer."""
_COUNTS: Final = ("objects", "bytes", "totalObjects", "totalBytes", "retries", "oomKills")
_LONGEST_LINE: Final = 16384
_LARGEST_CODE: Final = 255
_WORD: Final = re.compile("[A-Za-z][A-Za-z0-9]{0,62}")
"""A reason: of the status, of conditions and of Events, which take 128 characters."""


@dataclass(frozen=True)
class Item:
    """What became of one input or output, in the order of the spec."""

    objects: int
    bytes: int
    milliseconds: int
    state: str


@dataclass(frozen=True)
class ExitRecord:
    """The launcher's record of how the script ended.

    Attributes:
        rebooted: it was written before the node's last boot: the outputs may not have outlived that.
    """

    code: int = 0
    signal: int = 0
    reason: str = ""
    milliseconds: int = 0
    peak_memory: int = 0
    oom_kills: int = 0
    message: str = ""
    rebooted: bool = False


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
    raw = _parse(text)
    if raw.get("v") != 1:
        return None
    return StageResult(
        reason=_word(raw.get("reason")),
        message=clean(raw.get("message")),
        items=_items(raw.get("items")),
        errors=tuple(clean(error) for error in _list(raw.get("errors"))[:2]),
        exit=_exit(raw.get("exit")),
    )


def read_progress(lines: Sequence[str], now: datetime) -> TransferProgress | None:
    """The last of the log's lines that tells of progress, or None. It is of now: the node's clock may be another."""
    found = (_progress(_parse(line).get("progress"), now) for line in reversed(lines))
    return next((progress for progress in found if progress is not None), None)


def _progress(told: Any, now: datetime) -> TransferProgress | None:
    if not isinstance(told, dict):
        return None
    counts = {name: told[name] for name in _COUNTS if name in told}
    if not all(value is None or _is_count(value) for value in counts.values()):
        return None
    counts["oomKills"] = counts.get("oomKills") or None
    words = {"phase": clean(told.get("phase"), 63), "lastError": clean(told.get("error")) or None}
    try:
        return TransferProgress.model_validate({**counts, **words, "time": now})
    except ValidationError:
        return None


def clean(value: Any, limit: int = LONGEST_TEXT) -> str:
    """The text without what a terminal or an encoder trips over, cut to the limit; empty for anything but a text."""
    if not isinstance(value, str):
        return ""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in value[:limit])


def _word(value: Any) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def _parse(text: str) -> dict[str, Any]:
    """The JSON object in the text, or an empty one."""
    if len(text) > _LONGEST_LINE:
        return {}
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return raw if isinstance(raw, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(raw: dict[str, Any], key: str) -> int:
    value = raw.get(key)
    return value if _is_count(value) else 0


def _is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= LARGEST_NUMBER


def _items(value: Any) -> tuple[Item, ...]:
    """All of them or none: items are told apart by their position alone."""
    items = []
    for entry in _list(value):
        match entry:
            case [objects, size, milliseconds, str(state), *_] if all(map(_is_count, (objects, size, milliseconds))):
                items.append(Item(objects, size, milliseconds, clean(state, 1)))
            case _:
                return ()
    return tuple(items)


def _exit(value: Any) -> ExitRecord | None:
    """None also where the code cannot be read: it must not become a 0."""
    code = value.get("code") if isinstance(value, dict) else None
    if type(code) is not int or not 0 <= code <= _LARGEST_CODE:
        return None
    return ExitRecord(
        code=code,
        signal=_number(value, "signal"),
        reason=_word(value.get("reason")),
        milliseconds=_number(value, "ms"),
        peak_memory=_number(value, "peak"),
        oom_kills=_number(value, "oom"),
        message=clean(value.get("message")),
        rebooted=value.get("rebooted") is True,
    )
