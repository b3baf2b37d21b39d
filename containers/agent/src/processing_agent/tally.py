"""Counting per input or output what an engine reports."""

from __future__ import annotations

import time

from processing_agent.light import TYPE_CHECKING, field, record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from processing_agent.progress import Counts
    from processing_agent.s3.faults import StoreFault

MOST_ERRORS = 20  # kept; the result shows two
COMPLETE, FAILED, SKIPPED, EMPTY, NOT_REACHED = "C", "F", "S", "E", "W"


@record(slots=True)
class Item:
    """One input or output: an item of the result."""

    objects: int = 0
    bytes: int = 0
    milliseconds: int = 0
    state: str = NOT_REACHED
    faults: list[StoreFault] = field(default_factory=list)
    failures: int = 0

    def settle(self) -> None:
        """Give the state that follows from the counts, once everything was tried."""
        self.state = FAILED if self.failures else COMPLETE if self.objects else EMPTY


class Tally:
    """Implements `engines.Observer`."""

    def __init__(self, items: Sequence[Item], counts: Counts, clock: Callable[[], float] = time.monotonic) -> None:
        self.items, self.counts = items, counts
        self.verified: dict[str, int] = {}
        self._clock = clock
        self._began: dict[int, float] = {}
        self._owners: dict[int, int] = {}  # of what is under way
        self.outage: StoreFault | None = None

    def begin(self, ordinal: int, index: int) -> None:
        """Take note that an object of an item is handed to the engine."""
        self._began.setdefault(index, self._clock())
        self._owners[ordinal] = index

    def resumed(self, index: int, size: int) -> None:
        """Count what an earlier run got done."""
        self._count(index, size)
        self.counts.bytes += size

    def _count(self, index: int, size: int) -> None:
        item = self.items[index]
        item.objects += 1
        item.bytes += size
        self.counts.objects += 1
        item.milliseconds = int(1000 * (self._clock() - self._began.get(index, self._clock())))

    def moved(self, size: int) -> None:
        """See `Observer`."""
        self.counts.bytes += size

    def finished(self, ordinal: int, size: int, verified: str) -> None:
        """See `Observer`."""
        self.verified[verified] = self.verified.get(verified, 0) + 1
        self._count(self._owners.pop(ordinal), size)

    def failed(self, ordinal: int, fault: StoreFault) -> None:
        """See `Observer`: kept by item; the transfer goes on."""
        self.fault(self._owners.pop(ordinal), fault)

    def fault(self, index: int, fault: StoreFault) -> None:
        """Take note of a failure of an item."""
        item = self.items[index]
        item.failures += 1
        if len(item.faults) < MOST_ERRORS:
            item.faults.append(fault)

    def retrying(self, fault: StoreFault) -> None:
        """See `Observer`."""
        self.counts.retries += 1
        self.counts.error = f"StoreUnavailable, retrying: {fault}"[:200]
        self.outage = fault

    def recovered(self) -> None:
        """See `Observer`."""
        self.counts.error = ""
        self.outage = None


class FirstFault(Tally):
    """Ends the transfer at the first object that fails: a job without one of its inputs need not begin."""

    def failed(self, ordinal: int, fault: StoreFault) -> None:
        """Keep it, then raise it."""
        super().failed(ordinal, fault)
        raise fault
