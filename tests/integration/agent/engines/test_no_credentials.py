"""Who should give keys, and does not: what is waited for, what is said, and whom we do not ask at all."""

from __future__ import annotations

import socket
import time

import pytest
from botocore.exceptions import CredentialRetrievalError

from processing_agent.download import NothingFound
from processing_agent.s3.faults import Kind, StoreFault
from processing_agent.watch import TimeUp
from tests.integration.agent.engines.kinds import KINDS, every
from tests.integration.agent.engines.rig import Rig
from tests.support.fault_server import FaultServer
from tests.support.key_services import SESSION, TOKEN, KeyServices, refused


@every("boto3 asks an instance once, and takes any other answer for none", StoreFault, "instance")
@pytest.mark.usefixtures("identity")
def test_a_source_that_is_down_for_a_moment(rig: Rig, server: FaultServer, services: KeyServices) -> None:
    services.inject(refused(503, "ServiceUnavailable"), times=2)
    server.store.put("d/x", b"1")
    rig.download()
    assert rig.files == {"x": b"1"}
    assert services.issued == 1


@pytest.mark.differs("reference", "boto3 takes an instance that is down for none", StoreFault)
@pytest.mark.parametrize("identity", ["instance"], indirect=True)
@pytest.mark.usefixtures("identity")
def test_a_source_that_stays_down(rig: Rig, services: KeyServices) -> None:
    rig.within = 1.5
    services.inject(refused(503, "ServiceUnavailable"), times=1000)
    with pytest.raises(TimeUp):
        rig.download()
    told = rig.tally.counts.error
    assert told.startswith("StoreUnavailable, retrying: s3://bucket/: instance metadata (http://127.0.0.1:"), told
    assert "HTTP 503, ServiceUnavailable" in str(rig.tally.outage)


@every("boto3's text for an endpoint is its own exception", CredentialRetrievalError, *KINDS[1:3])
@pytest.mark.usefixtures("identity")
def test_a_source_that_denies(rig: Rig, server: FaultServer, services: KeyServices) -> None:
    services.inject(refused(403, "AccessDenied"), times=1000)
    with pytest.raises(StoreFault) as fault:
        rig.download()
    assert (fault.value.kind, fault.value.bucket) == (Kind.DENIED, "bucket")
    assert not server.seen()


@pytest.mark.differs("reference", "boto3 passes on what STS says", AssertionError)
@pytest.mark.parametrize("identity", ["web identity"], indirect=True)
@pytest.mark.usefixtures("identity")
def test_what_a_denial_says(rig: Rig, services: KeyServices, capfd: pytest.CaptureFixture[str]) -> None:
    services.inject(refused(400, "InvalidIdentityToken"), times=1000)
    with pytest.raises(StoreFault) as fault:
        rig.download()
    text = str(fault.value)
    assert TOKEN not in "".join([text, repr(fault.value), *capfd.readouterr()])
    assert "web identity (http://127.0.0.1:" in text, "who denied"
    assert "trust policy of arn:aws:iam::" in text, "the next step"
    assert "HTTP 400, InvalidIdentityToken" in text


@pytest.mark.parametrize("listens", [False, True], ids=["nobody", "somebody who says nothing"])
@pytest.mark.parametrize("identity", ["instance"], indirect=True)
@pytest.mark.usefixtures("identity")
def test_no_instance_s_metadata_is_noticed_soon(rig: Rig, no_keys: pytest.MonkeyPatch, listens: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        if not listens:
            listener.close()
        no_keys.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://{}:{}".format(*address))
        begin = time.monotonic()
        with pytest.raises(StoreFault, match=r"no credentials: set spec\.s3") as fault:
            rig.download()
    assert fault.value.kind is Kind.DENIED
    assert time.monotonic() - begin < 6


@pytest.mark.parametrize("identity", ["instance"], indirect=True)
@pytest.mark.usefixtures("identity")
def test_an_instance_that_is_not_to_be_asked(rig: Rig, services: KeyServices, no_keys: pytest.MonkeyPatch) -> None:
    no_keys.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(StoreFault, match="no credentials"):
        rig.download()
    assert not services.asked


@pytest.mark.differs("reference", "boto3 falls back on version 1, which anybody may ask", NothingFound)
@pytest.mark.parametrize("identity", ["instance"], indirect=True)
@pytest.mark.usefixtures("identity")
def test_an_instance_without_sessions(rig: Rig, services: KeyServices) -> None:
    services.has_sessions = False
    with pytest.raises(StoreFault, match="no credentials"):
        rig.download()
    assert [asked.path for asked in services.asked] == [SESSION]


@pytest.mark.parametrize("identity", ["container"], indirect=True)
@pytest.mark.usefixtures("identity")
def test_an_endpoint_that_might_be_anybody(rig: Rig, engine_name: str, no_keys: pytest.MonkeyPatch) -> None:
    no_keys.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/keys")
    with pytest.raises(StoreFault if engine_name == "fast" else ValueError, match=r"192\.0\.2\.1"):
        rig.download()


@every(
    "boto3 follows no redirect either, but says so in an exception of its own", CredentialRetrievalError, *KINDS[1:3]
)
@pytest.mark.usefixtures("identity")
def test_no_redirect_of_a_source_is_followed(rig: Rig, services: KeyServices, server: FaultServer) -> None:
    with KeyServices() as other:
        services.location = f"{other.endpoint}/pod-identity"
        services.inject(refused(302, "Found"), times=1000)
        with pytest.raises(StoreFault):
            rig.download()
        assert not other.asked
    assert not server.seen()
