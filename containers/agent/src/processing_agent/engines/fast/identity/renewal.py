"""Keys that end are renewed before they do, while the transfer goes on; one renewal at a time, whoever needs it."""

from __future__ import annotations

import time

from processing_agent.engines.fast.identity import Identity
from processing_agent.engines.fast.waiting import Shared
from processing_agent.light import TYPE_CHECKING
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from processing_agent.credentials import Keys
    from processing_agent.engines.fast.loop import Loop
    from processing_agent.engines.fast.pool import Pool

# s before keys end. From the first on they are renewed beside the transfer: the SDKs do it with 5 to 15 minutes left (a
# container has new ones 15 minutes before the old ones end, an instance 5), botocore within 15, so this is less: it
# renews what it found itself. From the second on requests wait for new keys.
ADVISORY, MANDATORY = 840.0, 120.0
AGAIN = 10.0  # s until the next try to renew keys that are still good


def now() -> float:
    """Give seconds of a clock that nobody sets, and that goes on while a machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class _Held:
    """Keys, when they end, and when they are to be renewed, both by `now`."""

    __slots__ = ("ends", "keys", "renew_at")

    def __init__(self, keys: Keys, lasts: float) -> None:
        self.keys = keys
        moment = now()
        self.ends = moment + lasts
        # what lasts shortly is renewed at half its time; what is nearly over at once
        self.renew_at = moment + max(lasts - ADVISORY, lasts / 2 if lasts > MANDATORY else 0.0)


class Renewal:
    """Gives keys that are good now."""

    def __init__(self, loop: Loop, pool: Pool, region: str) -> None:
        self._loop = loop
        self._identity = Identity(loop, pool, region)
        self._held: _Held | None = None
        self._is_refused = False  # the store calls those that are held expired
        self._refused_at = -AGAIN
        self._renewal = Shared(loop, self._renew)

    async def keys(self) -> Keys:
        """See `KeyRing.keys`."""
        held = self._held
        if held is not None and held.renew_at <= (moment := now()) < held.ends:
            if held.ends - moment < MANDATORY:
                await self._quietly()
            elif not self._renewal.under_way:
                self._loop.spawn(self._quietly())
            held = self._held
        return await self._renewed() if held is None or now() >= held.ends else held.keys

    def at_once(self) -> Keys | None:
        """See `KeyRing.at_once`."""
        held = self._held
        return held.keys if held is not None and now() < held.renew_at else None

    async def replace(self, used: Keys, *, expired: bool) -> bool:
        """See `KeyRing.replace`."""
        if self._held is not None and self._held.keys != used:
            return True  # another request did it meanwhile
        moment = now()
        if not expired or moment < self._refused_at + AGAIN:
            return False  # a store that refuses new keys, too, is no reason to ask for more and more of them
        self._refused_at, self._is_refused = moment, True
        return await self._renewed() != used

    async def _renewed(self) -> Keys:
        keys: Keys = await self._renewal.result()
        return keys

    async def _quietly(self) -> None:
        """Renew what is still good: that it fails is said once the keys have ended."""
        try:
            await self._renewed()
        except StoreFault:
            if self._held is not None:
                self._held.renew_at = now() + AGAIN

    async def _renew(self) -> Keys:
        found = await self._identity.fetch(anew=self._is_refused)
        lasts = found.ends - time.time()
        if lasts <= 0:
            raise StoreFault(Kind.UNAVAILABLE, "the credentials that were given have ended: check the clocks")
        self._held, self._is_refused = _Held(found.keys, lasts), False
        return found.keys
