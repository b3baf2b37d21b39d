"""Every request of the engine goes through here: it is tried until it is answered, denied or out of time."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from processing_agent.engines.reference.client import make_client, translate
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from processing_agent.credentials import KeySource
    from processing_agent.engines import Observer, Store
    from processing_agent.watch import Watch

T = TypeVar("T")

FLOOR = 0.45  # s between tries: four threads stay below 10 requests/s, however short the jitter falls
FIRST, LONGEST = 0.5, 5.0  # s: the pause grows from one to the other; 5 s keep an outage's end from going unnoticed
HURRIED = 1.0
STALE_FOR = 300.0  # s that expired credentials are given to be replaced


class Requests:
    """Shared by all threads: one brake, one client, one set of keys."""

    def __init__(self, store: Store, keys: KeySource, watch: Watch, observer: Observer) -> None:
        self._store, self._source, self._watch, self._observer = store, keys, watch, observer
        self._lock = threading.Lock()
        self._keys = keys.read()
        self._client = make_client(store, self._keys)
        self._failures = 0
        self._closed_until = 0.0
        self._stale_since: float | None = None

    def ask(self, bucket: str, key: str, action: Callable[[Any], T]) -> T:
        """Do `action(client)`, again and again while time may heal what goes wrong.

        Raises:
            StoreFault: what time does not heal.
            StopAsked, TimeUp: by the watch.
        """
        while True:
            self._wait()
            client = self._client
            try:
                result = action(client)
            except Exception as error:  # noqa: BLE001 - passed on or sorted below, whatever it is
                fault = translate(error, bucket, key, self._keys)
                if not isinstance(fault, StoreFault) or not self._worth_retrying(fault, client):
                    raise fault from None  # the original may quote a signed request
                continue
            self._recover()
            return result

    def once(self, bucket: str, key: str, action: Callable[[Any], T]) -> T:
        """Do `action(client)` one time, whatever comes: for tidying up when there is no time left."""
        try:
            return action(self._client)
        except Exception as error:  # noqa: BLE001 - passed on or sorted below, whatever it is
            raise translate(error, bucket, key, self._keys) from None

    def pause(self, seconds: float) -> None:
        """Wait, but not past the watch's end."""
        self._watch.pause(seconds)

    def _wait(self) -> None:
        self._watch.check()
        while (pause := self._closed_until - time.monotonic()) > 0:
            self._watch.pause(min(pause, HURRIED) if self._watch.hurried.is_set() else pause)
            if self._watch.hurried.is_set():
                return

    def _worth_retrying(self, fault: StoreFault, client: Any) -> bool:
        if fault.kind in {Kind.STALE, Kind.DENIED} and self._refresh(client, stale=fault.kind is Kind.STALE):
            return True
        if fault.kind is Kind.STALE:
            self._stale_since = self._stale_since or time.monotonic()
            if time.monotonic() - self._stale_since > STALE_FOR:
                fault.kind = Kind.DENIED
                return False
        elif fault.kind is not Kind.UNAVAILABLE:
            return False
        self._brake()
        self._observer.retrying(fault)
        return True

    def _brake(self) -> None:
        with self._lock:
            now = time.monotonic()
            if now < self._closed_until:
                return  # another thread's failure of the same moment
            longest = min(LONGEST, FIRST * 2 ** min(self._failures, 10))
            self._failures += 1
            self._closed_until = now + FLOOR + random.uniform(0, longest)  # noqa: S311 - jitter, not a secret

    def _recover(self) -> None:
        if not self._failures and self._stale_since is None:
            return
        with self._lock:
            self._failures, self._stale_since, self._closed_until = 0, None, 0.0
        self._observer.recovered()

    def _refresh(self, client: Any, *, stale: bool) -> bool:
        """Read the keys again; True when there are others than those that just failed."""
        with self._lock:
            if client is not self._client:
                return True  # another thread did it meanwhile
            try:
                keys = self._source.read()
            except Exception:  # noqa: BLE001 - passed on or sorted below, whatever it is
                return False
            if keys is None and stale:
                # those of the AWS libraries: a new client asks their sources anew, and is no reason to hurry
                self._client = make_client(self._store, None)
            if keys is None or keys == self._keys:
                return False
            self._keys, self._client = keys, make_client(self._store, keys)
            return True

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()
