"""Lists that come in pages, in chunks, encoded, half; and where what they name lands."""

from __future__ import annotations

import pytest

from processing_agent.download import NothingFound
from processing_agent.s3.collisions import KeyCollision
from processing_agent.s3.faults import Kind, StoreFault
from processing_agent.s3.names import UnsafeKey
from tests.integration.agent.engines.rig import Rig
from tests.support.fault_server import FaultServer, faults
from tests.support.fault_server.faults import Fault

ODD = [
    " leading and trailing ",
    "-dash",
    "a+b c%20d",
    "line\nbreak\ttab",
    "quotes\"'`&<>",
    "snow☃ é 𝄞",
    "e\u0301 decomposed",
    "back\\slash",
    "*?[]{}~#!$",
    "=;:@,",
    "control\x01\x1b[31m\x7f",
    "...",
    ".hidden",
    "%2e%2e",
    "x" * 255,
    "deep/" * 100 + "end",
]


def put(server: FaultServer, *keys: str) -> None:
    for key in keys:
        server.store.put(key, b"" if key.endswith("/") else key.encode())


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_list_in_chunks(rig: Rig, server: FaultServer, size: int) -> None:
    put(server, *(f"d/{name}" for name in ODD))
    server.always(faults.chunked(size), "ListObjectsV2")
    rig.download()
    assert rig.files == {name: f"d/{name}".encode() for name in ODD}


def test_many_pages_are_each_asked_for_once(rig: Rig, server: FaultServer) -> None:
    keys = [f"d/{n:03}" for n in range(25)]
    put(server, *keys)
    server.store.page = 4
    tally = rig.download()
    assert len(rig.files) == tally.items[0].objects == 25
    tokens = [seen.request.query.get("continuation-token", "") for seen in server.seen("ListObjectsV2")]
    assert len(tokens) == len(set(tokens)) == 7


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.refused(503, "SlowDown"), id="SlowDown"),
        pytest.param(faults.page_of_a_gateway(502), id="page of a gateway"),
        pytest.param(faults.cut(200), id="reset"),
        pytest.param(faults.short(200), id="closed early"),
        pytest.param(faults.short(0), id="empty"),
        pytest.param(faults.stalled(200), id="stalled"),
    ],
)
def test_a_page_that_fails_is_asked_for_again(rig: Rig, server: FaultServer, fault: Fault) -> None:
    put(server, *(f"d/{n}" for n in range(9)))
    server.store.page = 4
    server.inject(fault, "ListObjectsV2", nth=2)
    tally = rig.download()
    assert len(rig.files) == tally.items[0].objects == 9
    tokens = [seen.request.query.get("continuation-token", "") for seen in server.seen("ListObjectsV2")]
    assert tokens == ["", "d/3", "d/3", "d/7"]


def test_a_chunked_page_that_ends_early_is_not_taken_for_whole(rig: Rig, server: FaultServer) -> None:
    put(server, *(f"d/{n}" for n in range(9)))
    both: Fault = lambda request, ask: faults.chunked(50)(request, lambda r: faults.short(700)(r, ask))  # noqa: E731
    server.inject(both, "ListObjectsV2")
    rig.download()
    assert len(rig.files) == 9


def test_a_list_that_is_no_list_is_an_error(rig: Rig, server: FaultServer) -> None:
    put(server, "d/x")
    server.always(faults.error_in_200("AccessDenied"), "ListObjectsV2")
    with pytest.raises(StoreFault) as fault:
        rig.download()
    assert fault.value.kind is Kind.DENIED


@pytest.mark.parametrize(
    ("prefix", "key", "lands"),
    [
        ("d/train/", "d/train/x/b.csv", "x/b.csv"),
        ("d/train", "d/train/x/b.csv", "x/b.csv"),
        ("d/a.csv", "d/a.csv", "a.csv"),
        ("d/train", "d/train-x.csv", "train-x.csv"),
        ("", "k", "k"),
    ],
)
def test_where_objects_land(rig: Rig, server: FaultServer, prefix: str, key: str, lands: str) -> None:
    put(server, key)
    rig.download(prefix)
    assert rig.files == {lands: key.encode()}


def test_a_folder_s_object_is_a_directory(rig: Rig, server: FaultServer) -> None:
    put(server, "d/", "d/empty/", "d/x")
    rig.download()
    assert rig.files == {"x": b"d/x"}
    assert (rig.workspace / "in" / "empty").is_dir()
    assert not server.seen("GetObject", "d/empty/")


@pytest.mark.parametrize("key", ["d/../x", "d/a/../../../x", "d//x", "d/./x", "d/a//b", "d/" + "x" * 256])
def test_unsafe_keys_are_refused_before_a_byte_is_fetched(rig: Rig, server: FaultServer, key: str) -> None:
    put(server, "d/a-good-one", key)
    with pytest.raises(UnsafeKey):
        rig.download()
    assert not server.seen("GetObject")
    assert rig.files == {}


@pytest.mark.parametrize("keys", [("d/a", "d/a/b"), ("d/a", "d/a-b", "d/a/b"), ("d/a", "d/a/")])
def test_collisions_are_refused_before_a_byte_is_fetched(rig: Rig, server: FaultServer, keys: tuple[str, ...]) -> None:
    put(server, *keys)
    with pytest.raises(KeyCollision, match=f"{keys[0]} .*{keys[-1]}"):
        rig.download()
    assert not server.seen("GetObject")


def test_links_in_the_way_are_not_followed(rig: Rig, server: FaultServer) -> None:
    outside = rig.root / "outside"
    outside.mkdir()
    (rig.workspace / "in").mkdir()
    (rig.workspace / "in" / "a").symlink_to(outside)
    put(server, "d/a/x", "d/b")
    with pytest.raises((StoreFault, OSError)):
        rig.download()
    assert list(outside.iterdir()) == []


def test_nothing_found(rig: Rig, server: FaultServer) -> None:
    put(server, "other")
    with pytest.raises(NothingFound, match="d/"):
        rig.download()


def test_names_of_files_become_the_same_keys(rig: Rig, server: FaultServer) -> None:
    names = [name for name in ODD if not name.startswith("deep/")]
    tally = rig.upload({name: name.encode() for name in names})
    assert not tally.items[0].faults
    assert {key: found.content for key, found in server.store.objects.items()} == {
        f"r/{name}": name.encode() for name in names
    }
