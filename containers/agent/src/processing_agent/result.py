"""The termination message: what the operator learns of how it went, in at most 2,048 bytes."""

from __future__ import annotations

from processing_agent.light import TYPE_CHECKING, Path, field, record
from processing_agent.logs import log
from processing_agent.quick_json import UNICODE, dumps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from processing_agent.record import ExitRecord
    from processing_agent.tally import Item

LIMIT = 2048
MESSAGE, ERROR, EXIT_MESSAGE = 600, 200, 320  # bytes of each text
SHORTEST = 120  # a message is not cut below this to make room
MOST_ERRORS = 2
DONE, FAILED, WAITING = 0, 64, 75  # exit codes; anything else is restarted by the kubelet


@record(frozen=True, slots=True)
class Result:
    """How a phase ended. `reason` is a word of the API, empty when all is well."""

    code: int
    reason: str = ""
    message: str = ""
    items: Sequence[Item] = ()
    errors: Sequence[str] = field(default_factory=tuple)
    record: ExitRecord | None = None


def cut(text: str, limit: int) -> str:
    """Shorten to `limit` bytes of UTF-8, on a character, with dots where something is missing."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit:
        return raw.decode("utf-8")
    return raw[: max(0, limit - 3)].decode("utf-8", "ignore") + "..."


def render(result: Result) -> bytes:
    """Give the message. Too long: errors go first, then texts are cut, then the counts (unknown is no failure)."""
    body: dict[str, Any] = {
        "v": 1,
        "reason": result.reason,
        "message": cut(result.message, MESSAGE),
        "items": [[item.objects, item.bytes, item.milliseconds, item.state] for item in result.items],
        "errors": [cut(error, ERROR) for error in result.errors[:MOST_ERRORS]],
    }
    if result.record is not None:
        body["exit"] = {**result.record.short(), "message": cut(result.record.message, EXIT_MESSAGE)}
    while (excess := len(_json(body)) - LIMIT) > 0:
        _shorten(body, excess)
    return _json(body)


def _shorten(body: dict[str, Any], excess: int) -> None:
    if body["errors"]:
        body["errors"].pop()
    elif body.get("exit", {}).get("message"):
        body["exit"]["message"] = ""
    elif len(body["message"].encode()) > SHORTEST:
        body["message"] = cut(body["message"], max(SHORTEST, len(body["message"].encode()) - excess))
    elif body["items"]:
        body["items"] = []
    else:
        body["message"] = ""


def _json(body: dict[str, Any]) -> bytes:
    return dumps(body, UNICODE).encode()


def report(result: Result, path: Path) -> int:
    """Write the result for the kubelet and say it in the log; give the exit code."""
    message = f"{result.reason}: {result.message}" if result.reason else result.message or "done"
    log("error" if result.code == FAILED else "info", message, exitCode=result.code, errors=list(result.errors))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(render(result))
    except OSError as error:
        log("warning", f"the result could not be written to {path}: {error.strerror}")
    return result.code
