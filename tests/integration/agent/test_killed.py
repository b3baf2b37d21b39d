"""SIGKILL half-way through 200 MB: what is complete stays, and is neither fetched nor sent a second time."""

from __future__ import annotations

import hashlib
import io
import json
import random
import re
import tarfile
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

from dev.cluster.waiting import until
from tests.support.s3_proxy import Gate, Request, S3Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dev.s3 import SeaweedFS
    from tests.integration.agent.pod import Pod

MIB = 1 << 20
PIECE = 8 * MIB
SIZE = 200 * MIB
IN, OUT = "/opt/ml/processing/input", "/opt/ml/processing/out"
PATIENCE = 300.0  # s: ends a test that hangs, and no other, however busy the machine is


@pytest.fixture
def proxy(pod: Pod, store: SeaweedFS) -> Iterator[S3Proxy]:
    with S3Proxy("127.0.0.1", store.address) as between:
        pod.plan["s3"]["endpoint"] = between.endpoint
        pod.plan |= {"downloadTimeoutSeconds": PATIENCE, "uploadTimeoutSeconds": PATIENCE}
        yield between


@pytest.fixture(scope="session")
def big() -> bytes:
    return random.Random(4).randbytes(SIZE)  # noqa: S311 - the same each time


def digest(content: bytes) -> str:
    return hashlib.blake2b(content).hexdigest()


def kill_at(
    pod: Pod,
    proxy: S3Proxy,
    phase: str,
    *,
    up: int | None = None,
    down: int | None = None,
    which: Callable[[Request], bool] = lambda _: True,
    known: Callable[[], bool] = lambda: True,
) -> None:
    """Run a phase until so many bytes of `which` requests have passed and the rest is `known`, then kill it."""
    gate = Gate(up or down or 0, which)
    if up:
        proxy.upload_gate = gate
    else:
        proxy.download_gate = gate
    process = pod.begin(phase)
    assert gate.reached.wait(PATIENCE)
    until("the journal names what has passed", known, seconds=PATIENCE)
    pod.kill(process)
    proxy.upload_gate = proxy.download_gate = None
    gate.release()
    proxy.await_quiet()


def facts(pod: Pod, phase: str, kind: str) -> list[list[Any]]:
    """Give what the journal has of one kind: the values of each whole line."""
    lines = pod.path(f"/run/processing/state/{phase}.journal").read_text().splitlines(keepends=True)
    whole = [json.loads(line) for line in lines if line.endswith("\n")]
    return [values for found, _ordinal, *values in whole if found == kind]


def ranges_named(pod: Pod) -> list[range]:
    """Give the ranges that the journal says are complete."""
    piece: int = facts(pod, "fetch", "version")[-1][2]
    there = {number: piece for (number,) in facts(pod, "fetch", "range")}
    for number, size in facts(pod, "fetch", "reached"):  # how far a range is that is not complete
        there[number] = max(size, there.get(number, 0))
    return [range(number * piece, min(SIZE, number * piece + size)) for number, size in sorted(there.items())]


def joined(spans: list[range]) -> list[range]:
    """Join ranges that meet; those with a gap between them, or that share a byte, stay apart."""
    found: list[range] = []
    for span in sorted(spans, key=lambda span: span.start):
        if found and found[-1].stop == span.start:
            found[-1] = range(found[-1].start, span.stop)
        else:
            found.append(span)
    return found


def part_number(request: Request) -> int:
    return int((re.findall(r"partNumber=(\d+)", request.target) or [0])[0])


def part_numbers(proxy: S3Proxy) -> list[int]:
    return [part_number(request) for request in proxy.completed("PUT", "partNumber=")]


def stored_parts(store: SeaweedFS, bucket: str) -> set[int]:
    """Give what the store has of its one unfinished upload."""
    client = store.client()
    (upload,) = client.list_multipart_uploads(Bucket=bucket)["Uploads"]
    found = client.list_parts(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    return {part["PartNumber"] for part in found.get("Parts", ())}


def test_upload_goes_on_at_the_next_part(pod: Pod, store: SeaweedFS, proxy: S3Proxy, bucket: str, big: bytes) -> None:
    pod.output(f"s3://{bucket}/r")
    pod.script({f"{OUT}/big": big, **{f"{OUT}/small{i}": b"1" for i in range(20)}})
    first = set(range(1, 13))  # they pass; of the others some are cut in the middle

    def named() -> set[int]:
        return {values[0] for values in facts(pod, "upload", "part")}

    kill_at(pod, proxy, "upload", up=30 * MIB, which=lambda r: part_number(r) > 12, known=lambda: first <= named())
    there = stored_parts(store, bucket)
    assert first <= named() <= there
    sent = len(part_numbers(proxy))

    ended = pod.run("upload")

    assert (ended.code, ended.reason) == (0, ""), ended.text
    again = part_numbers(proxy)[sent:]
    assert sorted(again) == sorted(set(range(1, SIZE // PIECE + 1)) - there), "each missing part once, no other"
    for i in range(20):
        assert len(proxy.completed("PUT", f"/r/small{i}?") + proxy.completed("PUT", f"/r/small{i} ")) <= 1
    assert digest(store.read(bucket, "r/big")) == digest(big)
    assert store.uploads(bucket) == []
    assert ended.items == [(21, SIZE + 20, "C")]


def test_a_changed_file_is_sent_anew(pod: Pod, store: SeaweedFS, proxy: S3Proxy, bucket: str, big: bytes) -> None:
    pod.output(f"s3://{bucket}/r")
    pod.script({f"{OUT}/big": big[: 50 * MIB]})
    kill_at(pod, proxy, "upload", up=30 * MIB)
    pod.write(f"{OUT}/big", big[10 * MIB : 60 * MIB])
    ended = pod.run("upload")
    assert ended.code == 0, ended.text
    assert digest(store.read(bucket, "r/big")) == digest(big[10 * MIB : 60 * MIB])
    assert store.uploads(bucket) == []


def test_an_archive_is_made_again_but_not_sent_again(
    pod: Pod, store: SeaweedFS, proxy: S3Proxy, bucket: str, big: bytes
) -> None:
    pod.output(f"s3://{bucket}/m", archive={"format": "TarGz", "name": "model.tar.gz"})
    pod.script({f"{OUT}/a": big[: 32 * MIB], f"{OUT}/b": big[32 * MIB : 48 * MIB]})
    kill_at(
        pod, proxy, "upload", up=10 * MIB, which=lambda r: part_number(r) > 2,
        known=lambda: len(facts(pod, "upload", "part")) > 1,
    )  # fmt: skip
    there, sent = stored_parts(store, bucket), len(part_numbers(proxy))
    assert {1, 2} <= there
    ended = pod.run("upload")
    assert ended.code == 0, ended.text
    assert not there & set(part_numbers(proxy)[sent:])
    with tarfile.open(fileobj=io.BytesIO(store.read(bucket, "m/model.tar.gz"))) as tar:
        assert [member.size for member in tar] == [32 * MIB, 16 * MIB]
    assert store.uploads(bucket) == []
    assert store.objects(bucket)["m/model.tar.gz"] == ended.items[0][1]


def test_killed_before_the_store_had_named_the_upload(
    pod: Pod, store: SeaweedFS, proxy: S3Proxy, bucket: str, big: bytes
) -> None:
    pod.output(f"s3://{bucket}/r")
    pod.script({f"{OUT}/big": big[: 20 * MIB]})
    kill_at(pod, proxy, "upload", down=100)  # the answer to CreateMultipartUpload never arrives whole
    assert store.uploads(bucket) == ["r/big"]
    ended = pod.run("upload")
    assert ended.code == 0, ended.text
    assert store.uploads(bucket) == []


def test_killed_before_the_store_had_said_complete(pod: Pod, proxy: S3Proxy, bucket: str, big: bytes) -> None:
    pod.output(f"s3://{bucket}/r")
    pod.script({f"{OUT}/big": big[: 20 * MIB]})
    journal = pod.path("/run/processing/state/upload.journal")
    ended = pod.run("upload")
    assert ended.code == 0
    lines = journal.read_text().splitlines(keepends=True)
    assert lines[-1].startswith('["done",')
    journal.write_text("".join(lines[:-1]))
    sent = len(part_numbers(proxy))
    ended = pod.run("upload")
    assert ended.code == 0, ended.text
    assert len(part_numbers(proxy)) == sent
    assert ended.items == [(1, 20 * MIB, "C")]


def test_fetch_goes_on_with_what_is_missing(pod: Pod, s3: Any, proxy: S3Proxy, bucket: str, big: bytes) -> None:
    for i in range(20):
        s3.put_object(Bucket=bucket, Key=f"d/a{i:02}", Body=b"%d" % i * 1000)
    s3.put_object(Bucket=bucket, Key="d/big", Body=big)
    pod.input(f"s3://{bucket}/d/")
    half = 96 * MIB  # before it all ranges arrive; of those behind it some are cut in the middle

    def half_is_named() -> bool:
        return sum(len(span) for span in ranges_named(pod) if span.stop <= half) == half

    kill_at(pod, proxy, "fetch", down=40 * MIB, which=lambda r: r.span.start >= half, known=half_is_named)
    there, sent, named = pod.files(IN), len(proxy.requests), ranges_named(pod)
    assert "big" not in there
    assert all(content == b"%d" % int(name[1:]) * 1000 for name, content in there.items())

    ended = pod.run("fetch")

    assert (ended.code, ended.reason) == (0, ""), ended.text
    assert ended.items[0][0] == 21
    assert digest(pod.path(f"{IN}/big").read_bytes()) == digest(big)
    assert not pod.path("/opt/ml/.processing-fetch").exists()
    gets = Counter(r.target.split("?")[0].rpartition("/")[2] for r in proxy.completed("GET", "/d/a"))
    assert len(gets) == 20
    assert all(gets[name] == 1 for name in there), "what was complete at the kill is not fetched again"
    again = [r.span for r in proxy.requests[sent:] if r.status == HTTPStatus.PARTIAL_CONTENT]
    assert again
    assert joined([*named, *again]) == [range(SIZE)], "what the journal named is not asked for again, all else is, once"
    lists = [r for r in proxy.requests if "list-type=2" in r.target]
    assert len(lists) == 1


def test_an_object_overwritten_between_two_runs_is_never_torn(
    pod: Pod, s3: Any, proxy: S3Proxy, bucket: str, big: bytes
) -> None:
    s3.put_object(Bucket=bucket, Key="d/big", Body=big[: 48 * MIB])
    pod.input(f"s3://{bucket}/d/")
    kill_at(pod, proxy, "fetch", down=30 * MIB)
    s3.put_object(Bucket=bucket, Key="d/big", Body=big[MIB : 41 * MIB])
    ended = pod.run("fetch")
    assert ended.code == 0, ended.text
    assert digest(pod.path(f"{IN}/big").read_bytes()) == digest(big[MIB : 41 * MIB])
