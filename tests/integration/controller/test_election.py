"""The election on a real Lease: an orderly hand-over, a crash, a renewal that hangs."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from processing_operator.controller.kube import Kube
from processing_operator.controller.leader import Leader
from tests.integration.controller import proxy
from tests.integration.controller.conftest import connected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dev.cluster.client import Object
    from processing_operator.kube.session import Session
    from tests.integration.controller.site import Site

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("control-plane")]
NAME = "operator-of-tests"


def leader(session: Session, site: Site, identity: str) -> Leader:
    kube = Kube(session, namespaces=())
    return Leader(kube, namespace=site.namespace, name=NAME, identity=identity)


def lease(site: Site) -> Object:
    spec: Object = site.cluster.get(f"{leases(site)}/{NAME}")["spec"]
    return spec


def leases(site: Site) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{site.namespace}/leases"


@asynccontextmanager
async def keeping(held: Leader) -> AsyncIterator[asyncio.Task[None]]:
    """Lead, and renew meanwhile."""
    await held.lead()
    task = asyncio.create_task(held.keep())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_an_orderly_hand_over_takes_three_seconds_at_most(session: Session, site: Site) -> None:
    first, second = leader(session, site, "one"), leader(session, site, "two")
    async with keeping(first):
        waiting = asyncio.create_task(second.lead())
        await asyncio.sleep(4.5)  # two renewals
        assert (lease(site)["holderIdentity"], second.standby) == ("one", True)
    began = time.monotonic()
    await first.release()
    async with asyncio.timeout(3.0):
        await waiting
    print(f"\nhand-over: {time.monotonic() - began:.2f} s")
    assert (lease(site)["holderIdentity"], lease(site)["leaseTransitions"]) == ("two", 2)


async def test_a_crash_is_made_up_for_in_seventeen_seconds(session: Session, site: Site) -> None:
    async with keeping(leader(session, site, "one")):
        waiting = asyncio.create_task(leader(session, site, "two").lead())
        await asyncio.sleep(2.2)  # just renewed: the longest wait
    began = time.monotonic()
    async with asyncio.timeout(17.0):
        await waiting
    took = time.monotonic() - began
    print(f"\nafter a crash: {took:.2f} s")
    assert took > 12.0
    assert lease(site)["holderIdentity"] == "two"


async def test_a_renewal_that_hangs_ends_the_lead_before_another_begins(session: Session, site: Site) -> None:
    with proxy.running(site.plane.url, site.plane.authority) as broken:
        async with connected(site.plane, broken.url) as cut_off:
            async with keeping(leader(cut_off, site, "one")) as kept:
                waiting = asyncio.create_task(leader(session, site, "two").lead())
                broken.add(".* /apis/coordination.k8s.io/.*", "hang before", times=1000)
                began = time.monotonic()
                async with asyncio.timeout(10.5):
                    await kept
                assert not waiting.done()
            print(f"\nled on for {time.monotonic() - began:.2f} s")
            async with asyncio.timeout(10.0):
                await waiting
            broken.cut()


async def test_a_lease_of_another_shape_is_taken(session: Session, site: Site) -> None:
    site.cluster.create(leases(site), {"metadata": {"name": NAME}})
    held = leader(session, site, "one")
    async with keeping(held):
        assert lease(site)["holderIdentity"] == "one"
        site.cluster.delete(f"{leases(site)}/{NAME}")
        async with asyncio.timeout(8.0):
            while site.cluster.find(f"{leases(site)}/{NAME}") is None:  # noqa: ASYNC110 - it is renewed by the clock
                await asyncio.sleep(0.1)
    await held.release()
    assert lease(site).get("holderIdentity", "") == ""
