"""SIGKILL at points spread over a transfer: all is there in the end, and what was complete is not moved again.

The points are bytes that have passed the store's server, which holds the transfer there until the process is dead.
A default run takes 8 points of each direction, `--kill-points 50` the number to pass before a release.
"""

from __future__ import annotations

import contextlib
import io
import random
import tarfile
from collections import Counter

import pytest

from processing_agent.credentials import Keys
from processing_agent.download import TEMPORARY
from processing_agent.engines import Store, open_engine
from processing_agent.progress import Counts
from processing_agent.tally import Tally
from processing_agent.watch import Watch
from tests.integration.agent.engines.rig import BUCKET, Rotating
from tests.integration.agent.pod import Pod
from tests.support.fault_server import FaultServer, Seen
from tests.support.s3_proxy import Gate

MIB = 1 << 20
IN, OUT = "/opt/ml/processing/input", "/opt/ml/processing/out"
SOURCE = random.Random(7)  # noqa: S311 - the same each time
FILES = {f"small/{n:02}": SOURCE.randbytes(60_000 + n) for n in range(40)} | {"large": SOURCE.randbytes(17 * MIB + 3)}
TOTAL = sum(map(len, FILES.values()))
ARCHIVED = {name: FILES[name] for name in ("large", "small/00")}
REACHED_WITHIN = 300.0  # s: ends a test that hangs, and no other


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    count = metafunc.config.getoption("--kill-points")
    if "point" in metafunc.fixturenames:
        metafunc.parametrize("point", [TOTAL * number // count for number in range(count)])
    if "archive_point" in metafunc.fixturenames:  # fewer: it is one object, and packing it takes long
        few = -(-count // 8)
        size = len(ARCHIVED["large"])
        metafunc.parametrize("archive_point", [size * (number + 1) // (few + 1) for number in range(few)])


@pytest.fixture
def in_flight(server: FaultServer) -> int:
    """How many requests of the engine may be under way at once."""
    keys = Rotating([Keys("access", "secret")])
    tally = Tally([], Counts(""))
    with contextlib.closing(open_engine(Store(server.endpoint), keys, Watch(), tally)) as engine:
        return engine.in_flight


def kill(pod: Pod, server: FaultServer, phase: str, gate: Gate) -> list[Seen]:
    """Run a phase until the gate holds it, kill it, and let the server deal with what had been sent."""
    process = pod.begin(phase)
    assert gate.reached.wait(REACHED_WITHIN)
    pod.kill(process)
    server.down_gate = server.up_gate = None
    gate.release()
    server.await_quiet()
    return server.seen()


def served(requests: list[Seen]) -> Counter[tuple[str, str]]:
    """Count objects and ranges that were given whole."""
    return Counter((seen.key, seen.range) for seen in requests if seen.operation == "GetObject" and seen.whole)


def taken(requests: list[Seen]) -> Counter[tuple[str, int]]:
    """Count objects and parts that the store took."""
    bodies = {"PutObject", "UploadPart"}
    return Counter((seen.key, seen.part) for seen in requests if seen.operation in bodies and seen.status == 200)


def test_fetch(pod: Pod, server: FaultServer, in_flight: int, point: int) -> None:
    for name, content in FILES.items():
        server.store.put(f"d/{name}", content, "crc64nvme")
    pod.input(f"s3://{BUCKET}/d/")
    server.down_gate = gate = Gate(point)
    first = kill(pod, server, "fetch", gate)
    there = pod.files(IN)
    assert there == {name: FILES[name] for name in there}, "no half file under a final name"

    ended = pod.run("fetch")

    assert (ended.code, ended.reason) == (0, ""), ended.text
    assert pod.files(IN) == FILES
    assert not pod.path(f"/opt/ml/{TEMPORARY}").exists()
    again = server.seen()[len(first) :]
    assert not {f"d/{name}" for name in there} & {seen.key for seen in again}
    assert max(served(again).values(), default=1) == 1
    assert len(served(first).keys() & served(again).keys()) <= in_flight
    assert ended.items == [(len(FILES), TOTAL, "C")]


def test_upload(pod: Pod, server: FaultServer, point: int) -> None:
    pod.output(f"s3://{BUCKET}/r")
    pod.script({f"{OUT}/{name}": content for name, content in FILES.items()})
    server.up_gate = gate = Gate(point)
    kill(pod, server, "upload", gate)

    ended = pod.run("upload")

    assert (ended.code, ended.reason) == (0, ""), ended.text
    stored = {key.removeprefix("r/"): found.content for key, found in server.store.objects.items()}
    assert stored == FILES
    assert not server.uploads.open
    assert max(taken(server.seen()).values()) == 1, "what the store has is not sent again"
    assert ended.items == [(len(FILES), TOTAL, "C")]


def test_upload_of_an_archive(pod: Pod, server: FaultServer, archive_point: int) -> None:
    pod.output(f"s3://{BUCKET}/m", archive={"format": "TarGz", "name": "model.tar.gz"})
    pod.script({f"{OUT}/{name}": content for name, content in ARCHIVED.items()})
    server.up_gate = gate = Gate(archive_point)
    kill(pod, server, "upload", gate)

    ended = pod.run("upload")

    assert (ended.code, ended.reason) == (0, ""), ended.text
    assert list(server.store.objects) == ["m/model.tar.gz"]
    archive = server.store.objects["m/model.tar.gz"].content
    with tarfile.open(fileobj=io.BytesIO(archive[: len(archive)])) as tar:
        members = {member.name: file.read() for member in tar if (file := tar.extractfile(member))}
    assert members == ARCHIVED
    assert not server.uploads.open
    assert max(taken(server.seen()).values()) == 1
