"""Upload while the script runs, and where its container shows it the volumes' parts."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from dev.cluster.waiting import until
from tests.integration.agent.pod import waits_for_a_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dev.s3 import SeaweedFS
    from tests.integration.agent.pod import Pod

OUT = "/opt/ml/processing/out"


def test_the_script_s_container_ended_before_the_script(pod: Pod) -> None:
    began = time.monotonic()
    pod.signal('{"ended":"2026-01-01T00:00:00Z"}')
    ended = pod.run("upload")
    assert (ended.code, ended.reason) == (64, "ScriptNotStarted")
    assert "ended before the script was started" in ended.message
    assert time.monotonic() - began < 2


def test_the_script_s_container_ended_after_its_start(pod: Pod, store: SeaweedFS, bucket: str) -> None:
    pod.output(f"s3://{bucket}/r")
    pod.script({f"{OUT}/a": b"1"})
    pod.signal('{"ended":"2026-01-01T00:00:00Z"}')
    assert pod.run("upload").code == 0
    assert store.objects(bucket) == {"r/a": 1}


def test_oom_kills_are_told_when_they_happen(pod: Pod) -> None:
    launcher = pod.launch()
    process = pod.begin("upload")
    assert process.stdout is not None
    assert b'"phase":"Waiting"' in process.stdout.readline()
    until("it waits for the lock", lambda: waits_for_a_lock(process.pid))
    for kills in (1, 4):
        launcher.note(kills)
        progress = json.loads(process.stdout.readline())["progress"]
        assert (progress["phase"], progress["oomKills"], progress["objects"]) == ("Running", kills, 0)
    launcher.end(1)
    assert pod.end(process).code == 0


def test_a_busy_control_volume_keeps_upload_idle(pod: Pod) -> None:
    """A script may write there all the time, and plant whatever it likes."""
    launcher = pod.launch()
    process = pod.begin("upload")
    control = pod.path("/run/processing/control")
    until("it waits for the lock", lambda: waits_for_a_lock(process.pid))
    os.mkfifo(control / "notes")
    before = cpu_seconds(process.pid)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        (control / "x").write_bytes(b"x")
    assert cpu_seconds(process.pid) - before < 0.1
    launcher.end(1)
    assert pod.end(process).code == 0


def test_a_launcher_that_is_frozen_does_not_take_the_upload_s_time(pod: Pod, store: SeaweedFS, bucket: str) -> None:
    """Its lock is held for ever; the container is being ended."""
    pod.plan["stopGraceSeconds"] = 0.5
    pod.output(f"s3://{bucket}/r")
    pod.path(OUT).mkdir(parents=True)
    pod.path(f"{OUT}/a").write_bytes(b"1")
    launcher = pod.launch()
    process = pod.begin("upload")
    until("it waits for the lock", lambda: waits_for_a_lock(process.pid))
    began = time.monotonic()
    process.terminate()
    assert pod.end(process).code == 0
    assert 5 < time.monotonic() - began < 40
    assert store.objects(bucket) == {"r/a": 1}
    launcher.end(0)


def cpu_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def volume(pod: Pod, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], None]]:
    """Mounts parts of one volume below an /opt/ml that is the image's own, as the kubelet does."""
    mounted: list[pathlib.Path] = []

    def mount(*words: str | os.PathLike[str]) -> None:
        if os.getuid() or subprocess.run(["mount", *words], check=False).returncode:
            pytest.skip("cannot mount")
        mounted.append(pathlib.Path(words[-1]))

    whole = tmp_path_factory.mktemp("volume")
    mount("-t", "tmpfs", "none", whole)

    def part(relative: str) -> None:
        target = pod.path(f"/opt/ml/{relative}")
        for directory in (whole / relative, target):
            directory.mkdir(parents=True, exist_ok=True)
        mount("--bind", whole / relative, target)

    yield part
    for target in reversed(mounted):
        subprocess.run(["umount", "--lazy", target], check=True)


def test_outputs_are_parts_of_a_volume(pod: Pod, store: SeaweedFS, bucket: str, volume: Callable[[str], None]) -> None:
    for mount in ("processing", "model"):
        volume(mount)
    pod.output(f"s3://{bucket}/r")
    pod.output(f"s3://{bucket}/model", "/opt/ml/model", "model", archive={"format": "TarGz", "name": "m.tar.gz"})
    pod.script({f"{OUT}/deep/a": b"1", "/opt/ml/model/w": b"22", "/opt/ml/code/main.py": b"the image's"})
    ended = pod.run("upload")
    assert (ended.code, ended.reason) == (0, ""), ended.text
    assert set(store.objects(bucket)) == {"r/deep/a", "model/m.tar.gz"}
    assert not ended.result["errors"]
