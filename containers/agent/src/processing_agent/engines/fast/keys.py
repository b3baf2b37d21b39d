"""Keys to sign with: those given, those of the environment, else those that a service gives for a while."""

from __future__ import annotations

import os

from processing_agent.credentials import REQUIRED, SESSION_TOKEN, Keys, shell_region
from processing_agent.light import TYPE_CHECKING
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processing_agent.credentials import KeySource
    from processing_agent.engines.fast.identity.renewal import Renewal
    from processing_agent.engines.fast.loop import Loop
    from processing_agent.engines.fast.pool import Pool

FALLBACK_REGION = "us-east-1"


class KeyRing:
    """Gives the keys of now."""

    def __init__(self, loop: Loop, source: KeySource, pool: Pool, region: str | None) -> None:
        """Read the source.

        Raises:
            MissingKeys: by the source.
            StoreFault: DENIED, the environment has half of the keys.
        """
        self._loop, self._source, self._pool = loop, source, pool
        self._given = self._read()
        self._renewal: Renewal | None = None
        self.region = region or shell_region() or _region_of_profile() or FALLBACK_REGION

    async def keys(self) -> Keys:
        """Give keys that are good now.

        Raises:
            StoreFault: there are none; UNAVAILABLE, STALE or DENIED by whoever should give them.
        """
        if self._given is not None:
            return self._given
        if self._renewal is None:
            from processing_agent.engines.fast.identity.renewal import (  # noqa: PLC0415 - loaded only when it is needed
                Renewal,
            )

            self._renewal = Renewal(self._loop, self._pool, self.region)
        return await self._renewal.keys()

    def at_once(self) -> Keys | None:
        """Give keys that are good now, if there are any without waiting, and none of them has to be renewed."""
        return self._given or (self._renewal.at_once() if self._renewal is not None else None)

    async def replace(self, used: Keys, *, expired: bool) -> bool:
        """Look for other keys than those that the store has refused; True when there are.

        Raises:
            StoreFault: by whoever should give them.
        """
        if self._renewal is not None:
            return await self._renewal.replace(used, expired=expired)
        if used == self._given:
            try:
                self._given = self._read() or self._given
            except Exception:  # noqa: BLE001 - whatever a source raises: there are no other keys yet
                return False
        return used != self._given

    def _read(self) -> Keys | None:
        return self._source.read() or of_environment(os.environ)


def of_environment(environment: Mapping[str, str]) -> Keys | None:
    """Give the keys of the AWS variables; None if there are none.

    Raises:
        StoreFault: there is but one half of them.
    """
    access, secret = (environment.get(name, "") for name in REQUIRED)
    if access and not secret:
        raise StoreFault(Kind.DENIED, f"{REQUIRED[0]} is set, {REQUIRED[1]} is not: set both, or neither")
    return Keys(access, secret, environment.get(SESSION_TOKEN) or None) if access else None


def _region_of_profile() -> str:
    from processing_agent.engines.fast import profiles  # noqa: PLC0415 - loaded only when it is needed

    return profiles.region(os.environ)
