"""The election on a clock that jumps, over one Lease as the API server keeps it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from processing_operator.controller.leader import Leader, may_take
from processing_operator.kube.errors import AlreadyExistsError, NotFoundError, StaleError, TransientError
from tests.unit.controller.fake_time import now, run
from tests.unit.controller.objects import Obj


@dataclass
class Leases:
    """One Lease. `down`: no answer; `hangs`: not even that, for as long as a request may take."""

    lease: Obj | None = None
    version: int = 0
    down: bool = False
    hangs: float = 0.0
    calls: list[str] = field(default_factory=list)

    async def get_lease(self, _namespace: str, _name: str) -> Obj | None:
        await self._answer("get")
        return deepcopy(self.lease)

    async def create_lease(self, _namespace: str, lease: Obj) -> Obj:
        await self._answer("create")
        if self.lease is not None:
            raise AlreadyExistsError("there is one")
        return self.store(lease)

    async def update_lease(self, _namespace: str, _name: str, lease: Obj) -> Obj:
        await self._answer("update")
        if self.lease is None:
            raise NotFoundError("there is none")
        if lease["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            raise StaleError("changed")
        return self.store(lease)

    async def _answer(self, call: str) -> None:
        self.calls.append(call)
        await asyncio.sleep(self.hangs)
        if self.down:
            raise TransientError("no answer")

    def store(self, lease: Obj) -> Obj:
        self.version += 1
        self.lease = {**lease, "metadata": {**lease["metadata"], "resourceVersion": str(self.version)}}
        return deepcopy(self.lease)

    def give(self, holder: str, **spec: Any) -> None:
        self.store({"metadata": {"name": "l"}, "spec": {"holderIdentity": holder, **spec}})

    @property
    def holder(self) -> str:
        assert self.lease is not None
        return str(self.lease["spec"]["holderIdentity"])


def leader(leases: Leases, identity: str) -> Leader:
    return Leader(cast("Any", leases), namespace="ns", name="l", identity=identity)


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


LEASES: list[tuple[Any, float, bool]] = [
    # spec, seconds unchanged as seen here, whether "me" may take it
    ({"holderIdentity": "other"}, 0.0, False),
    ({"holderIdentity": "other"}, 14.9, False),
    ({"holderIdentity": "other"}, 15.0, True),
    ({"holderIdentity": "other", "renewTime": "1970-01-01T00:00:00.000000Z"}, 0.0, False),
    ({"holderIdentity": "other", "leaseDurationSeconds": 30}, 15.0, False),
    ({"holderIdentity": "other", "leaseDurationSeconds": 30}, 30.0, True),
    ({"holderIdentity": "other", "leaseDurationSeconds": 1}, 1.0, True),
    ({"holderIdentity": "other", "leaseDurationSeconds": 2_000_000_000}, 60.0, True),
    ({"holderIdentity": "other", "leaseDurationSeconds": None}, 15.0, True),
    ({"holderIdentity": "me"}, 0.0, True),
    ({"holderIdentity": ""}, 0.0, True),
    ({"holderIdentity": None}, 0.0, True),
    ({"leaseDurationSeconds": 15}, 0.0, True),
    ({}, 0.0, True),
    (None, 0.0, True),
]


@pytest.mark.parametrize(("spec", "unchanged", "may"), LEASES)
def test_may_take(spec: Any, unchanged: float, may: bool) -> None:
    assert may_take({"metadata": {}, "spec": spec}, "me", unchanged_seconds=unchanged) is may


def test_a_lease_without_anything_in_it_is_taken() -> None:
    for foreign in ({}, {"spec": None}, {"spec": {"leaseTransitions": None, "acquireTime": None}}):
        leases = Leases()
        leases.store({"metadata": {"name": "l"}, **foreign})
        run(leader(leases, "a").lead())
        assert leases.lease is not None
        spec = leases.lease["spec"]
        assert (spec["holderIdentity"], spec["leaseTransitions"], spec["leaseDurationSeconds"]) == ("a", 1, 15)
        assert spec["acquireTime"] == spec["renewTime"]


def test_a_crashed_leader_is_followed_within_17_seconds(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def main() -> None:
        leases = Leases()
        first, second = leader(leases, "a"), leader(leases, "b")
        await first.lead()
        kept = asyncio.create_task(first.keep())
        waiting = asyncio.create_task(second.lead())
        await asyncio.sleep(60.0)
        assert leases.holder == "a"
        assert second.standby
        assert [one.getMessage() for one in caplog.records] == ["leading", "standing by: a leads"], "told once"
        await end(kept)  # killed: it gives nothing back
        silent_since = now()
        await waiting
        assert leases.holder == "b"
        assert not second.standby
        assert 12.0 < now() - silent_since <= 17.0
        assert leases.lease is not None
        assert leases.lease["spec"]["leaseTransitions"] == 2

    run(main())


def test_a_released_lease_is_taken_within_a_second() -> None:
    async def main() -> None:
        leases = Leases()
        first = leader(leases, "a")
        await first.lead()
        waiting = asyncio.create_task(leader(leases, "b").lead())
        await asyncio.sleep(5.5)
        await first.release()
        assert leases.holder == ""
        released = now()
        await waiting
        assert leases.holder == "b"
        assert now() - released <= 1.0

    run(main())


@pytest.mark.parametrize("holder", ["b", ""])
def test_what_is_not_held_is_not_released(holder: str) -> None:
    leases = Leases()
    leases.give(holder)
    run(leader(leases, "a").release())
    assert (leases.holder, leases.version) == (holder, 1)
    run(leader(Leases(), "a").release())


@pytest.mark.parametrize("fault", [{"down": True}, {"hangs": 1000.0}])
def test_a_release_that_fails_does_not_hold_up_the_end(fault: dict[str, Any]) -> None:
    async def main() -> None:
        await leader(Leases(**fault), "a").release()
        assert now() <= 3.0

    run(main())


FAULTS: list[dict[str, Any]] = [{"down": True}, {"hangs": 1000.0}, {"down": True, "hangs": 3.0}, {"hangs": 9.0}]


@pytest.mark.parametrize("fault", FAULTS, ids=["refused", "hangs", "late refusals", "late answers"])
def test_a_leader_that_cannot_renew_stops_in_ten_seconds(fault: dict[str, Any]) -> None:
    """The Lease runs out after 15: before another may begin."""

    async def main() -> None:
        leases = Leases()
        holder = leader(leases, "a")
        await holder.lead()
        began = now()
        for name, value in fault.items():
            setattr(leases, name, value)
        await holder.keep()
        assert now() - began == 10.0

    run(main())


def test_a_slow_api_server_is_no_reason_to_stop() -> None:
    async def main() -> None:
        leases = Leases()
        holder = leader(leases, "a")
        await holder.lead()
        leases.hangs = 2.9
        keeping = asyncio.create_task(holder.keep())
        await asyncio.sleep(300.0)
        assert not keeping.done()
        await end(keeping)

    run(main())


def test_a_leader_whose_lease_was_taken_stops_at_once() -> None:
    async def main() -> None:
        leases = Leases()
        holder = leader(leases, "a")
        await holder.lead()
        leases.give("b")
        began = now()
        await holder.keep()
        assert leases.holder == "b"
        assert now() - began <= 4.0

    run(main())


@pytest.mark.parametrize("what", ["deleted", "touched", "emptied"])
def test_a_leader_whose_lease_somebody_meddles_with_keeps_it(what: str) -> None:
    async def main() -> None:
        leases = Leases()
        holder = leader(leases, "a")
        await holder.lead()
        keeping = asyncio.create_task(holder.keep())
        for _ in range(3):
            await asyncio.sleep(20.0)
            assert leases.lease is not None
            if what == "deleted":
                leases.lease = None
            elif what == "touched":
                leases.store(leases.lease)
            else:
                leases.give("")
        await asyncio.sleep(20.0)
        assert not keeping.done()
        assert leases.holder == "a"
        await end(keeping)

    run(main())


def test_a_renewal_is_one_request() -> None:
    async def main() -> None:
        leases = Leases()
        holder = leader(leases, "a")
        await holder.lead()
        keeping = asyncio.create_task(holder.keep())
        await asyncio.sleep(9.0)
        await end(keeping)
        assert leases.calls == ["get", "create", *["update"] * 4]
        assert leases.lease is not None
        assert leases.lease["spec"]["leaseTransitions"] == 1

    run(main())


def test_a_restarted_leader_goes_on_at_once() -> None:
    async def main() -> None:
        leases = Leases()
        await leader(leases, "a").lead()
        await leader(leases, "a").lead()
        assert now() == 0.0

    run(main())
