"""What time heals: the request is tried again, the transfer ends well, and nothing else is asked for twice."""

from __future__ import annotations

import contextlib
import random
import socket

import pytest

from processing_agent.s3.faults import StoreFault
from tests.integration.agent.engines.rig import Rig
from tests.support.fault_server import FaultServer, faults
from tests.support.fault_server.faults import Fault

MIB = 1 << 20
LARGE = random.Random(1).randbytes(17 * MIB + 5)  # noqa: S311 - the same each time
SMALL = b"a small object"

NO_ANSWER: dict[str, Fault] = {
    "500": faults.refused(500),
    "502 with a gateway's page": faults.page_of_a_gateway(502),
    "503 SlowDown": faults.refused(503, "SlowDown"),
    "504": faults.page_of_a_gateway(504),
    "429": faults.refused(429, "TooManyRequests"),
    "400 RequestTimeout": faults.refused(400, "RequestTimeout"),
    "hung up": faults.hung_up(),
}
LOST = faults.answer_lost()
BROKEN_BODY: dict[str, Fault] = {
    "reset at once": faults.cut(0),
    "reset after a byte": faults.cut(1),
    "closed early": faults.short(5),
    "closed before the body": faults.short(0),
}


def named(cases: dict[str, Fault]) -> list[object]:
    return [pytest.param(fault, id=name) for name, fault in cases.items()]


@pytest.mark.parametrize("fault", named(NO_ANSWER | BROKEN_BODY))
@pytest.mark.parametrize("operation", ["ListObjectsV2", "GetObject"])
def test_fetching(rig: Rig, server: FaultServer, operation: str, fault: Fault) -> None:
    contents = {f"{n}": SMALL + b"%d" % n for n in range(4)}
    for name, content in contents.items():
        server.store.put(f"d/{name}", content)
    server.inject(fault, operation, times=2)
    tally = rig.download()
    assert rig.files == contents
    assert tally.counts.retries >= 1
    assert tally.outage is None
    assert len(server.seen(operation)) == 2 + (1 if operation == "ListObjectsV2" else len(contents))
    assert tally.counts.bytes == sum(map(len, contents.values()))


@pytest.mark.parametrize("fault", named(NO_ANSWER | BROKEN_BODY | {"reset late": faults.cut(700_000)}))
def test_a_range_of_a_large_object(rig: Rig, server: FaultServer, fault: Fault) -> None:
    server.store.put("d/large", LARGE)
    server.inject(fault, "GetObject", nth=2)
    tally = rig.download()
    assert rig.files == {"large": LARGE}
    assert (tally.counts.retries, tally.counts.bytes) == (1, len(LARGE))
    whole = [seen.range for seen in server.seen("GetObject") if seen.whole]
    assert len(whole) == len(set(whole)), "no other range is fetched again"


@pytest.mark.parametrize("fault", named(NO_ANSWER | {"answer lost": LOST}))
@pytest.mark.parametrize("operation", ["PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"])
def test_sending(rig: Rig, server: FaultServer, operation: str, fault: Fault) -> None:
    server.inject(fault, operation)
    contents = {"small": SMALL} if operation == "PutObject" else {"large": LARGE}
    tally = rig.upload(contents)
    assert not tally.items[0].faults
    assert {name: rig.sent(name) for name in contents} == contents
    assert tally.counts.retries >= 1
    assert tally.counts.bytes == sum(map(len, contents.values()))
    parts = [seen.part for seen in server.seen("UploadPart") if seen.whole]
    assert len(parts) == len(set(parts)) or fault is LOST, "no other part is sent again"
    assert not server.uploads.open


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "CompleteMultipartUpload"])
def test_an_answer_that_comes_without_its_body(rig: Rig, server: FaultServer, operation: str) -> None:
    server.inject(faults.short(0), operation)
    tally = rig.upload({"large": LARGE})
    assert not tally.items[0].faults
    assert rig.sent("large") == LARGE
    assert tally.counts.retries == 1
    assert not server.uploads.open


def test_an_answer_of_200_that_is_an_error(rig: Rig, server: FaultServer) -> None:
    server.inject(faults.error_in_200("InternalError"), "CompleteMultipartUpload")
    tally = rig.upload({"large": LARGE})
    assert not tally.items[0].faults
    assert rig.sent("large") == LARGE
    assert not server.uploads.open


def test_an_upload_that_was_completed_is_not_sent_again(rig: Rig, server: FaultServer) -> None:
    server.inject(faults.answer_lost(), "CompleteMultipartUpload")
    tally = rig.upload({"large": LARGE})
    assert not tally.items[0].faults
    assert rig.sent("large") == LARGE
    assert len({seen.part for seen in server.seen("UploadPart")}) == len(server.seen("UploadPart"))


@pytest.mark.parametrize("fault", named({"late": faults.late(0.5), "closed after": faults.closed_after()}))
def test_slow_answers_and_idle_connections_that_are_closed_are_no_failures(
    rig: Rig, server: FaultServer, fault: Fault
) -> None:
    contents = {f"{n}": SMALL for n in range(4)}
    for name, content in contents.items():
        server.store.put(f"d/{name}", content)
    server.always(fault)
    rig.download()
    assert rig.files == contents
    assert not rig.upload({"x": SMALL}).items[0].faults


@pytest.mark.parametrize("fault", named({"no byte": faults.silent(), "in the body": faults.stalled(3)}))
@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_a_stall_is_noticed(rig: Rig, server: FaultServer, content: bytes, fault: Fault) -> None:
    server.store.put("d/x", content)
    server.inject(fault, "GetObject")
    tally = rig.download()
    assert rig.files == {"x": content}
    assert tally.counts.retries == 1


@pytest.mark.differs(
    "reference",
    "boto3 knows a longest time without a byte, and no least speed: a trickle keeps it waiting",
    AssertionError,
)
def test_a_trickle_is_noticed(rig: Rig, server: FaultServer) -> None:
    server.store.put("d/x", SMALL)
    server.inject(faults.trickling(2, 0.25), "GetObject")
    tally = rig.download()
    assert rig.files == {"x": SMALL}
    assert tally.counts.retries == 1


@pytest.mark.parametrize("operation", ["PutObject", "UploadPart", "CompleteMultipartUpload"])
def test_a_stall_is_noticed_when_sending(rig: Rig, server: FaultServer, operation: str) -> None:
    server.inject(faults.silent(), operation)
    contents = {"small": SMALL} if operation == "PutObject" else {"large": LARGE}
    tally = rig.upload(contents)
    assert not tally.items[0].faults
    assert {name: rig.sent(name) for name in contents} == contents
    assert tally.counts.retries == 1
    assert not server.uploads.open


@pytest.mark.parametrize("fault", named({"SlowDown": faults.refused(503, "SlowDown"), "hung up": faults.hung_up()}))
@pytest.mark.parametrize("operation", ["PutObject", "UploadPart"])
def test_an_answer_before_the_body_was_read(rig: Rig, server: FaultServer, operation: str, fault: Fault) -> None:
    """A store that has too much to do does not read what it will not keep."""
    server.inject(fault, operation, times=2, early=True)
    contents = {"almost-large": LARGE[: 8 * MIB]} if operation == "PutObject" else {"large": LARGE}
    tally = rig.upload(contents)
    assert not tally.items[0].faults
    assert {name: rig.sent(name) for name in contents} == contents
    assert tally.counts.retries >= 1
    assert not server.uploads.open


@pytest.mark.differs("reference", "boto3 believes it", (AssertionError, KeyError))
@pytest.mark.parametrize("operation", ["PutObject", "UploadPart"])
def test_a_success_before_the_body_was_sent_is_none(rig: Rig, server: FaultServer, operation: str) -> None:
    """Whoever has not had the bytes cannot have kept them."""
    server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)  # else the kernel may take them all
    server.inject(faults.claimed(), operation, times=2, early=True)
    contents = {"almost-large": LARGE[: 8 * MIB]} if operation == "PutObject" else {"large": LARGE[: 16 * MIB]}
    tally = rig.upload(contents)
    assert not tally.items[0].faults
    assert {name: rig.sent(name) for name in contents} == contents
    assert tally.counts.retries >= 1
    assert not server.uploads.open


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_range_that_comes_as_the_whole_object(rig: Rig, server: FaultServer, nth: int) -> None:
    """Its bytes belong elsewhere, and not behind the object's end. An engine may give such a store up."""
    server.store.put("d/large", LARGE, "crc64nvme")
    server.inject(faults.range_ignored(), "GetObject", nth=nth)
    with contextlib.suppress(StoreFault):
        rig.download()
    assert rig.files in ({"large": LARGE}, {})
