"""One operator acts at a time: the holder of a Lease (coordination.k8s.io/v1), by client-go's rules.

Not needed for safety: every write carries a resourceVersion, and two operators at once make one Pod (the tests do it).
It keeps two versions from deciding about the same jobs in an upgrade, and replicas from doing all the work twice.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from processing_operator.kube.errors import AlreadyExistsError, KubeError, StaleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processing_operator.controller.kube import Kube
    from processing_operator.kube.session import Obj

_log = logging.getLogger(__name__)
_LEASE_SECONDS: Final = 15
_LONGEST_LEASE_SECONDS: Final = 60  # whatever somebody else has written there
_RENEW_SECONDS: Final = 2.0
_GIVE_UP_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 1.0
_RELEASE_SECONDS: Final = 3.0


class Leader:
    """Takes the Lease, keeps it, gives it back.

    Other clocks are not trusted: a Lease has run out when it has not *changed*, as seen here, for its duration.

    Args:
        kube: the gateway.
        namespace: where the Lease is.
        name: what it is called: operators that serve the same jobs share it.
        identity: what this process calls itself there.

    Attributes:
        standby: whether somebody else was the holder when the Lease was read last.
    """

    def __init__(self, kube: Kube, *, namespace: str, name: str, identity: str) -> None:
        self._kube = kube
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._seen: tuple[str, float] = ("", 0.0)  # the Lease's version, and since when it is known
        self._written: Obj | None = None  # as this process has last written it
        self._renewed = 0.0
        self._other = ""  # who holds it instead
        self.standby = False

    async def lead(self) -> None:
        """Return once this process holds the Lease."""
        told = ""
        while not await self._try():
            if self.standby and self._other != told:
                told = self._other
                _log.info("standing by: %s leads", told, extra={"action": "stand by"})
            await asyncio.sleep(_POLL_SECONDS)
        _log.info("leading", extra={"action": "lead"})

    async def keep(self) -> None:
        """Renew the Lease; return when it is another's, or could not be renewed for ten seconds: then stop acting."""
        with suppress(TimeoutError):
            # A limit around it all: a renewal may hang on whatever it likes.
            async with asyncio.timeout_at(self._renewed + _GIVE_UP_SECONDS) as limit:
                while not self.standby:
                    await asyncio.sleep(_RENEW_SECONDS)
                    if await self._try():
                        limit.reschedule(self._renewed + _GIVE_UP_SECONDS)
        _log.error("the lead is lost", extra={"action": "stop"})

    async def release(self) -> None:
        """Give the Lease back, if it is ours, for another to take it at once. A failure costs that one 15 seconds."""
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                lease = await self._kube.get_lease(self._namespace, self._name)
                if lease is not None and _holder(lease) == self._identity:
                    spec = {**lease["spec"], "holderIdentity": ""}
                    await self._kube.update_lease(self._namespace, self._name, {**lease, "spec": spec})
        except (KubeError, TimeoutError) as error:
            _log.warning("the lead is not given back: %s", error)

    async def _try(self) -> bool:
        # What others count from comes after this; so this process stops before another begins.
        now = asyncio.get_running_loop().time()
        written, self._written = self._written, None
        try:
            self._written = await (self._take() if written is None else self._write(written))
        except (AlreadyExistsError, StaleError):
            return False  # somebody was faster
        except KubeError as error:
            _log.warning("lease: %s", error)
            return False
        self.standby = self._written is None
        if not self.standby:
            self._renewed = now
        return not self.standby

    async def _take(self) -> Obj | None:
        """The Lease as it is ours now; None: it is somebody else's."""
        lease = await self._kube.get_lease(self._namespace, self._name)
        if lease is None:
            new = {"metadata": {"name": self._name}}
            return await self._kube.create_lease(self._namespace, self._claim(new))
        now = asyncio.get_running_loop().time()
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen[0]:
            self._seen = (version, now)
        if not may_take(lease, self._identity, unchanged_seconds=now - self._seen[1]):
            self._other = _holder(lease)
            return None
        return await self._write(lease)

    async def _write(self, lease: Obj) -> Obj:
        return await self._kube.update_lease(self._namespace, self._name, self._claim(lease))

    def _claim(self, lease: Obj) -> Obj:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        old = _spec(lease)
        ours = _holder(lease) == self._identity
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": lease["metadata"],
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": _LEASE_SECONDS,
                "acquireTime": (ours and old.get("acquireTime")) or now,
                "renewTime": now,
                "leaseTransitions": (old.get("leaseTransitions") or 0) + (not ours),
            },
        }


def may_take(lease: Mapping[str, Any], identity: str, *, unchanged_seconds: float) -> bool:
    """Whether the Lease is free, `identity`'s own, or has run out: by the duration in it, of a minute at most."""
    duration = _spec(lease).get("leaseDurationSeconds") or _LEASE_SECONDS
    return _holder(lease) in ("", identity) or unchanged_seconds >= min(duration, _LONGEST_LEASE_SECONDS)


def _spec(lease: Mapping[str, Any]) -> Mapping[str, Any]:
    return lease.get("spec") or {}


def _holder(lease: Mapping[str, Any]) -> str:
    return _spec(lease).get("holderIdentity") or ""
