"""https with an authority of one's own: there and back, and who is not trusted."""

from __future__ import annotations

import random
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from processing_agent import copy
from processing_agent.credentials import Environment
from processing_agent.s3.faults import Kind, StoreFault
from processing_agent.watch import TimeUp
from tests.integration.agent.engines.rig import Rig
from tests.support.certificates import make
from tests.support.fault_server import FaultServer, faults
from tests.support.http_proxy import HttpProxy
from tests.support.key_services import KeyServices

MIB = 1 << 20
SOURCE = random.Random(11)  # noqa: S311 - the same each time
FILES = {f"{n}": SOURCE.randbytes(70_000 * n) for n in range(8)} | {"large": SOURCE.randbytes(37 * MIB + 1)}


class TlsServer(FaultServer):
    """The server of faults behind TLS; handshakes are the business of each connection's thread."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        return self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    @property
    def endpoint(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@pytest.fixture
def tls(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[TlsServer]:
    key, chain = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    for name, value in (("ACCESS_KEY_ID", "access"), ("SECRET_ACCESS_KEY", "secret"), ("REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(chain))
    with TlsServer(context) as server:
        yield server


@pytest.mark.usefixtures("impatience")
def test_there_and_back(tls: TlsServer, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    for name, content in FILES.items():
        (source / name).write_bytes(content)
    tls.inject(faults.cut(3 * MIB), "GetObject", "t/large")
    sent = copy.upload(source, "s3://bucket/t/", endpoint=tls.endpoint, addressing="Path")
    got = copy.download("s3://bucket/t/", target, endpoint=tls.endpoint, addressing="Path")
    assert sent.objects == got.objects == len(FILES)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == FILES
    assert got.verified == {"CRC64NVME": len(FILES)}
    assert (sent.retries, got.retries) == (0, 1)


def test_a_store_that_is_not_trusted(tls: TlsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE")
    with pytest.raises(StoreFault, match=r"set s3\.caBundle") as fault:
        copy.download("s3://bucket/t/", tmp_path, endpoint=tls.endpoint, addressing="Path")
    assert fault.value.kind is Kind.REJECTED
    assert not tls.seen()


@pytest.mark.usefixtures("impatience")
def test_through_a_proxy(tls: TlsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls.store.put("t/x", b"1")
    with HttpProxy(("127.0.0.1", tls.server_address[1]), "user:p@ss") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        copy.download("s3://bucket/t/", tmp_path, endpoint=tls.endpoint, addressing="Path")
        assert (tmp_path / "x").read_bytes() == b"1"
        assert set(proxy.seen) == {("CONNECT", f"127.0.0.1:{tls.server_address[1]}")}


@pytest.mark.differs("reference", "boto3 takes a proxy's refusal for an outage", TimeUp)
@pytest.mark.parametrize(("password", "said"), [("user:other", "HTTPS_PROXY=.*HTTP 407"), ("", "NO_PROXY.*HTTP 403")])
@pytest.mark.usefixtures("impatience")
def test_a_proxy_that_does_not_want_to(
    tls: TlsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str, said: str
) -> None:
    with HttpProxy(("127.0.0.1", tls.server_address[1]), password, refuses=403) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(StoreFault, match=f"proxy 127.*{said}") as fault:
            copy.download("s3://bucket/t/", tmp_path, endpoint=tls.endpoint, addressing="Path", timeout=2)
    assert fault.value.kind is Kind.REJECTED


@pytest.mark.differs("reference", "boto3 takes a bundle that is none for an outage", TimeUp)
@pytest.mark.parametrize("content", [None, "", "no certificate"], ids=["missing", "empty", "other"])
@pytest.mark.usefixtures("impatience")
def test_a_ca_bundle_that_is_none(
    tls: TlsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    with pytest.raises(StoreFault, match=r"CA bundle .*bundle\.pem: .*: set s3\.caBundle") as fault:
        copy.download("s3://bucket/t/", tmp_path, endpoint=tls.endpoint, addressing="Path", timeout=2)
    assert fault.value.kind is Kind.REJECTED
    assert not tls.seen()


def test_the_bundle_of_the_store(
    rig: Rig, tls: TlsServer, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere")  # what the job says comes first
    rig.endpoint, rig.ca_bundle = tls.endpoint, str(certificate[1])
    tls.store.put("d/x", b"1")
    rig.download()
    assert rig.files == {"x": b"1"}


@pytest.mark.parametrize("engine_name", ["fast"], indirect=True)
def test_a_certificate_of_another_host(tls: TlsServer, tmp_path: Path) -> None:
    endpoint = tls.endpoint.replace("127.0.0.1", "localhost")
    with pytest.raises(StoreFault, match="is for another host") as fault:
        copy.download("s3://bucket/t/", tmp_path, endpoint=endpoint, addressing="Path")
    assert fault.value.kind is Kind.REJECTED
    assert not tls.seen()


def test_sts_behind_tls(
    rig: Rig, server: FaultServer, certificate: tuple[Path, Path], no_keys: pytest.MonkeyPatch, token_file: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])
    server.store.put("d/x", b"1")
    rig.keys = Environment()
    no_keys.setenv("AWS_CA_BUNDLE", str(certificate[1]))
    with KeyServices(context=context) as services:
        for name, value in services.settings("web identity", str(token_file)).items():
            no_keys.setenv(name, value)
        assert services.endpoint.startswith("https://")
        rig.download()
    assert {seen.request.scope[0] for seen in server.seen()} == {"key-1"}
