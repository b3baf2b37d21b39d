"""A store that goes away, objects that change while they are read, and time that runs out."""

from __future__ import annotations

import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from dev.s3 import SeaweedFS
from processing_agent.watch import TimeUp, Watch
from tests.support.s3_proxy import Gate, S3Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.agent.pod import Pod

MIB = 1 << 20
IN, OUT = "/opt/ml/processing/input", "/opt/ml/processing/out"


@pytest.fixture
def proxy(pod: Pod, store: SeaweedFS) -> Iterator[S3Proxy]:
    with S3Proxy("127.0.0.1", store.address) as between:
        pod.plan["s3"]["endpoint"] = between.endpoint
        yield between


def await_line(process: subprocess.Popen[bytes], text: bytes) -> None:
    assert process.stdout is not None
    assert any(text in line for line in process.stdout)


def test_a_server_that_is_stopped_and_started(pod: Pod, tmp_path: Path) -> None:
    with SeaweedFS(tmp_path / "own") as server:
        server.client().create_bucket(Bucket="data")
        pod.plan["s3"]["endpoint"] = server.endpoint
        pod.output("s3://data/r")
        pod.script({f"{OUT}/{i}": b"1" for i in range(10)})
        server.kill()
        process = pod.begin("upload")
        await_line(process, b"StoreUnavailable, retrying")
        server.start()
        ended = pod.end(process)
        assert ended.code == 0, ended.text
        assert len(server.objects("data")) == 10
    assert ended.progress[-1]["error"] == ""
    assert ended.progress[-1]["retries"] > 0


def test_an_outage_in_the_middle_of_a_fetch(pod: Pod, s3: Any, proxy: S3Proxy, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="d/big", Body=bytes(40 * MIB))
    pod.input(f"s3://{bucket}/d/")
    proxy.download_gate = gate = Gate(10 * MIB)
    process = pod.begin("fetch")
    assert gate.reached.wait(20)
    proxy.outage()
    proxy.download_gate = None
    gate.release()
    await_line(process, b"StoreUnavailable, retrying")
    proxy.recover()
    ended = pod.end(process)
    assert ended.code == 0, ended.text
    assert pod.path(f"{IN}/big").stat().st_size == 40 * MIB
    assert ended.progress[-1]["bytes"] == 40 * MIB


def test_a_bounded_rate_of_tries(pod: Pod, store: SeaweedFS, bucket: str) -> None:
    pod.output(f"s3://{bucket}/r")
    pod.script({f"{OUT}/{i}": b"1" for i in range(50)})
    tries: list[float] = []
    is_enough = threading.Event()
    with S3Proxy("127.0.0.1", store.address) as proxy:
        proxy.outage()
        accept = proxy._down.is_set

        def is_down() -> bool:
            tries.append(time.monotonic())
            if tries[-1] > tries[0] + 3:
                is_enough.set()
            return accept()

        proxy._down.is_set = is_down  # type: ignore[method-assign]
        pod.plan["s3"]["endpoint"] = proxy.endpoint
        process = pod.begin("upload")
        assert is_enough.wait(30)
        proxy.recover()
        ended = pod.end(process)
    assert ended.code == 0, ended.text
    first = tries[0]
    outage = [t for t in tries if t < first + 3]
    assert 2 <= len(outage) <= 30


def test_a_store_that_stays_away(pod: Pod, proxy: S3Proxy, bucket: str) -> None:
    proxy.outage()
    pod.input(f"s3://{bucket}/d/")
    pod.output(f"s3://{bucket}/r")
    pod.plan |= {"downloadTimeoutSeconds": 3, "uploadTimeoutSeconds": 3}
    ended = pod.run("fetch")
    assert (ended.code, ended.reason) == (64, "StoreUnavailable"), ended.text
    assert "3 s" in ended.message
    pod.script({f"{OUT}/a": b"1"})
    ended = pod.run("upload")
    assert (ended.code, ended.reason) == (64, "StoreUnavailable"), ended.text
    assert ended.items == [(0, 0, "F")]
    assert ended.result["exit"]["code"] == 0


def test_the_time_is_kept_across_restarts(pod: Pod, bucket: str) -> None:
    pod.input(f"s3://{bucket}/d/")
    pod.output(f"s3://{bucket}/r")
    long_ago = time.time() - 100
    pod.write("/run/processing/state/fetch.journal", b'["start","",%f]\n' % long_ago)
    ended = pod.run("fetch")
    assert (ended.code, ended.reason) == (64, "DownloadTimeout"), ended.text
    pod.write("/run/processing/state/upload.journal", b'["start","",%f]\n["ended","",%f]\n' % (long_ago, long_ago))
    pod.script({f"{OUT}/a": b"1"})
    ended = pod.run("upload")
    assert (ended.code, ended.reason) == (64, "UploadTimeout"), ended.text


def test_a_slow_store_runs_out_of_time_and_leaves_no_upload_open(
    pod: Pod, store: SeaweedFS, proxy: S3Proxy, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store goes on once the agent has noticed that its time is up: before, all might be sent in the end."""
    pod.output(f"s3://{bucket}/r")
    pod.script({f"{OUT}/big": bytes(40 * MIB)})
    pod.plan["uploadTimeoutSeconds"] = 3
    proxy.upload_gate = gate = Gate(20 * MIB)
    check = Watch.check

    def check_and_release(watch: Watch) -> None:
        try:
            check(watch)
        except TimeUp:
            gate.release()
            raise

    monkeypatch.setattr(Watch, "check", check_and_release)
    ended = pod.run("upload")
    assert gate.reached.is_set()
    assert (ended.code, ended.reason) == (64, "UploadTimeout"), ended.text
    assert store.uploads(bucket) == []
    assert store.objects(bucket) == {}


@pytest.mark.parametrize("size", [MIB, 40 * MIB])
def test_an_object_overwritten_between_list_and_get(pod: Pod, s3: Any, proxy: S3Proxy, bucket: str, size: int) -> None:
    s3.put_object(Bucket=bucket, Key="d/x", Body=b"a" * size)
    pod.input(f"s3://{bucket}/d/")
    listing = 300  # bytes of the list's answer that may pass
    proxy.download_gate = gate = Gate(listing)
    process = pod.begin("fetch")
    assert gate.reached.wait(20)
    s3.put_object(Bucket=bucket, Key="d/x", Body=b"b" * (size - 1))
    proxy.download_gate = None
    gate.release()
    ended = pod.end(process)
    assert ended.code == 0, ended.text
    assert pod.path(f"{IN}/x").read_bytes() == b"b" * (size - 1)


def test_an_object_overwritten_in_the_middle_of_its_ranges(pod: Pod, s3: Any, proxy: S3Proxy, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="d/x", Body=b"a" * 64 * MIB)
    pod.input(f"s3://{bucket}/d/")
    proxy.download_gate = gate = Gate(20 * MIB)
    process = pod.begin("fetch")
    assert gate.reached.wait(20)
    s3.put_object(Bucket=bucket, Key="d/x", Body=b"b" * 64 * MIB)
    proxy.download_gate = None
    gate.release()
    ended = pod.end(process)
    assert ended.code == 0, ended.text
    # where all ranges were under way already, the old version is as whole as the new one
    assert set(pod.path(f"{IN}/x").read_bytes()) in ({ord("a")}, {ord("b")})
    assert ended.progress[-1]["bytes"] == 64 * MIB


def test_an_object_deleted_after_the_listing(pod: Pod, s3: Any, proxy: S3Proxy, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="d/x", Body=b"a")
    pod.input(f"s3://{bucket}/d/")
    proxy.download_gate = gate = Gate(300)
    process = pod.begin("fetch")
    assert gate.reached.wait(20)
    s3.delete_object(Bucket=bucket, Key="d/x")
    proxy.download_gate = None
    gate.release()
    ended = pod.end(process)
    assert (ended.code, ended.reason) == (64, "InputNotFound"), ended.text
    assert "d/x" in ended.message
    assert not pod.files(IN)


def test_wrong_bytes_are_not_kept(pod: Pod, s3: Any, proxy: S3Proxy, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="d/x", Body=b"the right bytes", ChecksumAlgorithm="CRC32C")
    pod.input(f"s3://{bucket}/d/")
    proxy.rewrite = (b"the right bytes", b"the wrong bytes")
    ended = pod.run("fetch")
    assert (ended.code, ended.reason) == (64, "ChecksumMismatch"), ended.text
    assert not pod.files(IN)


def test_a_disk_that_is_too_small(pod: Pod, s3: Any, bucket: str) -> None:
    """A disk that is too small is seen before a byte is written."""
    s3.put_object(Bucket=bucket, Key="d/x", Body=bytes(3 * MIB))
    pod.input(f"s3://{bucket}/d/")
    mount = f'mount -t tmpfs -o size=2m tmpfs {pod.path("/opt/ml")} && exec "$@"'
    ended = pod.end(pod.begin("fetch", "unshare", "-m", "sh", "-c", mount, "sh"))
    assert (ended.code, ended.reason) == (64, "InputTooLarge"), ended.text
    assert str(3 * MIB) in ended.message
