"""The list-watch before a real API server, and what may happen between the two."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from processing_operator.api.names import LABEL_UID
from processing_operator.kube import session as module
from processing_operator.kube import watching
from processing_operator.kube.watching import ListWatch, list_pages, resource_version
from tests.integration.controller import proxy
from tests.integration.controller.conftest import connected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from processing_operator.kube.session import Session
    from tests.integration.controller.proxy import How
    from tests.integration.controller.site import Site

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("control-plane")]
WATCH = "GET /api/v1/.*pods.watch"


@dataclass
class Told:
    """What is there, as the list-watch tells it."""

    there: dict[str, Any] = field(default_factory=dict)
    lists: int = 0
    events: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def replaced(self, items: list[Any], version: int) -> None:
        assert all(resource_version(item) <= version for item in items)
        self.there = {item["metadata"]["name"]: item for item in items}
        self.lists += 1
        self.news.set()

    def changed(self, obj: Any) -> None:
        self.tell("changed", obj)
        self.there[obj["metadata"]["name"]] = obj

    def deleted(self, obj: Any) -> None:
        self.tell("deleted", obj)
        del self.there[obj["metadata"]["name"]]

    def tell(self, what: str, obj: Any) -> None:
        self.events.append(f"{what} {obj['metadata']['name']}")
        self.news.set()

    def failed(self, error: Exception) -> None:
        self.errors.append(error)
        self.news.set()

    async def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                self.news.clear()
                await self.news.wait()


@asynccontextmanager
async def following(
    session: Session, path: str, version: int | None = None, **options: Any
) -> AsyncIterator[tuple[ListWatch, Told]]:
    told = Told()
    watch = ListWatch(session, path, failed=told.failed, **options)
    watch._version = version
    task = asyncio.create_task(watch.run(told))
    try:
        async with asyncio.timeout(20):
            await watch.ready.wait()
        yield watch, told
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def make(site: Site, name: str, label: str = LABEL_UID) -> None:
    spec = {"containers": [{"name": "c", "image": "x"}]}
    site.cluster.create(site.pods, {"metadata": {"name": name, "labels": {label: "x"}}, "spec": spec})


def change(site: Site, name: str) -> None:
    site.cluster.patch(f"{site.pods}/{name}", {"metadata": {"annotations": {"a": "b"}}})


def remove(site: Site, name: str) -> None:
    site.cluster.delete(f"{site.pods}/{name}", gracePeriodSeconds=0)


async def test_what_is_added_changed_and_deleted_is_told(session: Session, site: Site) -> None:
    make(site, "before")
    make(site, "foreign", label="other")
    async with following(session, site.pods, label_selector=LABEL_UID) as (_, told):
        assert list(told.there) == ["before"]
        make(site, "new")
        change(site, "before")
        remove(site, "new")
        await told.until(lambda: "deleted new" in told.events)
        # to be deleted is a change, to be gone another
        assert told.events == ["changed new", "changed before", "changed new", "deleted new"]
        assert told.there["before"]["metadata"]["annotations"] == {"a": "b"}
        assert (told.lists, told.errors) == (1, [])


async def test_a_list_of_several_pages(session: Session, site: Site) -> None:
    for number in range(7):
        make(site, f"pod-{number}")
    async with following(session, site.pods, label_selector=LABEL_UID, page=3) as (_, told):
        assert len(told.there) == 7
    items, version = await list_pages(session, site.pods, page=2)
    assert len(items) == 7
    assert version >= max(resource_version(item) for item in items)


async def test_a_version_that_is_too_old_is_listed_anew(session: Session, site: Site) -> None:
    """As after a compaction: the jobs' CRD was made later than what it asks for."""
    site.create_job("one")
    async with following(session, site.jobs, version=1) as (_, told):
        assert list(told.there) == ["one"]
        assert [getattr(error, "status", 0) for error in told.errors] == [410]
        site.create_job("two")
        await told.until(lambda: "two" in told.there)
        assert (told.events, told.lists) == (["changed two"], 1)


async def test_bookmarks_move_on_and_a_watch_that_ends_in_order_goes_on(
    session: Session, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_LIFE_SECONDS", (3, 3))
    async with following(session, site.pods, label_selector=LABEL_UID) as (watch, told):
        listed = watch._version
        make(site, "foreign", label="other")
        async with asyncio.timeout(10):
            while watch._version == listed:  # noqa: ASYNC110 - nobody is told of a bookmark
                await asyncio.sleep(0.05)
        await asyncio.sleep(3.0)  # the watch has been ended by then, and begun again
        make(site, "late")
        await told.until(lambda: "late" in told.there)
        assert told.events == ["changed late"]
        assert (told.lists, told.errors) == (1, [])


async def test_a_dropped_connection_goes_on_where_it_was(site: Site) -> None:
    with proxy.running(site.plane.url, site.plane.authority) as broken:
        async with (
            connected(site.plane, broken.url) as session,
            following(session, site.pods, label_selector=LABEL_UID) as (_, told),
        ):
            make(site, "one")
            await told.until(lambda: "one" in told.there)
            broken.cut()
            remove(site, "one")
            make(site, "two")
            await told.until(lambda: "two" in told.there)
            assert told.events == ["changed one", "changed one", "deleted one", "changed two"]
            assert told.lists == 1


async def test_a_frozen_stream_is_noticed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_SILENCE_SECONDS", 1.0)
    with proxy.running(site.plane.url, site.plane.authority) as broken:
        async with (
            connected(site.plane, broken.url) as session,
            following(session, site.pods, label_selector=LABEL_UID) as (_, told),
        ):
            broken.freeze()
            make(site, "one")
            await told.until(lambda: bool(told.errors))
            broken.flows.set()
            await told.until(lambda: "one" in told.there)
            assert (told.events, told.lists) == (["changed one"], 1)


@pytest.mark.parametrize("how", ["before", "hang before"])
async def test_a_watch_that_does_not_begin(site: Site, how: How, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 2.0)
    with proxy.running(site.plane.url, site.plane.authority) as broken:
        broken.add(WATCH, how, times=2)
        async with (
            connected(site.plane, broken.url) as session,
            following(session, site.pods, label_selector=LABEL_UID) as (_, told),
        ):
            make(site, "one")
            await told.until(lambda: "one" in told.there)
            assert told.lists == 1
            assert told.errors  # one may go unseen: a lost GET is sent again on a new connection
