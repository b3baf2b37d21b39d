"""One API server for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.cluster.client import Cluster
from tests.schema import manifests
from tests.schema.serving import Served, enforcing, own_group, policy_under_group, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    return Cluster.connect()


@pytest.fixture(scope="session")
def served(cluster: Cluster) -> Iterator[Served]:
    """The schema and the policy."""
    group = own_group()
    with serving(cluster, group) as found, enforcing(found, *policy_under_group(group)):
        yield found


@pytest.fixture(scope="session")
def with_an_older_job(cluster: Cluster) -> Iterator[Served]:
    """The same, with a job, `minimal`, that was there before the policy and that the policy refuses."""
    group = own_group()
    older = manifests.merge(manifests.minimal(), {"spec": {"image": "a b"}})
    with serving(cluster, group) as found, found.stored(older), enforcing(found, *policy_under_group(group)):
        yield found
