"""128 MiB of memory, whatever the number of objects or their size: 1,000,000 keys, 200,000 files, 20 GiB at scale 1.

Each case runs twice, with a quarter of the data first: what four times as much takes more of is not bounded.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path

from awscrt import checksums

from tests.integration.agent.bounded.conftest import MIB, compare, measure
from tests.integration.agent.pod import Pod
from tests.support.bulk_store import BLOCK, BulkStore
from tests.support.memory_cgroup import Peak

KEYS, FILES, SIZE = 1_000_000, 200_000, 20 << 30
HOSTS = 10
FILES_OF_FOLDER = 5  # so there are more directories than a walk holds in memory
IN, OUT = "/opt/ml/processing/input", "/opt/ml/processing/out"
PART = 8 * MIB
MakePod = Callable[[str], Pod]


def sizes(full: int, scale: float) -> tuple[int, int]:
    whole = int(full * scale)
    return whole // 4, whole


def crc64(data: bytes, before: int = 0) -> int:
    return int(checksums.crc64nvme(data, before))


def text(crc: int) -> str:
    return base64.b64encode(crc.to_bytes(8, "big")).decode()


def test_many_keys(make_pod: MakePod, scale: float) -> None:
    peaks = [fetch_many(make_pod(f"keys-{count}"), count) for count in sizes(KEYS, scale)]
    compare(*peaks)


def fetch_many(pod: Pod, count: int) -> Peak:
    pod.input(f"s3://bucket/many-{count}/")
    pod.plan["inputs"][0]["s3"]["shard"] = {"index": 3, "count": HOSTS}
    measured = measure(pod, "fetch")
    expected = range(3, count, HOSTS)
    assert measured.ended.items[0][0] == len(expected)
    base = pod.path(IN)
    for number in expected:
        content = (base / f"{number // 1000:04}" / f"{number:07}").read_bytes()
        assert content == (b"" if number % 10 == 0 else b"%d" % number)
    assert sum(len(names) for _, _, names in os.walk(base)) == len(expected)
    return measured.peak


def test_many_files(make_pod: MakePod, bulk: BulkStore, scale: float) -> None:
    peaks = [send_many(make_pod(f"files-{count}"), bulk, count) for count in sizes(FILES, scale)]
    compare(*peaks)


def send_many(pod: Pod, bulk: BulkStore, count: int) -> Peak:
    pod.output("s3://bucket/r")
    files = {f"{number // FILES_OF_FOLDER}/{number:06}": b"%d" % number * 10 for number in range(count)}
    pod.script()
    for folder in {name.partition("/")[0] for name in files}:
        pod.path(f"{OUT}/{folder}").mkdir(parents=True)
    base = pod.path(OUT)
    for name, content in files.items():
        (base / name).write_bytes(content)
    measured = measure(pod, "upload")
    assert measured.ended.items == [(count, sum(map(len, files.values())), "C")]
    taken = bulk.taken()
    assert {key: found["crc"] for key, found in taken.objects.items()} == {
        f"r/{name}": text(crc64(content)) for name, content in files.items()
    }
    assert taken.again == 0
    return measured.peak


def test_a_large_object_down(make_pod: MakePod, bulk: BulkStore, scale: float) -> None:
    peaks = [fetch_large(make_pod(f"down-{size}"), bulk, size) for size in sizes(SIZE, scale)]
    compare(*peaks)


def fetch_large(pod: Pod, bulk: BulkStore, size: int) -> Peak:
    bulk.warm(f"large-{size}")
    pod.input(f"s3://bucket/large-{size}")
    measured = measure(pod, "fetch")
    assert measured.ended.items == [(1, size, "C")]
    file = pod.path(f"{IN}/large-{size}")
    assert_repeats(file, size)
    file.unlink()
    return measured.peak


def assert_repeats(file: Path, size: int) -> None:
    with file.open("rb") as content:
        for begin in range(0, size, len(BLOCK)):
            assert content.read(len(BLOCK)) == BLOCK[: size - begin]
        assert not content.read(1)


def test_a_large_file_up(make_pod: MakePod, bulk: BulkStore, scale: float) -> None:
    peaks = [send_large(make_pod(f"up-{size}"), bulk, size) for size in sizes(SIZE, scale)]
    compare(*peaks)


def send_large(pod: Pod, bulk: BulkStore, size: int) -> Peak:
    """Send a sparse file, in which each part begins with its own offset."""
    pod.output("s3://bucket/r")
    pod.script()
    file = pod.write(f"{OUT}/sparse", b"")
    with file.open("r+b") as content:
        content.truncate(size)
        for begin in range(0, size, PART):
            content.seek(begin)
            content.write(b"%016d" % begin)
    measured = measure(pod, "upload")
    assert measured.ended.items == [(1, size, "C")]
    taken = bulk.taken()
    (sent,) = taken.objects.values()
    parts = [(min(PART, size - begin), b"%016d" % begin) for begin in range(0, size, PART)]
    assert sent["size"] == size
    assert [(part["size"], part["crc"]) for part in sent["parts"]] == [
        (length, text(crc64(bytes(length - 16), crc64(mark)))) for length, mark in parts
    ]
    whole = 0
    for length, mark in parts:
        whole = crc64(bytes(length - 16), crc64(mark, whole))
    assert sent["crc"] == text(whole)
    assert (taken.open, taken.again) == (0, 0)
    return measured.peak
