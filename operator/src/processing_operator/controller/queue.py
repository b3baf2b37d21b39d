"""A keyed work queue on asyncio: one key is never processed twice at once, and never forgotten."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Key(Hashable, Protocol):
    """What is queued: fair to its namespace."""

    @property
    def namespace(self) -> str:
        """Whose turn it is."""


K = TypeVar("K", bound=Key)
_log = logging.getLogger(__name__)
_BACK_TURN: Final = 8
_LARGEST_EXPONENT: Final = 16  # beyond the longest back-off of any setting; keeps 2**n small


@dataclass(frozen=True)
class Outcome:
    """What became of one processing.

    Attributes:
        failed: try again after the key's back-off.
        again_after: process again in so many seconds if nothing wakes the key before; when failed, no sooner.
    """

    failed: bool = False
    again_after: float | None = None


class QueueMetrics(Protocol):
    """What the queue reports about itself."""

    def queue_depth(self, front: int, back: int) -> None:
        """So many keys wait for a worker, by lane."""

    def queue_waited(self, lane: str, seconds: float) -> None:
        """A key has waited so long for one."""

    def processed(self, seconds: float, outcome: Outcome) -> None:
        """One key was processed."""


@dataclass(frozen=True)
class Backoff:
    """Exponential, with jitter: the n-th failure in a row waits `base * 2**(n-1)`, at most `cap`, less up to a quarter.

    The jitter keeps jobs that failed together (the API server restarted) from coming back together.
    """

    base: float = 0.5
    cap: float = 60.0
    jitter: Callable[[], float] = random.random

    def seconds(self, failures: int) -> float:
        """How long to wait after so many failures in a row."""
        longest = min(self.cap, self.base * 2.0 ** min(failures - 1, _LARGEST_EXPONENT))
        return longest * (1 - self.jitter() / 4)


class _Lane(Generic[K]):
    """Keys in order of arrival, taken by turns over namespaces; since when each waits."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._turns: OrderedDict[str, OrderedDict[K, float]] = OrderedDict()

    def __contains__(self, key: K) -> bool:
        return key in self._turns.get(key.namespace, ())

    def __len__(self) -> int:
        return sum(len(keys) for keys in self._turns.values())

    def __bool__(self) -> bool:
        return bool(self._turns)

    def add(self, key: K, now: float) -> None:
        self._turns.setdefault(key.namespace, OrderedDict()).setdefault(key, now)

    def discard(self, key: K) -> None:
        keys = self._turns.get(key.namespace, OrderedDict())
        keys.pop(key, None)
        if not keys:
            self._turns.pop(key.namespace, None)

    def take(self) -> tuple[K, float]:
        namespace, keys = self._turns.popitem(last=False)
        taken = keys.popitem(last=False)
        if keys:
            self._turns[namespace] = keys
        return taken

    def clear(self) -> None:
        self._turns.clear()


class WorkQueue(Generic[K]):
    """Two lanes: what has changed, or is due, goes to the front one; the back one gets every eighth turn, and the rest.

    A key that is added while it waits is one processing; while it is processed, one more afterwards.
    """

    def __init__(
        self,
        *,
        workers: int,
        metrics: QueueMetrics,
        backoff: Backoff | None = None,
    ) -> None:
        self._workers = workers
        self._metrics = metrics
        self._backoff = backoff or Backoff()
        self._front: _Lane[K] = _Lane("front")
        self._back: _Lane[K] = _Lane("back")
        self._turn = 0
        self._running: dict[K, float] = {}
        self._dirty: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}
        self._closed = False
        self._free = asyncio.Event()

    def add(self, key: K) -> None:
        """Process the key as soon as a worker is free."""
        if self._closed:
            return
        if key in self._running:
            self._dirty.add(key)
            return
        self._back.discard(key)
        self._put(self._front, key)

    def add_later(self, key: K) -> None:
        """Process the key when its turn comes behind those that have changed."""
        if not self._closed and key not in self._running and key not in self._front:
            self._put(self._back, key)

    def _put(self, lane: _Lane[K], key: K) -> None:
        lane.add(key, asyncio.get_running_loop().time())
        self._free.set()
        self._metrics.queue_depth(len(self._front), len(self._back))

    def add_after(self, key: K, seconds: float) -> None:
        """Process the key in so many seconds, or sooner if it is due sooner already."""
        if self._closed:
            return
        when = asyncio.get_running_loop().time() + max(seconds, 0.0)
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= when:
                return
            timer.cancel()
        self._timers[key] = asyncio.get_running_loop().call_at(when, self._due, key)

    def forget(self, key: K) -> None:
        """The key's object is gone: keep nothing about it."""
        self._failures.pop(key, None)
        if (timer := self._timers.pop(key, None)) is not None:
            timer.cancel()

    def longest_running(self) -> float:
        """For how many seconds the slowest processing of now is going on."""
        now = asyncio.get_running_loop().time()
        return max((now - started for started in self._running.values()), default=0.0)

    async def run(self, process: Callable[[K], Awaitable[Outcome]]) -> None:
        """Process keys until `close`; what is being processed then is brought to its end."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._work(process), name=f"worker {number}")

    def close(self) -> None:
        """Take no more keys; `run` returns when what is being processed has ended."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._front.clear()
        self._back.clear()
        self._free.set()

    async def _work(self, process: Callable[[K], Awaitable[Outcome]]) -> None:
        while (key := await self._next()) is not None:
            await self._process_one(key, process)

    async def _next(self) -> K | None:
        while not (self._front or self._back):
            if self._closed:
                return None
            self._free.clear()
            await self._free.wait()
        self._turn = (self._turn + 1) % _BACK_TURN
        behind = self._back and (self._turn == 0 or not self._front)
        lane = self._back if behind else self._front
        key, since = lane.take()
        self._metrics.queue_depth(len(self._front), len(self._back))
        self._metrics.queue_waited(lane.name, asyncio.get_running_loop().time() - since)
        return key

    async def _process_one(self, key: K, process: Callable[[K], Awaitable[Outcome]]) -> None:
        loop = asyncio.get_running_loop()
        started = self._running[key] = loop.time()
        # This processing looks at everything; it says itself when to look again.
        if (timer := self._timers.pop(key, None)) is not None:
            timer.cancel()
        outcome = Outcome(failed=True)
        try:
            outcome = await process(key)
        except Exception:  # noqa: BLE001 - logged with its traceback
            # A mistake of our own. The worker lives on; the key is tried again, ever more slowly.
            _log.exception("processing failed", extra={"key": str(key)})
        finally:
            del self._running[key]
            self._metrics.processed(loop.time() - started, outcome)
        self._settle(key, outcome)

    def _settle(self, key: K, outcome: Outcome) -> None:
        if outcome.failed:
            self._failures[key] = self._failures.get(key, 0) + 1
            self.add_after(key, max(self._backoff.seconds(self._failures[key]), outcome.again_after or 0.0))
        else:
            self._failures.pop(key, None)
            if outcome.again_after is not None:
                self.add_after(key, outcome.again_after)
        if key in self._dirty:
            self._dirty.discard(key)
            self.add(key)

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)
