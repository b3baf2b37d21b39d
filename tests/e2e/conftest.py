"""The cluster and the S3 server that the cases share, and a namespace for each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from dev.cluster.client import Cluster
from dev.install import CREDENTIALS, s3_address
from tests.e2e.space import Space
from tests.support.s3_proxy import S3Proxy


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return Cluster.connect()


@pytest.fixture(scope="session")
def s3_server(cluster: Cluster) -> tuple[str, int]:
    """Host and port of the S3 server, as this process and Pods reach it."""
    return s3_address(cluster)


@pytest.fixture(scope="session")
def s3(s3_server: tuple[str, int]) -> Any:
    return boto3.client(
        "s3",
        endpoint_url="http://{}:{}".format(*s3_server),
        region_name="us-east-1",
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(s3={"addressing_style": "path"}, proxies={}),
    )


@pytest.fixture
def space(cluster: Cluster, s3: Any, s3_server: tuple[str, int]) -> Iterator[Space]:
    new = Space(cluster, "http://{}:{}".format(*s3_server), s3=s3)
    new.open(CREDENTIALS)
    yield new
    # A namespace with a failed case in it can be looked at: KEEP=1 make e2e
    if not os.environ.get("KEEP"):
        new.close()


@pytest.fixture
def proxy(s3_server: tuple[str, int]) -> Iterator[Callable[[], S3Proxy]]:
    """Makes S3 proxies at an address that Pods reach; closed at the end."""
    made: list[S3Proxy] = []

    def make() -> S3Proxy:
        from dev.cluster.places import NODE_ADDRESS  # noqa: PLC0415  (only the embedded cluster has it)

        made.append(S3Proxy(NODE_ADDRESS, s3_server))
        return made[-1]

    yield make
    for one in made:
        one.close()
