"""What is sent, and what must never be: only regular files, each as it stood still, each with its checksum."""

from __future__ import annotations

import itertools
import os
import random
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from processing_agent.s3.faults import Kind
from processing_agent.watch import TimeUp
from tests.integration.agent.engines.rig import Rig
from tests.support.fault_server import FaultServer, faults

MIB = 1 << 20
LARGE, OTHER_LARGE = (random.Random(seed).randbytes(17 * MIB + 1) for seed in (3, 4))  # noqa: S311 - the same each time
EDGES = [0, 1, 64 << 10, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 16 * MIB, 16 * MIB + 1]


@pytest.mark.parametrize("size", EDGES)
def test_sizes_at_the_edges_there_and_back(rig: Rig, server: FaultServer, size: int) -> None:
    content = LARGE[:size]
    tally = rig.upload({"x": content})
    assert (tally.items[0].objects, tally.items[0].bytes, tally.verified) == (1, size, {"CRC64NVME": 1})
    assert rig.sent("x") == content
    back = Rig(server, rig.root / "back", rig.impatience)
    tally = back.download("r/")
    assert back.files == {"x": content}
    assert tally.verified == {"CRC64NVME": 1}
    assert not back.leftovers


def test_every_body_has_a_checksum_that_the_store_compares(rig: Rig, server: FaultServer) -> None:
    rig.upload({"small": b"1", "empty": b"", "large": LARGE})
    bodies = [seen.request for seen in server.seen() if seen.operation in {"PutObject", "UploadPart"}]
    assert len(bodies) >= 4
    assert all("crc64nvme" in request.checksums for request in bodies)
    signed = [request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0] for request in bodies]
    assert all("x-amz-checksum-crc64nvme" in headers.split(";") for headers in signed)


def test_what_is_there_is_overwritten_and_nothing_deleted(rig: Rig, server: FaultServer) -> None:
    for key in ("r/x", "r/large", "r/other"):
        server.store.put(key, b"old")
    rig.upload({"x": b"new", "large": LARGE})
    assert (rig.sent("x"), rig.sent("large"), rig.sent("other")) == (b"new", LARGE, b"old")
    assert not [seen for seen in server.seen() if seen.request.method == "DELETE"]


def test_a_file_that_changes_while_it_is_sent_is_sent_again(rig: Rig, server: FaultServer) -> None:
    server.inject(faults.first(lambda: rig.write({"x": OTHER_LARGE})), "UploadPart", nth=2)
    tally = rig.upload({"x": LARGE})
    assert not tally.items[0].faults
    assert rig.sent("x") == OTHER_LARGE
    assert not server.uploads.open
    assert tally.counts.bytes == len(LARGE)


def test_a_file_that_is_cut_off_before_it_is_summed(rig: Rig, server: FaultServer) -> None:
    """It is the script's: what is read of it must not end the agent."""
    left = 5 * MIB
    server.inject(faults.first(lambda: os.truncate(rig.out / "x", left)), "CreateMultipartUpload")
    tally = rig.upload({"x": LARGE})
    assert not tally.items[0].faults
    assert rig.sent("x") == LARGE[:left]
    assert not server.uploads.open
    assert tally.counts.bytes == left


def test_a_file_that_never_holds_still_fails_by_name(rig: Rig, server: FaultServer) -> None:
    numbers = itertools.count()

    def change() -> None:
        os.utime(rig.out / "x", ns=(0, next(numbers)))

    server.always(faults.first(change), "UploadPart")
    tally = rig.upload({"x": LARGE, "y": b"holds still"})
    fault = rig.fault(tally)
    assert (fault.kind, fault.key) == (Kind.CHANGED, "r/x")
    assert rig.sent("y") == b"holds still"
    assert "r/x" not in server.store.objects
    assert not server.uploads.open


def test_a_file_that_has_grown_since_the_walk(rig: Rig) -> None:
    rig.write({"x": LARGE, "y": b"longer than before"})
    assert not rig.send({"x": 5, "y": 3}).items[0].faults
    assert (rig.sent("x"), rig.sent("y")) == (LARGE, b"longer than before")


def _link(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def _link_above(path: Path) -> None:
    path.parent.rmdir()
    path.parent.symlink_to("/etc")
    assert (path.parent / "hostname").exists()


def _socket(path: Path) -> None:
    directory = os.open(path.parent, os.O_PATH)  # a socket's address is short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{directory}/{path.name}")
    os.close(directory)


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(_link, id="link"),
        pytest.param(_link_above, id="link above"),
        pytest.param(os.mkfifo, id="FIFO"),
        pytest.param(Path.mkdir, id="directory"),
        pytest.param(_socket, id="socket"),
        pytest.param(lambda path: os.mknod(path, 0o20666, os.makedev(1, 5)), id="device"),
        pytest.param(lambda _: None, id="nothing"),
    ],
)
@pytest.mark.parametrize("size", [7, 9 * MIB], ids=["small", "large"])
def test_what_took_a_file_s_place_is_not_sent(
    rig: Rig, server: FaultServer, plant: Callable[[Path], None], size: int
) -> None:
    rig.write({"y": b"1"})
    path = rig.out / "d" / "hostname"
    path.parent.mkdir()
    plant(path)
    fault = rig.fault(rig.send({"d/hostname": size, "y": 1}))
    assert (fault.kind, fault.key) == (Kind.LOCAL, "r/d/hostname")
    assert list(server.store.objects) == ["r/y"]
    assert not server.uploads.open


def test_when_time_is_over_no_upload_stays_open(rig: Rig, server: FaultServer) -> None:
    rig.within = 0.5
    server.always(faults.late(0.9), "UploadPart")
    with pytest.raises(TimeUp):
        rig.upload({f"{n}": LARGE for n in range(4)})
    assert server.seen("CreateMultipartUpload")
    assert not server.uploads.open


def test_a_doubtful_file_is_compared_before_it_is_sent(rig: Rig, server: FaultServer) -> None:
    server.store.put("r/x", b"there", "crc64nvme")
    server.store.put("r/y", b"other", "crc64nvme")
    rig.write({"x": b"there", "y": b"new"})
    tally = rig.send({"x": 5, "y": 3}, doubtful=True)
    assert (tally.items[0].objects, tally.counts.bytes) == (2, 8)
    assert [seen.key for seen in server.seen("PutObject")] == ["r/y"]
    assert rig.sent("y") == b"new"
