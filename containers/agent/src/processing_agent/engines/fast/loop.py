"""Coroutines over one epoll: as much of an event loop as the engine needs, and nothing that costs start-up time."""

from __future__ import annotations

import heapq
import select
import time

from processing_agent.light import TYPE_CHECKING, Generic, Protocol, TypeVar, deque

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator
    from typing import Any

T = TypeVar("T")

TICK = 0.2  # s between two looks at what no descriptor tells: a stop, the time, a stalled connection
BOTH_EDGES = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET


class Task:
    """A coroutine under way."""

    __slots__ = ("work",)

    def __init__(self, work: Coroutine[Any, Any, Any]) -> None:
        self.work = work


class Later(Generic[T]):
    """A value or an error that one coroutine waits for."""

    __slots__ = ("_error", "_loop", "_task", "_value", "settled")

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._task: Task | None = None
        self._value: T | None = None
        self._error: Exception | None = None
        self.settled = False

    def set(self, value: T) -> None:
        """Let the coroutine go on. The first word counts."""
        if not self.settled:
            self._value, self.settled = value, True
            self._wake()

    def fail(self, error: Exception) -> None:
        """Raise in the coroutine. The first word counts."""
        if not self.settled:
            self._error, self.settled = error, True
            self._wake()

    def _wake(self) -> None:
        if self._task is not None:
            self._loop.resume(self._task)

    def wait_by(self, task: Task) -> None:
        """Remember who waits."""
        self._task = task

    def __await__(self) -> Generator[Later[T], None, T]:
        if not self.settled:
            yield self
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]


class Watcher(Protocol):
    """Told of what happens at a descriptor."""

    def happened(self, mask: int) -> None:
        """Take note of epoll's events."""


class _Turn:
    """Awaited to let the others run first."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class Loop:
    """Runs one main coroutine and those that it spawns, in one thread."""

    def __init__(self, tick: Callable[[], None]) -> None:
        """`tick` is called about five times a second; what it raises ends the run."""
        self.tick = tick
        self._epoll = select.epoll()
        self._watched: dict[int, Watcher] = {}
        self._ready: deque[Task] = deque()
        self._tasks: set[Task] = set()
        self._timers: list[tuple[float, int, Later[None]]] = []
        self._count = 0
        self._ticked = 0.0

    def watch(self, fd: int, watcher: Watcher) -> None:
        """Report changes of a descriptor: edges, so that nothing needs to be registered again."""
        self._watched[fd] = watcher
        self._epoll.register(fd, BOTH_EDGES)

    def forget(self, fd: int) -> None:
        """Report no more."""
        if self._watched.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def resume(self, task: Task) -> None:
        """Run a task in the next round."""
        self._ready.append(task)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine beside the others. What it raises ends the run."""
        task = Task(work)
        self._tasks.add(task)
        self._ready.append(task)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        later: Later[None] = Later(self)
        self._count += 1
        heapq.heappush(self._timers, (time.monotonic() + seconds, self._count, later))
        await later

    @staticmethod
    def turn() -> Awaitable[None]:
        """Let the others run."""
        return _Turn()

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run until `main` and all that was spawned have ended. An exception of any of them drops the others."""
        result: list[T] = []

        async def keep() -> None:
            result.append(await main)

        self.spawn(keep())
        try:
            while self._tasks:
                self._round()
        finally:
            self._drop()
            main.close()  # had it not begun yet, it would be complained about
        return result[0]

    def _round(self) -> None:
        self._poll(0.0 if self._ready else TICK)
        for _ in range(len(self._ready)):
            self._step(self._ready.popleft())

    def _poll(self, longest: float) -> None:
        now = time.monotonic()
        if self._timers:
            longest = min(longest, max(0.0, self._timers[0][0] - now))
        for fd, mask in self._epoll.poll(longest):
            if watcher := self._watched.get(fd):
                watcher.happened(mask)
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2].set(None)
        if now - self._ticked >= TICK:
            self._ticked = now
            self.tick()

    def _step(self, task: Task) -> None:
        try:
            waits_for = task.work.send(None)
        except StopIteration:
            self._tasks.discard(task)
        else:
            if waits_for is None:
                self._ready.append(task)
            else:
                waits_for.wait_by(task)

    def _drop(self) -> None:
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.work.close()
        self._ready.clear()  # also what the closed ones have woken
        self._timers.clear()

    def close(self) -> None:
        """Let go of the descriptor."""
        self._epoll.close()
