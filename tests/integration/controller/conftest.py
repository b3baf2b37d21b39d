"""One API server for all of them, a namespace for each."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.integration.controller.control_plane import ControlPlane, control_plane
from tests.integration.controller.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator
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
        yield Site(plane, cluster, namespace, tmp_path)
