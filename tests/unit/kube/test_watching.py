"""The list-watch on a clock that jumps: what it asks for, when, and what it tells."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from processing_operator.kube.errors import DeniedError, KubeError, NotFoundError, TransientError, from_answer
from processing_operator.kube.watching import ListWatch, list_pages
from tests.unit.controller.fake_time import now, run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Obj = dict[str, Any]
PATH = "/api/v1/pods"
LOST = TransientError("connection reset")
EXPIRED = from_answer(410, {"kind": "Status", "reason": "Expired"}, "GET")


def thing(name: str, version: object = 1) -> Obj:
    return {"kind": "Pod", "metadata": {"namespace": "ns", "name": name, "resourceVersion": str(version)}}


def a_list(version: int, *names: str, more: str = "") -> Obj:
    metadata = {"resourceVersion": str(version), "continue": more}
    return {"kind": "PodList", "metadata": metadata, "items": [thing(name) for name in names]}


def event(kind: str, obj: object) -> bytes:
    return json.dumps({"type": kind, "object": obj}).encode()


def bookmark(version: int) -> bytes:
    return event("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": str(version)}})


@dataclass
class Server:
    """Lists and watches, in the order they are asked for; the last watch goes on for ever.

    A watch is its lines; a number among them is a pause in seconds, an error its end, "end" an orderly one.
    """

    lists: list[Obj | KubeError] = field(default_factory=list)
    watches: list[list[Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def note(self, what: str, query: dict[str, str]) -> None:
        self.asked.append(f"{what} {query.get('resourceVersion', '')}".strip())
        self.queries.append(query)
        self.times.append(now())

    async def request(self, _verb: str, _path: str, *, query: dict[str, str]) -> Obj:
        self.note("list", query)
        answer = self.lists.pop(0)
        if isinstance(answer, KubeError):
            raise answer
        return answer

    async def stream(self, _path: str, *, query: dict[str, str], silence: float) -> AsyncIterator[bytes]:
        self.note("watch", query)
        assert silence == 90.0
        for step in self.watches.pop(0) if self.watches else [1e6]:
            if isinstance(step, bytes):
                yield step
            elif isinstance(step, float):
                await asyncio.sleep(step)
            elif isinstance(step, KubeError):
                raise step


@dataclass
class Told:
    """What the list-watch has said; what is in `bad` makes it raise."""

    happened: list[str] = field(default_factory=list)
    bad: set[str] = field(default_factory=set)
    errors: list[Exception] = field(default_factory=list)

    def replaced(self, items: list[Obj], version: int) -> None:
        names = " ".join(item["metadata"]["name"] for item in items)
        self.tell(f"all: {names} at {version}", "list")

    def changed(self, obj: Obj) -> None:
        self.tell(f"changed {obj['metadata']['name']}", obj["metadata"]["name"])

    def deleted(self, obj: Obj) -> None:
        self.tell(f"deleted {obj['metadata']['name']}", obj["metadata"]["name"])

    def tell(self, text: str, about: str) -> None:
        if about in self.bad:
            self.bad.discard("list")
            raise RuntimeError(f"cannot take {about}")
        self.happened.append(text)


def follow(server: Server, told: Told | None = None, seconds: float = 1000.0, **options: Any) -> Told:
    """Run it for so long."""
    found = told or Told()

    async def main() -> None:
        watch = ListWatch(cast("Any", server), PATH, failed=found.errors.append, **options)
        task = asyncio.create_task(watch.run(found))
        await asyncio.sleep(seconds)
        assert not task.done(), task.exception()
        assert watch.ready.is_set() == any(line.startswith("all") for line in found.happened)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    run(main())
    return found


def test_a_list_then_what_changes_from_its_version_on() -> None:
    changes = [event("ADDED", thing("c", 6)), event("MODIFIED", thing("a", 7)), event("DELETED", thing("b", 8))]
    server = Server([a_list(5, "a", "b")], [[*changes, 1e6]])
    told = follow(server, label_selector="x=y", field_selector="status.state!=Failed", page=100)
    assert told.happened == ["all: a b at 5", "changed c", "changed a", "deleted b"]
    assert told.errors == []
    assert server.asked == ["list", "watch 5"]
    listed, watched = server.queries
    selectors = {"labelSelector": "x=y", "fieldSelector": "status.state!=Failed"}
    assert listed == {**selectors, "limit": "100", "continue": ""}
    assert 240 <= int(watched.pop("timeoutSeconds")) <= 360
    assert watched == {**selectors, "watch": "true", "allowWatchBookmarks": "true", "resourceVersion": "5"}


RESUMED: list[tuple[list[Any], str]] = [
    # how the first watch goes, and where the next one begins
    ([event("ADDED", thing("b", 6)), 300.0, "end"], "watch 6"),
    ([event("ADDED", thing("b", 6)), bookmark(9), 300.0, "end"], "watch 9"),
    ([event("DELETED", thing("a", 7)), LOST], "watch 7"),
    ([LOST], "watch 5"),
    ([from_answer(429, "later", "GET")], "watch 5"),
    ([from_answer(403, "<html>", "GET")], "watch 5"),
    ([event("ADDED", {**thing("b"), "metadata": None}), event("ADDED", thing("c", 8)), LOST], "watch 8"),
    ([event("ADDED", thing("b", "1e999")), LOST], "watch 5"),
]


@pytest.mark.parametrize(("first", "then"), RESUMED)
def test_a_watch_that_ended_goes_on_from_the_last_version(first: list[Any], then: str) -> None:
    server = Server([a_list(5, "a")], [first])
    follow(server)
    assert server.asked == ["list", "watch 5", then]


STATUS = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
LISTED_ANEW: list[list[Any]] = [
    [EXPIRED],
    [from_answer(410, "Gone", "GET")],
    [NotFoundError("the CRD is gone")],
    [DeniedError("no right to watch")],
    [event("ERROR", STATUS)],
    [event("ERROR", {**STATUS, "code": 500})],
    [event("ERROR", {"code": "x"})],
    [event("ERROR", None)],
    [event("ADDED", thing("b", 6)), b"not JSON"],
    [event("ADDED", thing("b", 6)), b'{"type": "ADDED", "object": {"a": "\x00"}}'],
    [b"[" * 100_000],
    [b"1e999"],
    [b"\xff\xfe"],
    [b"x" * (1 << 20)],
    [b'{"type": "ADDED"}'],
    [event("WHATEVER", thing("b", 6))],
]


@pytest.mark.parametrize("first", LISTED_ANEW)
def test_a_stream_that_cannot_be_gone_on_with_is_begun_anew(first: list[Any]) -> None:
    server = Server([a_list(5, "a"), a_list(20, "a", "c")], [[*first, 1e6]])
    told = follow(server)
    assert server.asked == ["list", "watch 5", "list", "watch 20"]
    assert server.times[2] < 1.0
    assert told.happened[-1] == "all: a c at 20"
    assert len(told.errors) == 1


@pytest.mark.parametrize(
    "obj",
    [
        thing("b", "x"),
        {**thing("b", 6), "metadata": []},
        {"metadata": {"resourceVersion": float("inf")}},
        {},
        [],
        None,
        "\x00",
        5,
    ],
)
def test_an_object_that_cannot_be_read_is_skipped(obj: object) -> None:
    lines = [event("MODIFIED", obj), event("MODIFIED", thing("a", 9)), 1e6]
    server = Server([a_list(5, "a")], [lines])
    told = follow(server)
    assert told.happened == ["all: a at 5", "changed a"]
    assert len(told.errors) == 1
    assert server.asked == ["list", "watch 5"]


def test_an_item_that_cannot_be_read_is_left_out_of_the_list() -> None:
    listed = a_list(5, "a", "b")
    listed["items"] += [None, {"metadata": {"name": "c"}}]
    told = follow(Server([listed]))
    assert told.happened == ["all: a b at 5"]
    assert len(told.errors) == 2


def test_a_sink_that_raises_is_told_of_the_next_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    lines = [event("ADDED", thing("bad", 6)), event("DELETED", thing("bad", 7)), event("ADDED", thing("good", 8)), LOST]
    server = Server([a_list(5)], [lines])
    told = follow(server, Told(bad={"bad"}))
    assert told.happened == ["all:  at 5", "changed good"]
    assert [str(error) for error in told.errors] == ["cannot take bad", "cannot take bad", "connection reset"]
    assert caplog.records[0].__dict__["key"] == "ns/bad"
    assert server.asked[-1] == "watch 8"


def test_a_list_that_was_not_taken_in_is_listed_again() -> None:
    told = follow(Server([a_list(5, "a"), a_list(6, "a")]), Told(bad={"list"}))
    assert told.happened == ["all: a at 6"]


def test_pauses_grow_to_half_a_minute_and_begin_anew_with_a_sign_of_life() -> None:
    server = Server([*[LOST] * 12, a_list(5), a_list(5)], [[LOST], [bookmark(6), LOST]])
    follow(server)
    pauses = [after - before for before, after in zip(server.times, server.times[1:], strict=False)]
    for failures, pause in enumerate(pauses[:12]):
        longest = min(30.0, 0.5 * 2**failures)
        assert longest * 0.75 <= pause <= longest
    assert server.asked[12:] == ["list", "watch 5", "list", "watch 5", "watch 6"]
    assert pauses[13] > 20.0, "a list alone is no sign of life"
    assert pauses[15] < 1.0


def test_what_fails_again_and_again_from_one_version_is_listed_anew() -> None:
    """As from a version that a restored etcd does not have yet."""
    server = Server([a_list(5, "a"), a_list(3, "a")], [[LOST]] * 5)
    follow(server)
    assert server.asked == ["list", *["watch 5"] * 5, "list", "watch 3"]


def test_a_watch_that_is_always_ended_at_once_is_no_busy_loop() -> None:
    server = Server([a_list(5, "a")], [[bookmark(6), "end"]] * 1000)
    follow(server, seconds=20.0)
    assert len(server.asked) < 60


def test_the_server_says_when_to_come_again() -> None:
    later = from_answer(429, "Too many requests", "GET", 20.0)
    server = Server([later, a_list(5)])
    follow(server)
    assert server.times[1] == 20.0


async def test_pages_are_of_one_moment() -> None:
    server = Server([a_list(5, "a", "b", more="x"), a_list(0, "c", more="y"), a_list(0, "d")])
    items, version = await list_pages(cast("Any", server), PATH, {"labelSelector": "l"}, page=2)
    assert [item["metadata"]["name"] for item in items] == ["a", "b", "c", "d"]
    assert version == 5
    assert [query["continue"] for query in server.queries] == ["", "x", "y"]
    assert {query["limit"] for query in server.queries} == {"2"}
    assert {query["labelSelector"] for query in server.queries} == {"l"}


@pytest.mark.parametrize(
    "answers",
    [
        [a_list(5, "a", more="x"), EXPIRED],
        [a_list(5, "a", more="x"), a_list(5, "b", more="x")],
        [{"kind": "PodList"}],
        [{"kind": "PodList", "metadata": {"resourceVersion": "x"}}],
        [{"kind": "PodList", "metadata": {"resourceVersion": "5"}, "items": 5}],
        [{"kind": "PodList", "metadata": "\x00", "items": []}],
        [a_list(5, "a", more="x"), {"kind": "PodList", "items": None}],
    ],
    ids=["expired", "its own next", "no metadata", "no version", "no items", "NUL", "second without metadata"],
)
async def test_pages_that_are_no_list(answers: list[Any]) -> None:
    with pytest.raises(TransientError):
        await list_pages(cast("Any", Server(answers)), PATH)


async def test_no_items_is_an_empty_list() -> None:
    assert await list_pages(cast("Any", Server([{**a_list(5), "items": None}])), PATH) == ([], 5)
