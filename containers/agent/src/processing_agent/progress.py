"""How far a transfer is: counted by whoever observes the engine, printed at most once a second."""

from __future__ import annotations

from processing_agent.light import TYPE_CHECKING, asdict, record
from processing_agent.logs import emit, now_text
from processing_agent.threads import Background, Flag

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self

PERIOD = 1.0  # s


@record(slots=True)
class Counts:
    """What a progress line says. Totals are None while unknown."""

    phase: str
    objects: int = 0
    bytes: int = 0
    total_objects: int | None = None
    total_bytes: int | None = None
    retries: int = 0
    error: str = ""


def print_line(counts: Counts, **more: int) -> None:
    """Print a progress line, as docs/internals/protocol.md has it."""
    line: dict[str, Any] = asdict(counts)
    line["totalObjects"], line["totalBytes"] = line.pop("total_objects"), line.pop("total_bytes")
    emit({"progress": {**line, **more, "time": now_text()}})


class Progress:
    """Shows counts once a second while they change, and at the end."""

    def __init__(self, counts: Counts, show: Callable[[Counts], None] = print_line) -> None:
        self.counts = counts
        self._show = show
        self._shown: Counts | None = None
        self._end = Flag()
        self._thread = Background(self._tick)

    def _tick(self) -> None:
        while not self._end.wait(PERIOD):
            self._show_if_new()

    def _show_if_new(self) -> None:
        seen = Counts(**asdict(self.counts))
        if seen != self._shown:
            self._shown = seen
            self._show(seen)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self._show_if_new()
