"""What `pj run` shows: the script's output on standard output, everything else on standard error."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Final

from processing_operator_cli.figures import objects, size

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from processing_operator_cli.bars import Bars

_LINE_SECONDS: Final = 10  # between lines of progress where there is no terminal


class Screen:
    """Lines with the seconds since the start; on a terminal a bar for each job below them."""

    def __init__(self, *, many: bool) -> None:
        self._many = many
        self._begin = time.monotonic()
        self._bars: Bars | None = None
        self._told: dict[str, float] = {}

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from processing_operator_cli.bars import Bars  # noqa: PLC0415

            self._bars = Bars().__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars:
            self._bars.__exit__()

    def say(self, job: str, text: str) -> None:
        sys.stderr.write(f"[{time.monotonic() - self._begin:7.2f} s] {job}: {text}\n")
        sys.stderr.flush()

    def state(self, job: str, state: str, message: str) -> None:
        self._told.pop(job, None)
        self.say(job, f"{state}. {message}" if message else state)
        if self._bars:
            self._bars.show(job, state)

    def output(self, job: str, line: str) -> None:
        sys.stdout.write(f"{job} | {line}\n" if self._many else f"{line}\n")
        sys.stdout.flush()

    def progress(self, job: str, progress: Mapping[str, Any]) -> None:
        """A progress line of the agent (docs/internals/protocol.md)."""
        if self._bars:
            self._bars.update(
                job,
                progress["phase"],
                objects=progress["objects"],
                size=progress["bytes"],
                total_objects=progress["totalObjects"],
                total_size=progress["totalBytes"],
            )
        elif time.monotonic() - self._told.setdefault(job, time.monotonic()) > _LINE_SECONDS:
            self._told[job] = time.monotonic()
            total = progress["totalBytes"]
            of = "" if total is None else f" of {size(total)}"
            self.say(job, f"{progress['phase']}: {objects(progress['objects'])}, {size(progress['bytes'])}{of}")

    def end(self, job: str, lines: list[str]) -> None:
        """The job's summary: its end, then indented lines."""
        if self._bars:
            self._bars.remove(job)
        self.say(job, lines[0])
        for line in lines[1:]:
            sys.stderr.write(f"    {line}\n")
