"""Upload against a real store: what is sent, what is skipped, what fails, and when it is time."""

from __future__ import annotations

import gzip
import io
import json
import os
import pathlib
import signal
import tarfile
from typing import TYPE_CHECKING

import pytest

from dev import authority
from dev.cluster.waiting import until
from dev.s3 import READER
from tests.integration.agent.pod import STOP, WHOLE, page, waits_for_a_lock

if TYPE_CHECKING:
    from dev.s3 import SeaweedFS
    from tests.integration.agent.pod import Pod

OUT = "/opt/ml/processing/out"


def waits_for_a_script(pod: Pod) -> bool:
    """Tell whether upload has begun: it waits for `started` at once."""
    return b'"start"' in pod.path("/run/processing/state/upload.journal").read_bytes()


def test_outputs_are_sent_when_the_launcher_is_gone(pod: Pod, store: SeaweedFS, bucket: str) -> None:
    pod.output(f"s3://{bucket}/runs/1/")
    pod.output(f"s3://{bucket}/model", "/opt/ml/model", "model")
    launcher = pod.launch()
    process = pod.begin("upload")
    assert process.stdout is not None
    assert b'"phase":"Waiting"' in process.stdout.readline()
    pod.write(f"{OUT}/a/b.csv", b"1,2")
    pod.write(f"{OUT}/c d%é.csv", b"3")
    until("it waits for the lock", lambda: waits_for_a_lock(process.pid))
    assert store.objects(bucket) == {}
    launcher.end(3)
    ended = pod.end(process)
    assert (ended.code, ended.reason) == (0, ""), ended.text
    assert store.objects(bucket) == {"runs/1/a/b.csv": 3, "runs/1/c d%é.csv": 1}
    assert ended.items == [(2, 4, "C"), (0, 0, "E")]
    assert ended.result["exit"] == {
        "code": 3, "signal": 0, "reason": "Exited", "ms": 1234, "cpuMs": 900, "peak": 12345678, "oom": 0, "message": "",
    }  # fmt: skip


def test_a_killed_launcher_leaves_no_record(pod: Pod, store: SeaweedFS, bucket: str) -> None:
    pod.output(f"s3://{bucket}/r")
    launcher = pod.launch()
    pod.write(f"{OUT}/a")
    launcher.die()
    ended = pod.run("upload")
    assert ended.code == 0
    assert "exit" not in ended.result
    assert store.objects(bucket) == {"r/a": 1}


@pytest.mark.parametrize(
    "content",
    [
        bytes(4096),
        b"",
        b"[" * 2000,
        page(b"[" * 2000),
        page(b"1e400"),
        page(b'"\\ud800"'),
        page(b"1" * 4050),
        page(b"{}"),
    ],
)
def test_a_spoilt_record_is_none(pod: Pod, bucket: str, content: bytes) -> None:
    for when in ("Always", "OnSuccess", "OnFailure"):
        pod.output(f"s3://{bucket}/{when}", f"/opt/ml/{when}", when, uploadOn=when)
    pod.launch().leave(content)
    ended = pod.run("upload")
    assert ended.code == 0, ended.text
    assert "exit" not in ended.result
    assert [state for *_, state in ended.items] == ["E", "S", "E"]


def test_a_spoilt_mark_is_one_all_the_same(pod: Pod) -> None:
    """Neither phase resolves what the script put in the place of `started`."""
    launcher = pod.launch()
    mark = pod.path("/run/processing/control/started")
    mark.unlink()
    mark.symlink_to(mark)
    launcher.end()
    for phase in ("upload", "fetch"):
        assert pod.run(phase).code == 0
    assert not pod.files("/opt/ml")


def test_a_record_of_before_a_reboot(pod: Pod, bucket: str) -> None:
    """It is passed on, and counts as none: what the script wrote last may never have reached the disk."""
    for when in ("Always", "OnSuccess", "OnFailure"):
        pod.output(f"s3://{bucket}/{when}", f"/opt/ml/{when}", when, uploadOn=when)
    pod.launch().leave(page(json.dumps(WHOLE | {"bootId": "another"}).encode()))
    ended = pod.run("upload")
    assert ended.code == 0, ended.text
    assert ended.result["exit"]["rebooted"] is True
    assert ended.result["exit"]["reason"] == "Exited"
    assert [state for *_, state in ended.items] == ["E", "S", "E"]


@pytest.mark.parametrize(
    ("end", "final", "states"),
    [
        ((0, "Exited"), True, "CCS"),
        ((1, "Exited"), True, "CSC"),
        ((1, "Exited"), False, "SSC"),
    ],
)
def test_upload_on(pod: Pod, bucket: str, end: tuple[int, str], final: bool, states: str) -> None:
    pod.plan["final"] = final
    whens = ("Always", "OnSuccess", "OnFailure")
    for when in whens:
        pod.output(f"s3://{bucket}/{when}", f"/opt/ml/{when}", when, uploadOn=when)
    pod.script({f"/opt/ml/{when}/f": b"1" for when in whens}, *end)
    ended = pod.run("upload")
    assert ended.code == 0, ended.text
    assert "".join(state for *_, state in ended.items) == states


def test_nothing_but_regular_files_leaves(pod: Pod, store: SeaweedFS, bucket: str) -> None:
    pod.output(f"s3://{bucket}/r")
    pod.output(f"s3://{bucket}/linked", "/opt/ml/linked", "linked")
    pod.output(f"s3://{bucket}/a", "/opt/ml/arch", "arch", archive={"format": "TarGz", "name": "a.tar.gz"})
    secret = pod.write("/outside/secret")
    for base in (OUT, "/opt/ml/arch"):
        pod.write(f"{base}/good", b"good")
        pod.path(f"{base}/link").symlink_to(secret)
        pod.path(f"{base}/directory").symlink_to(secret.parent)
        os.mkfifo(pod.path(f"{base}/fifo"))
    pod.path("/opt/ml/linked").symlink_to(secret.parent)
    pod.script()
    ended = pod.run("upload")
    assert ended.code == 0, ended.text
    assert set(store.objects(bucket)) == {"r/good", "a/a.tar.gz"}
    with tarfile.open(fileobj=io.BytesIO(store.read(bucket, "a/a.tar.gz"))) as tar:
        assert tar.getnames() == ["good"]
    assert "2 symbolic links" in ended.text
    assert "1 FIFO" in ended.result["errors"][0]


def test_bad_names_fail_by_name_after_the_rest(pod: Pod, store: SeaweedFS, bucket: str) -> None:
    pod.output(f"s3://{bucket}/r")
    pod.script({f"{OUT}/good": b"1", f"{OUT}/{'d' * 250}/{'e' * 250}/{'f' * 250}/{'g' * 250}/{'h' * 250}": b"1"})
    pod.write(f"{OUT}/{os.fsdecode(b'not-' + bytes([0xFF]))}")
    ended = pod.run("upload")
    assert (ended.code, ended.reason) == (64, "UploadFailed"), ended.text
    assert set(store.objects(bucket)) == {"r/good"}
    assert ended.items == [(1, 1, "F")]
    assert "2 failed, 1 uploaded" in ended.message
    assert "not UTF-8" in ended.text
    assert "1024" in ended.text


def test_archives_are_the_same_bytes_for_the_same_content(pod: Pod, store: SeaweedFS, bucket: str) -> None:
    archive = {"format": "TarGz", "name": "model.tar.gz"}
    for name in ("one", "two"):
        pod.output(f"s3://{bucket}/{name}", f"/opt/ml/{name}", name, archive=archive)
    long = "l" * 120
    files = {"b/z": b"2", "a": b"1", long: b"3", "b.x": b"4", "é": b""}
    pod.script({f"/opt/ml/one/{name}": content for name, content in files.items()})
    for name, content in sorted(files.items()):
        pod.write(f"/opt/ml/two/{name}", content)
        os.utime(pod.path(f"/opt/ml/two/{name}"), (1, 1))
    ended = pod.run("upload")
    assert ended.code == 0, ended.text
    one = store.read(bucket, "one/model.tar.gz")
    assert one == store.read(bucket, "two/model.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(one)) as tar:
        members = tar.getmembers()
        assert [m.name for m in members] == sorted(files)
        assert {(m.mtime, m.uid, m.gid, m.uname) for m in members} == {(0, 0, 0, "")}
        assert all(tar.extractfile(m).read() == files[m.name] for m in members)  # type: ignore[union-attr]
    assert len(gzip.decompress(one)) % 10240 == 0
    assert [state for *_, state in ended.items] == ["C", "C"]


def test_a_required_output_that_is_empty(pod: Pod, bucket: str) -> None:
    pod.output(f"s3://{bucket}/r", required=True)
    pod.script()
    pod.path(OUT).mkdir(parents=True)
    ended = pod.run("upload")
    assert (ended.code, ended.reason) == (64, "OutputMissing")
    assert OUT in ended.message


def test_denied_and_missing_buckets_are_permanent(pod: Pod, bucket: str) -> None:
    pod.output(f"s3://{bucket}/r")
    pod.script({f"{OUT}/{i}": b"1" for i in range(40)})
    pod.credentials(READER)
    ended = pod.run("upload")
    assert (ended.code, ended.reason) == (64, "UploadDenied")
    assert "40 failed" in ended.message
    assert "HTTP 403, AccessDenied" in ended.message
    assert "reader-secret" not in ended.text


def test_a_missing_bucket(pod: Pod) -> None:
    pod.output("s3://no-such-bucket/r")
    pod.script({f"{OUT}/a": b"1"})
    ended = pod.run("upload")
    assert (ended.code, ended.reason) == (64, "UploadFailed")
    assert "NoSuchBucket" in ended.message


def test_a_secret_that_has_gone_is_waited_for(pod: Pod, bucket: str) -> None:
    pod.output(f"s3://{bucket}/r")
    pod.script({f"{OUT}/a": b"1"})
    pod.path("/run/processing/credentials/AWS_ACCESS_KEY_ID").unlink()
    ended = pod.run("upload")
    assert (ended.code, ended.reason) == (75, "SecretNotFound")
    pod.credentials()
    assert pod.run("upload").code == 0


@pytest.mark.parametrize(("content", "reason"), [(None, "ConfigMapNotFound"), (b"none", "StoreUnavailable")])
def test_a_ca_bundle_that_is_spoilt_is_waited_for(pod: Pod, bucket: str, content: bytes | None, reason: str) -> None:
    """Also what is no certificate: fetch has seen one, and the outputs have no other place."""
    pod.plan["s3"]["caBundle"] = {"configMap": "store-ca", "key": "ca.crt"}
    if content is not None:
        pod.write("/run/processing/ca-bundle/ca.crt", content)
    pod.output(f"s3://{bucket}/r")
    pod.script({f"{OUT}/a": b"1"})
    ended = pod.run("upload")
    assert (ended.code, ended.reason) == (75, reason)
    assert "'store-ca'" in ended.message
    pod.write("/run/processing/ca-bundle/ca.crt", authority.make(pod.root / "tls").read_bytes())
    assert pod.run("upload").code == 0


def test_a_script_that_never_starts(pod: Pod) -> None:
    pod.plan["pendingTimeoutSeconds"] = -599.5
    ended = pod.run("upload")
    assert (ended.code, ended.reason) == (64, "ScriptNotStarted")


def test_a_stop_before_the_script_starts(pod: Pod) -> None:
    process = pod.begin("upload")
    until("it has begun", lambda: waits_for_a_script(pod))
    pod.signal(STOP)
    ended = pod.end(process)
    assert (ended.code, ended.reason) == (64, "ScriptNotStarted")


def heeds_sigterm(pid: int) -> bool:
    """Tell whether the process holds SIGTERM back or has a handler."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    masks = [int(line.split()[1], 16) for line in lines if line.startswith(("SigBlk", "SigCgt"))]
    return any(mask & 1 << (signal.SIGTERM - 1) for mask in masks)


@pytest.mark.parametrize("later", [False, True])
def test_sigterm_before_the_script_starts(pod: Pod, later: bool) -> None:
    process = pod.begin("upload")
    until("SIGTERM is heeded", lambda: heeds_sigterm(process.pid) and (not later or waits_for_a_script(pod)))
    process.send_signal(signal.SIGTERM)
    ended = pod.end(process)
    assert (ended.code, ended.reason) == (64, "ScriptNotStarted")


def test_sigterm_while_the_script_runs(pod: Pod, store: SeaweedFS, bucket: str) -> None:
    pod.output(f"s3://{bucket}/r")
    launcher = pod.launch()
    process = pod.begin("upload")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert any(b"being ended" in line for line in process.stdout)
    until("it waits for the lock", lambda: waits_for_a_lock(process.pid))
    assert process.poll() is None
    pod.write(f"{OUT}/a")
    launcher.end(143, "Terminated")
    ended = pod.end(process)
    assert ended.code == 0, ended.text
    assert store.objects(bucket) == {"r/a": 1}


def test_many_outputs_fit_in_the_result(pod: Pod, bucket: str) -> None:
    for number in range(50):
        pod.output(f"s3://{bucket}/{number}", f"/opt/ml/o{number}", f"o{number}", required=True)
    pod.script({f"/opt/ml/o{number}/f": b"1" for number in range(49)})
    ended = pod.run("upload")
    assert (ended.code, ended.reason) == (64, "OutputMissing")
    assert len(ended.items) == 50
    assert pod.path("/dev/termination-log").stat().st_size <= 2048
