"""Each object whole, from one version, compared with what the store says of it; else not there at all."""

from __future__ import annotations

import random

import pytest

from processing_agent.engines.fast import disk
from processing_agent.s3.faults import Kind, StoreFault
from tests.integration.agent.engines.rig import Rig
from tests.support.fault_server import FaultServer, faults

MIB = 1 << 20
SMALL, OTHER_SMALL = b"version one", b"the second version"
LARGE, OTHER_LARGE = (random.Random(seed).randbytes(17 * MIB + seed) for seed in (1, 2))  # noqa: S311 - the same each time
SIZES = pytest.mark.parametrize(("one", "two"), [(SMALL, OTHER_SMALL), (LARGE, OTHER_LARGE)], ids=["small", "large"])


@pytest.mark.parametrize("algorithm", ["crc64nvme", "crc32c", "crc32", "sha256", ""])
@SIZES
def test_wrong_bytes_are_fetched_again(rig: Rig, server: FaultServer, one: bytes, two: bytes, algorithm: str) -> None:
    server.store.put("d/x", one, *filter(None, [algorithm]))
    server.store.put("d/y", two, *filter(None, [algorithm]))
    server.inject(faults.damaged(7), "GetObject", "d/x")
    tally = rig.download()
    assert rig.files == {"x": one, "y": two}
    assert tally.verified == {algorithm.upper() or "MD5": 2}


@SIZES
def test_bytes_that_stay_wrong_fail_by_name_and_leave_nothing(
    rig: Rig, server: FaultServer, one: bytes, two: bytes
) -> None:
    server.store.put("d/x", one, "crc32c")
    server.store.objects["d/x"].checksums["crc32c"] = "AAAAAA=="
    server.store.put("other", two)
    with pytest.raises(StoreFault, match="d/x") as fault:
        rig.download()
    assert fault.value.kind is Kind.CORRUPT
    assert rig.files == {}
    assert (
        2
        <= len([seen for seen in server.seen("GetObject") if not seen.range or seen.range.startswith("bytes=0-")])
        <= 5
    )


def test_a_checksum_that_was_announced_wrong_once(rig: Rig, server: FaultServer) -> None:
    server.store.put("d/x", SMALL, "crc32c")
    server.inject(faults.wrong_checksum("crc32c", "AAAAAA=="), "GetObject")
    rig.download()
    assert rig.files == {"x": SMALL}


def test_what_has_no_checksum_is_compared_by_its_length(rig: Rig, server: FaultServer) -> None:
    server.store.put("d/x", SMALL)
    stored = server.store.objects["d/x"]
    server.store.objects["d/x"] = type(stored)(stored.content, '"no-digest-of-anything"')
    assert rig.download().verified == {"length": 1}


@SIZES
def test_overwritten_between_list_and_get(rig: Rig, server: FaultServer, one: bytes, two: bytes) -> None:
    server.store.put("d/x", one, "crc64nvme")
    server.inject(faults.overtaken(lambda: server.store.put("d/x", two, "crc64nvme")), "ListObjectsV2")
    tally = rig.download()
    assert rig.files == {"x": two}
    assert tally.items[0].bytes == len(two)
    assert tally.counts.bytes == len(two)


def test_overwritten_in_the_middle_of_its_ranges(rig: Rig, server: FaultServer) -> None:
    server.store.put("d/x", LARGE)
    server.inject(faults.first(lambda: server.store.put("d/x", OTHER_LARGE)), "GetObject", nth=2)
    tally = rig.download()
    assert rig.files == {"x": OTHER_LARGE}
    assert tally.counts.bytes == len(OTHER_LARGE)
    assert all(seen.request.headers.get("if-match") for seen in server.seen("GetObject") if seen.range)


def test_ranges_grow_with_the_object(
    rig: Rig, server: FaultServer, engine_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the fast engine: as many as there may be, here one. An object of which that is true has 156 GiB."""
    monkeypatch.setattr(disk, "MOST_RANGES", 1)
    server.store.put("d/x", LARGE, "crc64nvme")
    tally = rig.download()
    assert rig.files == {"x": LARGE}
    assert tally.verified == {"CRC64NVME": 1}
    if engine_name == "fast":
        assert [seen.range for seen in server.seen("GetObject")] == [f"bytes=0-{len(LARGE) - 1}"]


def test_an_object_that_never_holds_still_fails_by_name(rig: Rig, server: FaultServer) -> None:
    server.store.put("d/x", LARGE)
    versions = iter(range(1000))
    server.always(faults.first(lambda: server.store.put("d/x", LARGE + b"%d" % next(versions))), "GetObject")
    with pytest.raises(StoreFault, match="d/x") as fault:
        rig.download()
    assert fault.value.kind is Kind.CHANGED
    assert rig.files == {}


@SIZES
def test_deleted_after_the_listing(rig: Rig, server: FaultServer, one: bytes, two: bytes) -> None:
    server.store.put("d/x", one)
    server.store.put("d/y", two)
    server.inject(faults.overtaken(lambda: server.store.delete("d/x")), "ListObjectsV2")
    with pytest.raises(StoreFault, match="d/x") as fault:
        rig.download()
    assert (fault.value.kind, fault.value.status) == (Kind.NO_KEY, 404)
    assert "x" not in rig.files


def test_deleted_in_the_middle_of_its_ranges(rig: Rig, server: FaultServer) -> None:
    server.store.put("d/x", LARGE)
    server.inject(faults.first(lambda: server.store.delete("d/x")), "GetObject", nth=2)
    with pytest.raises(StoreFault, match="d/x") as fault:
        rig.download()
    assert (fault.value.kind, fault.value.code) == (Kind.NO_KEY, "NoSuchKey")
    assert rig.files == {}


@pytest.mark.parametrize("operation", ["PutObject", "UploadPart"])
def test_what_arrives_damaged_is_refused_and_sent_again(rig: Rig, server: FaultServer, operation: str) -> None:
    server.inject(faults.damaged_arrival(3), operation)
    content = SMALL if operation == "PutObject" else LARGE
    tally = rig.upload({"x": content})
    assert not tally.items[0].faults
    assert rig.sent("x") == content
    assert all(seen.request.checksums for seen in server.seen(operation))
    assert not server.uploads.open


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_what_always_arrives_damaged_fails_by_name(rig: Rig, server: FaultServer, content: bytes) -> None:
    server.always(faults.damaged_arrival(3), "PutObject" if content is SMALL else "UploadPart")
    fault = rig.fault(rig.upload({"x": content}))
    assert (fault.kind, fault.key, fault.code) == (Kind.CORRUPT, "r/x", "BadDigest")
    assert not server.store.objects
    assert not server.uploads.open
