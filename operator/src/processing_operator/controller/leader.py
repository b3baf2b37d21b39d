"""One of several replicas acts: the holder of a Lease (coordination.k8s.io/v1), by client-go's rules.

Not needed for safety: every write carries a resourceVersion, and two operators at once make one Pod (the tests do it).
It keeps replicas from doing all the work twice.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from processing_operator.api.names import MANAGED_BY
from processing_operator.controller.errors import AlreadyExistsError, KubeError, NotFoundError, StaleError

if TYPE_CHECKING:
    from processing_operator.controller.kube import Kube, Obj

_log = logging.getLogger(__name__)
_LEASE_SECONDS: Final = 15
_RENEW_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 2.0


class Leader:
    """Takes the Lease, and keeps it.

    Other clocks are not trusted: a Lease has run out when it has not *changed*, as seen here, for its duration.
    """

    def __init__(self, kube: Kube, *, namespace: str, identity: str) -> None:
        self._kube = kube
        self._namespace = namespace
        self._identity = identity
        self._seen: tuple[str, float] = ("", 0.0)

    async def lead(self) -> None:
        """Return once this process holds the Lease."""
        while not await self._try():  # noqa: ASYNC110 - a Lease is polled
            await asyncio.sleep(_RETRY_SECONDS)
        _log.info("leading", extra={"action": "lead"})

    async def keep(self) -> None:
        """Renew the Lease; return when it could not be for ten seconds, or somebody else has it: then stop acting."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        while loop.time() - renewed < _RENEW_SECONDS:
            await asyncio.sleep(_RETRY_SECONDS)
            if await self._try():
                renewed = loop.time()
        _log.error("the lead is lost", extra={"action": "stop"})

    async def _try(self) -> bool:
        try:
            return await self._take()
        except (AlreadyExistsError, StaleError):
            return False  # somebody was faster
        except KubeError as error:
            _log.warning("lease: %s", error)
            return False

    async def _take(self) -> bool:
        now = asyncio.get_running_loop().time()
        try:
            lease = await self._kube.get_lease(self._namespace, MANAGED_BY)
        except NotFoundError:
            await self._kube.create_lease(self._namespace, self._claim({"metadata": {"name": MANAGED_BY}}))
            return True
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen[0]:
            self._seen = (version, now)
        holder = lease.get("spec", {}).get("holderIdentity", "")
        if holder not in ("", self._identity) and now - self._seen[1] < _LEASE_SECONDS:
            return False
        await self._kube.update_lease(self._namespace, MANAGED_BY, self._claim(lease))
        return True

    def _claim(self, lease: Obj) -> Obj:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        old: dict[str, Any] = lease.get("spec", {})
        ours = old.get("holderIdentity") == self._identity
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": lease["metadata"],
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": _LEASE_SECONDS,
                "acquireTime": old.get("acquireTime", now) if ours else now,
                "renewTime": now,
                "leaseTransitions": old.get("leaseTransitions", 0) + (not ours),
            },
        }
