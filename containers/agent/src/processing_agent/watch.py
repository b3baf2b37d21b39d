"""When to stop: the phase's own time, a stop that was asked for, a container that is being ended."""

from __future__ import annotations

import time

from processing_agent.light import TYPE_CHECKING
from processing_agent.threads import Flag

if TYPE_CHECKING:
    from collections.abc import Callable


class StopAsked(Exception):  # noqa: N818 - named for what is so
    """Somebody wants this phase to end."""


class TimeUp(Exception):  # noqa: N818 - named for what is so
    """The phase's own time is over."""


class Watch:
    """Asked by everything that takes long: may I go on?"""

    def __init__(self, deadline: float | None = None, clock: Callable[[], float] = time.time) -> None:
        """`deadline` in seconds since the epoch: it must mean the same after a restart."""
        self._deadline = deadline
        self._clock = clock
        self._stop = Flag()
        self._wake = Flag()
        # the container is being ended: no long pauses any more, the grace period is running
        self.hurried = Flag()

    def set_deadline(self, deadline: float | None) -> None:
        """Move the end of the phase's time."""
        self._deadline = deadline

    def stop(self) -> None:
        """Ask for the end."""
        self._stop.set()
        self._wake.set()

    def hurry(self) -> None:
        """Cut all pauses short from now on."""
        self.hurried.set()
        self._wake.set()

    def check(self) -> None:
        """Go on, or raise.

        Raises:
            StopAsked: `stop` was called.
            TimeUp: the deadline has passed.
        """
        if self._stop.is_set():
            raise StopAsked
        if self._deadline is not None and self._clock() >= self._deadline:
            raise TimeUp

    def pause(self, seconds: float) -> None:
        """Wait, less if there is a reason to; then `check`."""
        if self._deadline is not None:
            seconds = min(seconds, max(0.0, self._deadline - self._clock()))
        if self.hurried.is_set():
            self._stop.wait(min(seconds, 1.0))
        else:
            self._wake.wait(seconds)
        self.check()
