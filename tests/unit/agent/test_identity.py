"""Which source of keys is asked, where, and what its variables must hold. Nobody is asked here."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Any

import pytest

from processing_agent.credentials import Environment
from processing_agent.engines.fast import profiles
from processing_agent.engines.fast.identity.container import Container
from processing_agent.engines.fast.identity.exchange import Exchange, secret_of, split
from processing_agent.engines.fast.identity.instance import Instance
from processing_agent.engines.fast.identity.web import WebIdentity
from processing_agent.engines.fast.keys import KeyRing, of_environment
from processing_agent.engines.fast.loop import Loop
from processing_agent.engines.fast.pool import Pool
from processing_agent.s3.faults import Kind, StoreFault

WEB = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r"}
FULL, RELATIVE = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"


@pytest.fixture
def exchange() -> Any:
    with contextlib.closing(Loop(lambda: None)) as loop:
        yield Exchange(Pool(loop, None))


@pytest.mark.parametrize(
    ("variables", "region", "where"),
    [
        ({}, "eu-west-1", "https://sts.eu-west-1.amazonaws.com"),
        ({}, "cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"),
        ({"AWS_ENDPOINT_URL_S3": "http://s3:1"}, "eu-west-1", "https://sts.eu-west-1.amazonaws.com"),
        ({"AWS_ENDPOINT_URL": "http://all:1"}, "eu-west-1", "http://all:1"),
        ({"AWS_ENDPOINT_URL": "http://all:1", "AWS_ENDPOINT_URL_STS": "https://sts:2/x"}, "eu-west-1", "https://sts:2"),
        (
            {"AWS_ENDPOINT_URL": "http://all:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "eu-west-1",
            "https://sts.eu-west-1.amazonaws.com",
        ),
    ],
)
def test_where_sts_is(exchange: Exchange, variables: dict[str, str], region: str, where: str) -> None:
    assert str(WebIdentity(exchange, {**WEB, **variables}, region)._service) == f"web identity ({where})"


@pytest.mark.parametrize(
    ("variables", "where", "target"),
    [
        ({RELATIVE: "/v2/credentials/id?x=1"}, "http://169.254.170.2", "/v2/credentials/id?x=1"),
        ({RELATIVE: "/v2", FULL: "http://localhost:1/full"}, "http://169.254.170.2", "/v2"),
        ({FULL: "http://169.254.170.23/v1/credentials"}, "http://169.254.170.23", "/v1/credentials"),
        ({FULL: "http://[fd00:ec2::23]/v1/credentials"}, "http://[fd00:ec2::23]", "/v1/credentials"),
        ({FULL: "http://127.1.2.3:51/c"}, "http://127.1.2.3:51", "/c"),
        ({FULL: "http://[::1]:51?role=r"}, "http://[::1]:51", "/?role=r"),
        ({FULL: "https://anybody.example/c#x"}, "https://anybody.example", "/c"),
    ],
)
def test_where_a_container_asks(exchange: Exchange, variables: dict[str, str], where: str, target: str) -> None:
    made = Container(exchange, variables)
    assert (str(made._service), made._target) == (f"container credentials ({where})", target)


@pytest.mark.parametrize(
    "url",
    ["http://192.0.2.1/c", "http://127.0.0.1.evil.example/c", "http://u:hidden@localhost/", "ftp://localhost/", "x"],
)
def test_whom_a_container_does_not_ask(exchange: Exchange, url: str) -> None:
    with pytest.raises(StoreFault, match=FULL) as fault:
        Container(exchange, {FULL: url})
    assert fault.value.kind is Kind.DENIED
    assert "hidden" not in str(fault.value)


@pytest.mark.parametrize(
    ("variables", "where"),
    [
        ({}, "http://169.254.169.254"),
        ({"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"}, "http://[fd00:ec2::254]"),
        ({"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://mine:1/"}, "http://mine:1"),
    ],
)
def test_where_an_instance_asks(exchange: Exchange, variables: dict[str, str], where: str) -> None:
    assert str(Instance(exchange, variables)._service) == f"instance metadata ({where})"


@pytest.mark.parametrize("url", ["", "http://", "http://h:port/", "http://h/a b", "http://h/\n"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        split(url)


def test_a_token_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "token"
    with pytest.raises(StoreFault, match=r"VARIABLE: .*token cannot be read: No such file"):
        secret_of("VARIABLE", str(path))
    path.write_text(" \n")
    with pytest.raises(StoreFault, match="token is empty"):
        secret_of("VARIABLE", str(path))
    path.write_text("secret\n")
    assert secret_of("VARIABLE", str(path)) == "secret"


def test_a_role_that_is_not_named(exchange: Exchange) -> None:
    with pytest.raises(StoreFault, match="AWS_ROLE_ARN is not: set it"):
        WebIdentity(exchange, {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"}, "r")


def test_half_of_the_keys() -> None:
    with pytest.raises(StoreFault, match="AWS_SECRET_ACCESS_KEY is not"):
        of_environment({"AWS_ACCESS_KEY_ID": "a"})


FILE = """
# region = in-a-comment
[default]
s3 =
  region = nested
region = of-default

[profile "other"]
region=of-other
[profile none]
output = json
"""


@pytest.mark.parametrize(
    ("variables", "region"),
    [({}, "of-default"), ({"AWS_PROFILE": "other"}, "of-other"), ({"AWS_DEFAULT_PROFILE": "other"}, "of-other"),
     ({"AWS_PROFILE": "none"}, ""), ({"AWS_PROFILE": "unknown"}, "")],
)  # fmt: skip
def test_the_region_of_a_profile(tmp_path: Path, variables: dict[str, str], region: str) -> None:
    path = tmp_path / "config"
    path.write_text(FILE)
    files = {"AWS_CONFIG_FILE": str(path), "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    assert profiles.region({**files, **variables}) == region
    assert profiles.exist({**files, **variables})


def test_no_profile() -> None:
    files = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere"}
    assert not profiles.exist(files)
    assert profiles.exist({**files, "AWS_PROFILE": "named"})


def test_nothing_is_asked_for_keys_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", None)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    with contextlib.closing(Loop(lambda: None)) as loop:
        ring = KeyRing(loop, Environment(), Pool(loop, None), "r")
        assert loop.run(ring.keys()).access == "a"
