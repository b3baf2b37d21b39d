"""An observer that is called by one thread at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from processing_agent.engines import Observer
    from processing_agent.s3.faults import StoreFault


class Serial:
    """Passes everything on under a lock."""

    def __init__(self, observer: Observer) -> None:
        self._observer, self._lock = observer, threading.Lock()

    def moved(self, size: int) -> None:
        """Pass on."""
        with self._lock:
            self._observer.moved(size)

    def finished(self, ordinal: int, size: int, verified: str) -> None:
        """Pass on."""
        with self._lock:
            self._observer.finished(ordinal, size, verified)

    def failed(self, ordinal: int, fault: StoreFault) -> None:
        """Pass on."""
        with self._lock:
            self._observer.failed(ordinal, fault)

    def retrying(self, fault: StoreFault) -> None:
        """Pass on."""
        with self._lock:
            self._observer.retrying(fault)

    def recovered(self) -> None:
        """Pass on."""
        with self._lock:
            self._observer.recovered()
