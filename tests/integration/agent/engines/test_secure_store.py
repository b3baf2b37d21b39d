"""A real store behind TLS with an authority of one's own: by address, by name, a bucket as a host, through a proxy."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.s3 import ADMIN, REGION, SeaweedFS, free_ports
from processing_agent import copy
from tests.support.certificates import make
from tests.support.http_proxy import HttpProxy

FILES = {"a": b"1", "b": bytes(70_000), "large": bytes(20 << 20)}
DOMAIN = "s3.test"  # known to no resolver (RFC 6761): it can be reached through the proxy alone


@dataclass(frozen=True)
class Secure:
    """A store's port for TLS, what vouches for it, and a proxy before it."""

    port: int
    bundle: Path
    proxy: HttpProxy


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    folder = tmp_path_factory.mktemp("secure")
    key, certificate = make(folder, DOMAIN, f"*.{DOMAIN}", "127.0.0.1")
    (port,) = free_ports(1)
    options = (f"-s3.domainName={DOMAIN}", f"-s3.port.https={port}", f"-s3.cert.file={certificate}")
    with (
        SeaweedFS(folder, options=(*options, f"-s3.key.file={key}")) as server,
        HttpProxy(("127.0.0.1", port)) as proxy,
    ):
        server.client().create_bucket(Bucket="hosted")
        yield Secure(port, certificate, proxy)


@pytest.fixture
def shell(secure: Secure, no_keys: pytest.MonkeyPatch) -> None:
    """The variables of a shell that wants to move something there."""
    for name, value in zip(("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "REGION"), (*ADMIN, REGION), strict=True):
        no_keys.setenv(f"AWS_{name}", value)
    no_keys.setenv("AWS_CA_BUNDLE", str(secure.bundle))
    no_keys.setenv("HTTPS_PROXY", secure.proxy.url)
    no_keys.setenv("NO_PROXY", "127.0.0.0/8,127.0.0.1")  # boto3 understands no networks


@pytest.mark.parametrize(
    ("addressing", "host", "named"),
    [
        pytest.param("Path", "127.0.0.1", "", id="by address"),
        pytest.param("Path", DOMAIN, DOMAIN, id="by name"),
        pytest.param("VirtualHost", DOMAIN, f"hosted.{DOMAIN}", id="bucket as host"),
        pytest.param("Auto", DOMAIN, DOMAIN, id="chosen"),
    ],
)
@pytest.mark.usefixtures("shell")
def test_there_and_back(secure: Secure, tmp_path: Path, addressing: str, host: str, named: str) -> None:
    source, target, uri = tmp_path / "source", tmp_path / "target", f"s3://hosted/{uuid.uuid4().hex}/"
    source.mkdir()
    for name, content in FILES.items():
        (source / name).write_bytes(content)
    endpoint, before = f"https://{host}:{secure.port}", len(secure.proxy.seen)
    copy.upload(source, uri, endpoint=endpoint, addressing=addressing)
    copy.download(uri, target, endpoint=endpoint, addressing=addressing)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == FILES
    assert set(secure.proxy.seen[before:]) == ({("CONNECT", f"{named}:{secure.port}")} if named else set())
