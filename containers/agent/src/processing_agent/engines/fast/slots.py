"""How much may be under way, in units: a small object is one, a large piece is several."""

from __future__ import annotations

from processing_agent.engines.fast.loop import Later
from processing_agent.light import TYPE_CHECKING, deque

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from processing_agent.engines.fast.loop import Loop

    # made when it begins: a coroutine that is dropped before that would be complained about
    Work = Callable[[], Coroutine[Any, Any, None]]


class Slots:
    """Taken before something begins, given back when it ends; first come, first served."""

    def __init__(self, loop: Loop, units: int) -> None:
        self.loop, self._units, self._free = loop, units, units
        self._queue: deque[tuple[int, Later[None]]] = deque()

    async def take(self, units: int) -> None:
        """Wait for room."""
        if not self._queue and units <= self._free:
            self._free -= units
            return
        turn: Later[None] = Later(self.loop)
        self._queue.append((units, turn))
        await turn

    def give(self, units: int) -> None:
        """Make room."""
        self._free += units
        while self._queue and self._queue[0][0] <= self._free:
            units, turn = self._queue.popleft()
            self._free -= units
            turn.set(None)

    async def all_given(self) -> None:
        """Wait until nothing is under way."""
        await self.take(self._units)
        self.give(self._units)

    async def giving_back(self, units: int, work: Work) -> None:
        """Do something that was made room for."""
        try:
            await work()
        finally:
            self.give(units)


class Group:
    """Pieces of one object; when the last has ended, `finish` runs in its place."""

    def __init__(self, slots: Slots, finish: Work) -> None:
        self._slots, self._finish = slots, finish
        self._open = 1  # the one who begins them, until it leaves

    async def spawn(self, units: int, work: Work) -> None:
        """Wait for room, then begin a piece."""
        await self._slots.take(units)
        self._open += 1
        self._slots.loop.spawn(self._slots.giving_back(units, lambda: self._piece(work)))

    async def _piece(self, work: Work) -> None:
        await work()
        await self.leave()

    async def leave(self) -> None:
        """Say that one has ended."""
        self._open -= 1
        if self._open == 0:
            await self._finish()
