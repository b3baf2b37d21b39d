"""Through a proxy: to a real store in the clear, by CONNECT to one behind TLS, and whom no proxy is asked for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.s3 import ADMIN, REGION, SeaweedFS, free_ports
from processing_agent import copy
from processing_agent.s3.faults import Kind, StoreFault
from processing_agent.watch import TimeUp
from tests.integration.agent.engines.kinds import KINDS, every
from tests.integration.agent.engines.rig import Rig
from tests.support.fault_server import FaultServer
from tests.support.http_proxy import HttpProxy
from tests.support.key_services import KeyServices

FILES = {"a": b"1", "b": bytes(70_000), "large": bytes(20 << 20)}
PASSWORD = "user:p@ss-word"
DOMAIN = "s3.test"  # known to no resolver (RFC 6761): it can be reached through the proxy alone


@pytest.fixture(scope="module")
def hosting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """A store that takes a bucket out of the host's name."""
    options = (f"-s3.domainName={DOMAIN}",)
    with SeaweedFS(tmp_path_factory.mktemp("hosting"), options=options) as server:
        server.client().create_bucket(Bucket="hosted")
        yield server


@pytest.fixture
def proxy(hosting: SeaweedFS, no_keys: pytest.MonkeyPatch) -> Iterator[HttpProxy]:
    """A proxy in front of it, in the environment of a shell that has the store's keys."""
    for name, value in zip(("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "REGION"), (*ADMIN, REGION), strict=True):
        no_keys.setenv(f"AWS_{name}", value)
    with HttpProxy(hosting.address, PASSWORD) as made:
        no_keys.setenv("HTTP_PROXY", made.url)
        yield made


def moved(tmp_path: Path, endpoint: str, addressing: str = "Path") -> dict[str, bytes]:
    """Send files and fetch them again."""
    source, target, prefix = tmp_path / "source", tmp_path / "target", uuid.uuid4().hex
    source.mkdir()
    for name, content in FILES.items():
        (source / name).write_bytes(content)
    copy.upload(source, f"s3://hosted/{prefix}/", endpoint=endpoint, addressing=addressing)
    copy.download(f"s3://hosted/{prefix}/", target, endpoint=endpoint, addressing=addressing)
    return {path.name: path.read_bytes() for path in target.iterdir()}


@pytest.mark.parametrize(("addressing", "host"), [("Path", DOMAIN), ("VirtualHost", f"hosted.{DOMAIN}")])
def test_there_and_back(hosting: SeaweedFS, proxy: HttpProxy, tmp_path: Path, addressing: str, host: str) -> None:
    port = hosting.address[1]
    assert moved(tmp_path, f"http://{DOMAIN}:{port}", addressing) == FILES
    assert {target.split("/")[2] for _, target in proxy.seen} == {f"{host}:{port}"}


@pytest.mark.parametrize("exception", ["127.0.0.1", "10.0.0.1,127.0.0.1:{port}", "*"])
def test_a_store_that_needs_no_proxy(
    hosting: SeaweedFS, proxy: HttpProxy, tmp_path: Path, no_keys: pytest.MonkeyPatch, exception: str
) -> None:
    no_keys.setenv("NO_PROXY", exception.format(port=hosting.address[1]))
    assert moved(tmp_path, hosting.endpoint) == FILES
    assert not proxy.seen


@pytest.mark.differs("reference", "boto3 takes a proxy's refusal for a refusal of the store", AssertionError)
@pytest.mark.usefixtures("impatience")
def test_a_proxy_that_does_not_know_us(proxy: HttpProxy, tmp_path: Path, no_keys: pytest.MonkeyPatch) -> None:
    no_keys.setenv("HTTP_PROXY", proxy.url.replace("word", "wrong"))
    with pytest.raises(StoreFault) as fault:
        copy.download("s3://hosted/", tmp_path, endpoint=f"http://{DOMAIN}")
    assert fault.value.kind is Kind.REJECTED
    assert "the proxy asks for a user and a password: HTTP_PROXY=" in str(fault.value)
    assert "wrong" not in str(fault.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_down(rig: Rig, no_keys: pytest.MonkeyPatch, scheme: str, engine_name: str) -> None:
    (port,) = free_ports(1)
    no_keys.setenv(f"{scheme}_proxy", f"http://{PASSWORD.replace('p@', 'p%40')}@127.0.0.1:{port}")
    rig.endpoint, rig.within = f"{scheme}://{DOMAIN}", 1.0
    with pytest.raises(TimeUp):
        rig.download()
    told = str(rig.tally.outage)
    assert "word" not in told
    assert f"proxy 127.0.0.1:{port}: Connection refused" in told or engine_name == "reference"


@every("boto3 asks a proxy for an instance's metadata, too", StoreFault, "instance")
@pytest.mark.usefixtures("identity")
def test_who_gives_keys_to_a_machine_is_asked_directly(
    rig: Rig, server: FaultServer, services: KeyServices, no_keys: pytest.MonkeyPatch, identity: str
) -> None:
    server.store.put("d/x", b"1")
    if identity == KINDS[0]:
        no_keys.setenv("AWS_ENDPOINT_URL_STS", "http://sts.test")  # STS is asked like any other service
        no_keys.setenv("NO_PROXY", server.endpoint.removeprefix("http://"))
    upstream = services.address if identity == KINDS[0] else ("127.0.0.1", server.server_address[1])
    with HttpProxy(upstream) as proxy:
        no_keys.setenv("HTTP_PROXY", proxy.url)
        rig.download()
    assert rig.files == {"x": b"1"}
    assert services.issued == 1
    expected = "http://sts.test/" if identity == KINDS[0] else f"{server.endpoint}/bucket"
    assert proxy.seen
    assert all(target.startswith(expected) for _, target in proxy.seen)


@pytest.mark.parametrize("engine_name", ["fast"], indirect=True)  # boto3 can speak TLS to a proxy
@pytest.mark.parametrize("url", ["https://user:hidden@127.0.0.1:1", "http://user:hidden@"])
def test_a_proxy_that_cannot_be_used(rig: Rig, no_keys: pytest.MonkeyPatch, url: str) -> None:
    no_keys.setenv("HTTP_PROXY", url)
    with pytest.raises(StoreFault, match="HTTP_PROXY") as fault:
        rig.download()
    assert "hidden" not in str(fault.value)
