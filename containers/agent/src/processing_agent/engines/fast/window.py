"""How many requests may be under way: more with each answer, one after a failure, none for a while then.

The rule of TCP's slow start, for requests: a store that is away is asked once or twice a second, however many objects
wait, and one that answers again is soon used as fully as before. All share the pause, so that SlowDown slows all down.
"""

from __future__ import annotations

import os
import time

from processing_agent.engines.fast.loop import Later
from processing_agent.light import TYPE_CHECKING, deque

if TYPE_CHECKING:
    from processing_agent.engines.fast.loop import Loop
    from processing_agent.watch import Watch

FLOOR = 0.45  # s between tries: below 10 requests/s, however short the jitter falls
FIRST, LONGEST = 0.5, 5.0  # s: the pause grows from one to the other; 5 s keep an outage's end from going unnoticed
HURRIED = 1.0  # s: the longest pause when the container is being ended
AT_FIRST = 4  # requests under way before the store has answered anything


def jitter() -> float:
    """Give a number between 0 and 1; `random` takes 10 ms to load."""
    return int.from_bytes(os.urandom(4), "big") / (1 << 32)


class Window:
    """Waited at by every request."""

    def __init__(self, loop: Loop, watch: Watch, most: int) -> None:
        self._loop, self._watch, self._most = loop, watch, most
        self._size = AT_FIRST
        self._under_way = 0
        self._queue: deque[Later[None]] = deque()
        self._closed_until = 0.0
        self._waking = False
        self._failures = 0

    def enters_now(self) -> bool:
        """Enter if there is room and nobody waits for it; then `leave` has to follow."""
        if self._queue or not self._is_open():
            return False
        self._under_way += 1
        return True

    async def enter(self) -> None:
        """Wait for room; `leave` has to follow."""
        if self._queue or not self._is_open():
            turn: Later[None] = Later(self._loop)
            self._queue.append(turn)
            self._wake_later()
            await turn
        else:
            self._under_way += 1

    def leave(self) -> None:
        """Make room."""
        self._under_way -= 1
        self._admit()

    def succeeded(self) -> bool:
        """Take note of an answer; True when there were failures before."""
        had_failed = self._failures > 0
        self._failures, self._closed_until = 0, 0.0
        if self._size < self._most:
            self._size += 1
        return had_failed

    def failed(self) -> None:
        """Close for a while. Failures of the same moment count once."""
        now = self.now()
        if now < self._closed_until:
            return
        longest = min(LONGEST, FIRST * 2 ** min(self._failures, 10))
        self._failures += 1
        self._size = 1
        self._closed_until = now + FLOOR + longest * jitter()

    def _is_open(self) -> bool:
        return self._under_way < self._size and self.now() >= self._closed_until

    def _admit(self) -> None:
        while self._queue and self._is_open():
            self._under_way += 1
            self._queue.popleft().set(None)
        self._wake_later()

    def _wake_later(self) -> None:
        if self._queue and not self._waking and self.now() < self._closed_until:
            self._waking = True
            self._loop.spawn(self._wake())

    async def _wake(self) -> None:
        while (left := self._closed_until - self.now()) > 0:
            hurried = self._watch.hurried.is_set()
            if hurried:
                left = min(left, HURRIED)
            if self._under_way:
                await self._loop.sleep(left)
            else:
                self._watch.pause(left)  # nothing moves anyway, and it knows of reasons to wake
            if hurried:
                self._closed_until = 0.0
        self._waking = False
        self._admit()

    @staticmethod
    def now() -> float:
        """Give the time, in seconds since some moment."""
        return time.monotonic()
