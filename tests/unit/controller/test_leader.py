from __future__ import annotations

import asyncio
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

from processing_operator.controller.errors import AlreadyExistsError, NotFoundError, StaleError, TransientError
from processing_operator.controller.leader import Leader
from tests.unit.controller.fake_time import now, run
from tests.unit.controller.objects import Obj


@dataclass
class Leases:
    """One Lease, as the API server keeps it."""

    lease: Obj | None = None
    version: int = 0
    down: bool = False

    async def get_lease(self, _namespace: str, _name: str) -> Obj:
        if self.down:
            raise TransientError("no answer")
        if self.lease is None:
            raise NotFoundError("no lease")
        return deepcopy(self.lease)

    async def create_lease(self, _namespace: str, lease: Obj) -> None:
        if self.lease is not None:
            raise AlreadyExistsError("there is one")
        self._store(lease)

    async def update_lease(self, _namespace: str, _name: str, lease: Obj) -> None:
        assert self.lease is not None
        if lease["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            raise StaleError("changed")
        self._store(lease)

    def _store(self, lease: Obj) -> None:
        self.version += 1
        self.lease = {**lease, "metadata": {**lease["metadata"], "resourceVersion": str(self.version)}}

    @property
    def holder(self) -> str:
        assert self.lease is not None
        return str(self.lease["spec"]["holderIdentity"])


def leader(leases: Leases, identity: str) -> Leader:
    return Leader(cast("Any", leases), namespace="ns", identity=identity)


def test_the_first_one_leads_and_the_second_waits_until_it_is_silent() -> None:
    async def main() -> None:
        leases = Leases()
        await leader(leases, "a").lead()
        kept = asyncio.create_task(leader(leases, "a").keep())
        waiting = asyncio.create_task(leader(leases, "b").lead())
        await asyncio.sleep(60.0)
        assert leases.holder == "a"
        assert not waiting.done()
        kept.cancel()  # killed: it gives nothing back
        silent_since = now()
        await waiting
        assert leases.holder == "b"
        assert 12.0 < now() - silent_since <= 20.0
        assert leases.lease is not None
        assert leases.lease["spec"]["leaseTransitions"] == 2

    run(main())


def test_a_leader_that_cannot_renew_stops_before_another_may_begin() -> None:
    async def main() -> None:
        leases = Leases()
        holder = leader(leases, "a")
        await holder.lead()
        leases.down = True
        began = now()
        await holder.keep()
        assert now() - began <= 12.0, "the Lease runs out after 15"

    run(main())


def test_a_leader_whose_lease_was_taken_stops() -> None:
    async def main() -> None:
        leases = Leases()
        holder = leader(leases, "a")
        await holder.lead()
        assert leases.lease is not None
        leases.lease["spec"]["holderIdentity"] = "b"
        leases.version += 1
        leases.lease["metadata"]["resourceVersion"] = str(leases.version)
        await holder.keep()
        assert leases.holder == "b"

    run(main())


def test_a_restarted_leader_goes_on_at_once() -> None:
    async def main() -> None:
        leases = Leases()
        await leader(leases, "a").lead()
        await leader(leases, "a").lead()
        assert now() == 0.0

    run(main())
