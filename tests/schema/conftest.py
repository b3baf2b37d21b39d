"""A real API server with the schema under a group of its own, so that an installed operator is left alone."""

from __future__ import annotations

import copy
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from processing_operator.api.crd import crd
from tests.support.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@dataclass(frozen=True)
class Served:
    """The API server, with the schema of this source tree."""

    cluster: Cluster
    group: str

    @property
    def path(self) -> str:
        return f"/apis/{self.group}/v1alpha1/namespaces/default/processingjobs"

    def here(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """The manifest in this group."""
        return {**manifest, "apiVersion": f"{self.group}/v1alpha1"}

    def try_create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """What the API server would store. Nothing is stored."""
        return self.cluster.create(self.path, self.here(manifest), dryRun="All", fieldValidation="Strict")

    def try_replace(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """What the API server would store as an update. Nothing is stored."""
        path = f"{self.path}/{manifest['metadata']['name']}"
        return self.cluster.call("PUT", path, self.here(manifest), dryRun="All", fieldValidation="Strict")


def under_group(group: str) -> dict[str, Any]:
    """The CRD, with another group."""
    definition = copy.deepcopy(crd())
    definition["metadata"]["name"] = f"processingjobs.{group}"
    definition["spec"]["group"] = group
    # short names are the cluster's: the real one keeps them
    del definition["spec"]["names"]["shortNames"]
    return definition


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return Cluster.connect()


@pytest.fixture(scope="session")
def served(cluster: Cluster) -> Iterator[Served]:
    group = f"schema-{uuid.uuid4().hex[:8]}.processing-operator.dev"
    definition = under_group(group)
    cluster.create(CRDS, definition)
    try:
        found = Served(cluster, group)
        _wait_until_served(found)
        yield found
    finally:
        cluster.delete(f"{CRDS}/{definition['metadata']['name']}")


def _wait_until_served(served: Served) -> None:
    # the answer until then is a plain text
    end = time.monotonic() + 30
    while not served.cluster.session.get(served.cluster.url + served.path, timeout=10).ok:
        assert time.monotonic() < end, f"{served.path} is not served after 30 s"
        time.sleep(0.1)
