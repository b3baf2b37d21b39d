"""One API server for all of them, a namespace for each."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config.kube_config import load_kube_config

from processing_operator.kube.session import Session
from tests.integration.controller.control_plane import OPERATOR, ControlPlane, control_plane, grant_leases
from tests.integration.controller.site import Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A running API server with the CRD."""
    with control_plane(tmp_path_factory.mktemp("control-plane")) as running:
        yield running


@pytest.fixture
def site(plane: ControlPlane, tmp_path: Path) -> Iterator[Site]:
    """A new namespace, and the means to run operators for it."""
    namespace = f"test-{secrets.token_hex(4)}"
    with plane.cluster() as cluster:
        cluster.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        grant_leases(cluster, namespace)
        yield Site(plane, cluster, namespace, tmp_path)


@pytest.fixture
async def session(plane: ControlPlane) -> AsyncIterator[Session]:
    """The operator's connection, without the operator."""
    async with connected(plane) as made:
        yield made


@asynccontextmanager
async def connected(plane: ControlPlane, server: str = "", user: str = OPERATOR) -> AsyncIterator[Session]:
    """A connection with that user's rights; `server`: by way of another address."""
    configuration = Configuration()
    await load_kube_config(str(plane.kubeconfig(user, server)), client_configuration=configuration)
    made = Session(configuration)
    try:
        yield made
    finally:
        await made.close()
