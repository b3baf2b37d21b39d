"""What goes over a connection and comes back, and how slow that may be."""

from __future__ import annotations

import time

from processing_agent.light import TYPE_CHECKING, Protocol, record

if TYPE_CHECKING:
    from processing_agent.engines.fast.pipe import Pipe
    from processing_agent.s3.http import Answer

QUIET = 20.0  # s without a byte: a stalled body is noticed within 30


class Stalled(OSError):  # noqa: N818 - named for what is so
    """Nothing, or next to nothing, has moved for too long."""


class FileShrank(Exception):  # noqa: N818 - named for what is so
    """A file that is being sent has become shorter."""


class Sink(Protocol):
    """Where a success's body goes. Neither method may keep the view, nor wait."""

    def begin(self, answer: Answer) -> None:
        """Look at the head."""

    def write(self, block: memoryview) -> None:
        """Take the next bytes."""


class FileSink(Sink):
    """A sink whose bytes may go to its file past our memory. It is told from others by `isinstance`: inherit it."""

    def splice(self, pipe: Pipe, size: int) -> None:
        """Take the next bytes out of the pipe."""
        raise NotImplementedError


@record(frozen=True, slots=True)
class FilePart:
    """A body that lies in a file."""

    fd: int
    offset: int
    size: int


@record(slots=True)
class Request:
    """A request, ready to be sent; `method` says whether the answer has a body."""

    method: str
    head: bytes
    body: bytes | FilePart = b""
    sink: Sink | FileSink | None = None


@record(slots=True)
class Pace:
    """How much has moved since when: at least `least` bytes in `within` seconds, `quiet` where nothing else is said."""

    least: int = 1
    within: float = 0.0
    quiet: float = 0.0  # 0: QUIET
    moved: int = 0
    since: float = 0.0

    def reset(self, least: int, within: float | None = None) -> None:
        """Begin a new stretch."""
        self.least, self.within = least, (self.quiet or QUIET) if within is None else within
        self.moved, self.since = 0, time.monotonic()

    def is_too_slow(self, now: float) -> bool:
        """Judge, and begin anew after enough has moved."""
        if self.moved >= self.least:
            self.moved, self.since = 0, now
        return now - self.since > self.within
