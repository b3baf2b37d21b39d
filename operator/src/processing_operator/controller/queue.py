"""A keyed work queue on asyncio: one key is never processed twice at once, and never forgotten."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

K = TypeVar("K", bound="Hashable")
_log = logging.getLogger(__name__)
_LARGEST_EXPONENT: Final = 16  # beyond the longest back-off of any setting; keeps 2**n small


@dataclass(frozen=True)
class Outcome:
    """What became of one processing.

    Attributes:
        failed: try again after the key's back-off.
        again_after: process again in so many seconds if nothing wakes the key before. Without effect when failed.
    """

    failed: bool = False
    again_after: float | None = None


class QueueMetrics(Protocol):
    """What the queue reports about itself."""

    def queue_depth(self, depth: int) -> None:
        """So many keys wait for a worker."""

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


class WorkQueue(Generic[K]):
    """Keys in order of arrival; as many workers as given.

    A key that is added while it waits is one processing; while it is processed, one more afterwards. A version given
    with a key names the change that it is added for; `own` takes back what was added for a change of our own, whichever
    of the two comes first, the answer of our write or the watch event.
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
        self._waiting: OrderedDict[K, None] = OrderedDict()
        self._running: dict[K, float] = {}
        self._dirty: dict[K, set[str]] = {}
        self._own: dict[K, set[str]] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}
        self._closed = False
        self._free = asyncio.Event()

    def add(self, key: K, version: str = "") -> None:
        """Process the key as soon as a worker is free."""
        if self._closed or (version and version in self._own.get(key, ())):
            return
        if key in self._running:
            self._dirty.setdefault(key, set()).add(version)
        elif key not in self._waiting:
            self._waiting[key] = None
            self._free.set()
            self._metrics.queue_depth(len(self._waiting))

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

    def own(self, key: K, version: str) -> None:
        """The key's processing has itself made the change of that version: it needs no look."""
        self._own.setdefault(key, set()).add(version)
        dirty = self._dirty.get(key)
        if dirty is not None:
            dirty.discard(version)
            if not dirty:
                del self._dirty[key]

    def forget(self, key: K) -> None:
        """The key's object is gone: keep nothing about it."""
        for memory in (self._own, self._failures):
            memory.pop(key, None)
        if (timer := self._timers.pop(key, None)) is not None:
            timer.cancel()

    def failures(self, key: K) -> int:
        """How often in a row the key's processing has failed."""
        return self._failures.get(key, 0)

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
        self._waiting.clear()
        self._free.set()

    async def _work(self, process: Callable[[K], Awaitable[Outcome]]) -> None:
        while (key := await self._next()) is not None:
            await self._process_one(key, process)

    async def _next(self) -> K | None:
        while not self._waiting:
            if self._closed:
                return None
            self._free.clear()
            await self._free.wait()
        key, _ = self._waiting.popitem(last=False)
        self._metrics.queue_depth(len(self._waiting))
        return key

    async def _process_one(self, key: K, process: Callable[[K], Awaitable[Outcome]]) -> None:
        loop = asyncio.get_running_loop()
        started = self._running[key] = loop.time()
        # This processing looks at everything; it says itself when to look again.
        if (timer := self._timers.pop(key, None)) is not None:
            timer.cancel()
        self._own.pop(key, None)
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
            self.add_after(key, self._backoff.seconds(self._failures[key]))
        else:
            self._failures.pop(key, None)
            if outcome.again_after is not None:
                self.add_after(key, outcome.again_after)
        if self._dirty.pop(key, None) is not None:
            self.add(key)

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)
