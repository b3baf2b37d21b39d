"""Many small objects: enough of them that an engine uses all the means it has for them."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from dev.cluster.waiting import until
from processing_agent.s3.faults import Kind, StoreFault
from tests.integration.agent.engines.rig import BUCKET, Rig
from tests.integration.agent.pod import Pod
from tests.support.fault_server import FaultServer, faults
from tests.support.s3_proxy import Gate

IN, OUT = "/opt/ml/processing/input", "/opt/ml/processing/out"
COUNT = 1000
SOURCE = random.Random(3)  # noqa: S311 - the same each time
FILES = {f"{n % 7}/f{n:04}": SOURCE.randbytes(n) for n in range(COUNT)} | {"large": SOURCE.randbytes(20 << 20)}
TOTAL = sum(map(len, FILES.values()))


def stored(server: FaultServer) -> dict[str, bytes]:
    return {k.removeprefix("r/"): f.content[: len(f.content)] for k, f in server.store.objects.items() if k[:2] == "r/"}


@pytest.fixture
def full(server: FaultServer) -> FaultServer:
    for name, content in FILES.items():
        server.store.put(f"d/{name}", content, "crc64nvme")
    return server


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_there_and_back(rig: Rig, full: FaultServer) -> None:
    rig.impatience.undo()  # a busy machine may keep one of hundreds waiting for longer than a shortened wait
    before = children(os.getpid())
    got = rig.download()
    assert rig.files == FILES
    assert (got.counts.objects, got.counts.bytes, got.counts.retries) == (COUNT + 1, TOTAL, 0)
    assert sum(got.verified.values()) == COUNT + 1
    assert not rig.leftovers
    sent = rig.upload(FILES)
    assert stored(full) == FILES
    assert (sent.counts.objects, sent.counts.bytes) == (COUNT + 1, TOTAL)
    assert children(os.getpid()) == before


@pytest.mark.parametrize("number", [10, COUNT - 10])
def test_one_that_may_not_be_read_ends_it(rig: Rig, full: FaultServer, number: int) -> None:
    name = sorted(FILES)[number]
    full.always(faults.refused(403, "AccessDenied"), "GetObject", f"d/{name}")
    with pytest.raises(StoreFault, match=f"s3://{BUCKET}/d/{name}: access denied.*HTTP 403, AccessDenied") as fault:
        rig.download()
    assert fault.value.kind is Kind.DENIED
    assert {path: content for path, content in FILES.items() if path in rig.files} == rig.files


def test_all_that_may_not_be_sent_are_told_and_the_others_are_there(rig: Rig, server: FaultServer) -> None:
    refused = {f"{n % 7}/f{n:04}" for n in range(5, COUNT, 100)}
    for name in refused:
        server.always(faults.refused(403, "AccessDenied"), "PutObject", f"r/{name}")
    tally = rig.upload(FILES)
    assert tally.items[0].failures == len(refused)
    assert {fault.key for fault in tally.items[0].faults} == {f"r/{name}" for name in refused}
    assert stored(server).keys() == FILES.keys() - refused


def test_trouble_that_passes(rig: Rig, full: FaultServer) -> None:
    for name in sorted(FILES)[::50]:
        full.inject(faults.refused(503, "SlowDown"), "GetObject", f"d/{name}")
    tally = rig.download()
    assert rig.files == FILES
    assert tally.counts.retries >= len(FILES) // 50
    assert tally.outage is None


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def family(pid: int) -> list[int]:
    return [one for child in children(pid) for one in (child, *family(child))]


@pytest.mark.differs("reference", "it is one process", AssertionError)
@pytest.mark.parametrize("phase", ["fetch", "upload"])
def test_after_a_worker_was_killed_the_next_run_goes_on(pod: Pod, server: FaultServer, phase: str) -> None:
    prepare(pod, server, phase)
    gate = hold(server, phase)
    process = pod.begin(phase)
    assert gate.reached.wait(60)
    workers = family(process.pid)
    assert len(workers) > 0
    os.kill(workers[-1], signal.SIGKILL)
    release(server, gate)
    ended = pod.end(process)
    assert ended.code not in {0, 64, 75}
    assert "a worker process has ended with -9" in ended.text
    until("the workers' end", lambda: not any(map(is_there, workers)), seconds=10)
    assert pod.run(phase).code == 0
    arrived(pod, server, phase)


@pytest.mark.parametrize("phase", ["fetch", "upload"])
def test_nothing_is_left_running_when_the_process_is_killed(pod: Pod, server: FaultServer, phase: str) -> None:
    prepare(pod, server, phase)
    gate = hold(server, phase)
    process = pod.begin(phase)
    assert gate.reached.wait(60)
    workers = family(process.pid)
    pod.kill(process)
    release(server, gate)
    until("the workers' end", lambda: not any(map(is_there, workers)), seconds=10)
    server.await_quiet()
    assert pod.run(phase).code == 0
    arrived(pod, server, phase)


def prepare(pod: Pod, server: FaultServer, phase: str) -> None:
    if phase == "fetch":
        for name, content in FILES.items():
            server.store.put(f"d/{name}", content, "crc64nvme")
        pod.input(f"s3://{BUCKET}/d/")
    else:
        pod.output(f"s3://{BUCKET}/r")
        pod.script({f"{OUT}/{name}": content for name, content in FILES.items()})


def hold(server: FaultServer, phase: str) -> Gate:
    gate = Gate(400_000)  # in the midst of the small ones
    if phase == "fetch":
        server.down_gate = gate
    else:
        server.up_gate = gate
    return gate


def release(server: FaultServer, gate: Gate) -> None:
    server.down_gate = server.up_gate = None
    gate.release()


def arrived(pod: Pod, server: FaultServer, phase: str) -> None:
    if phase == "fetch":
        assert pod.files(IN) == FILES
    else:
        assert stored(server) == FILES
        assert not server.uploads.open


def test_middling_ones(rig: Rig, server: FaultServer) -> None:
    """Each takes more room than the smallest, and gives back all of it."""
    files = {f"{n}": SOURCE.randbytes(70_000 + n) for n in range(400)}
    assert rig.upload(files).counts.objects == len(files)
    assert stored(server) == files
