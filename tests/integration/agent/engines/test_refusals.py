"""What the store refuses: by name and at once where only a person can help, quietly put right where we can."""

from __future__ import annotations

from datetime import timedelta

import pytest

from processing_agent.credentials import Keys
from processing_agent.s3.faults import Kind, StoreFault
from processing_agent.watch import TimeUp
from tests.integration.agent.engines.rig import Rig, Rotating
from tests.support.fault_server import FaultServer, faults

MIB = 1 << 20
SMALL, LARGE = b"content", bytes(17 * MIB)
SIZES = pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])


@SIZES
def test_a_key_that_may_not_be_read(rig: Rig, server: FaultServer, content: bytes) -> None:
    server.store.put("d/x", content)
    server.always(faults.refused(403, "AccessDenied"), "GetObject", "d/x")
    server.always(faults.refused(403, "AccessDenied"), "HeadObject", "d/x")
    with pytest.raises(StoreFault, match=r"s3://bucket/d/x: .*HTTP 403") as fault:
        rig.download()
    assert fault.value.kind is Kind.DENIED
    assert rig.files == {}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AccessDenied", Kind.DENIED),
        (404, "NoSuchBucket", Kind.NO_BUCKET),
        (403, "SignatureDoesNotMatch", Kind.DENIED),
    ],
)
def test_a_bucket_that_may_not_be_listed(rig: Rig, server: FaultServer, status: int, code: str, kind: Kind) -> None:
    server.always(faults.refused(status, code))
    with pytest.raises(StoreFault, match=code) as fault:
        rig.download()
    assert (fault.value.kind, fault.value.bucket) == (kind, "bucket")
    assert len(server.seen()) <= 2


@SIZES
def test_a_key_that_may_not_be_written(rig: Rig, server: FaultServer, content: bytes) -> None:
    for operation in ("PutObject", "CreateMultipartUpload"):
        server.always(faults.refused(403, "AccessDenied"), operation, "r/x")
    tally = rig.upload({"x": content, "y": SMALL})
    fault = rig.fault(tally)
    assert (fault.kind, fault.key, fault.status) == (Kind.DENIED, "r/x", 403)
    assert rig.sent("y") == SMALL, "the others are sent"


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchUpload", "InvalidPart"])
def test_an_answer_of_200_that_is_a_refusal_is_no_success(rig: Rig, server: FaultServer, code: str) -> None:
    server.always(faults.error_in_200(code), "CompleteMultipartUpload")
    fault = rig.fault(rig.upload({"x": LARGE}))
    assert fault.key == "r/x"
    assert code in str(fault)
    assert not server.store.objects
    assert not server.uploads.open


@SIZES
def test_expired_credentials_are_read_again(rig: Rig, server: FaultServer, content: bytes) -> None:
    rig.keys = Rotating([Keys("old", "secret", "token"), Keys("new", "secret", "token")])
    server.store.put("d/x", content)
    server.store.put("d/y", SMALL)
    server.always(faults.expired("old"), "GetObject")
    rig.download()
    assert rig.files == {"x": content, "y": SMALL}
    old = [seen for seen in server.seen("GetObject") if seen.request.scope[0] == "old"]
    assert len(old) <= 8, "only what was under way is refused"


@SIZES
def test_credentials_that_expire_during_an_upload(rig: Rig, server: FaultServer, content: bytes) -> None:
    rig.keys = Rotating([Keys("old", "secret"), Keys("new", "secret")])
    for operation in ("PutObject", "UploadPart"):
        server.always(faults.expired("old"), operation)
    assert not rig.upload({"x": content}).items[0].faults
    assert rig.sent("x") == content


@pytest.mark.differs("reference", "boto3 signs with the machine's clock and cannot be told another", TimeUp)
def test_a_clock_that_is_wrong_is_corrected_by_the_store_s(rig: Rig, server: FaultServer) -> None:
    rig.within = 2
    server.store.put("d/x", SMALL)
    server.always(faults.skewed(timedelta(hours=3)))
    rig.download()
    assert rig.files == {"x": SMALL}


@SIZES
def test_a_bucket_in_another_region(rig: Rig, server: FaultServer, content: bytes) -> None:
    server.store.put("d/x", content)
    server.always(faults.elsewhere("eu-west-3"))
    rig.download()
    assert rig.files == {"x": content}
    assert not rig.upload({"y": content}).items[0].faults
    assert rig.sent("y") == content


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_other_host_is_followed(rig: Rig, server: FaultServer, status: int) -> None:
    with FaultServer() as other:
        for store in (server.store, other.store):
            store.put("d/x", SMALL)
        server.always(faults.redirected(status, f"{other.endpoint}/bucket/d/x"), "GetObject")
        with pytest.raises(StoreFault, match="d/x"):
            rig.download()
        assert rig.files == {}
        server.always(faults.redirected(status, f"{other.endpoint}/bucket/r/y"), "PutObject")
        assert rig.fault(rig.upload({"y": SMALL})).key == "r/y"
        assert not other.seen()


@pytest.mark.parametrize("status", [400, 403, 503])
def test_no_secret_gets_into_a_text(
    rig: Rig, server: FaultServer, status: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG", "processing_agent")
    rig.keys = Rotating([Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", "FwoGZXIvYXdzEJr")])
    rig.within = 1
    quoted = "AKIDEXAMPLE wJalrXUtnFEMI/K7MDENG FwoGZXIvYXdzEJr"
    server.store.put("d/x", SMALL)
    server.always(faults.refused_quoting(status, "Quoted", quoted))
    with pytest.raises((StoreFault, TimeUp)) as error:
        rig.download()
    faults_kept = [*rig.tally.items[0].faults, rig.tally.outage, error.value]
    told = "".join([*map(str, faults_kept), *map(repr, faults_kept), rig.tally.counts.error, *capfd.readouterr()])
    assert not [secret for secret in quoted.split() if secret in told + caplog.text]
