"""The status: what the models write, the API server takes and gives back; `kubectl get` shows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from processing_operator.api.status import JobStatus
from tests.schema import manifests
from tests.schema.statuses import fullest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.schema.conftest import Served

MAX_STATUS = 64 * 1024
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


def test_the_fullest_status_is_small() -> None:
    assert len(json.dumps(fullest().dump())) < MAX_STATUS


def test_a_status_round_trips() -> None:
    assert JobStatus.model_validate(fullest().dump()) == fullest()
    assert JobStatus.model_validate(fullest().dump()).dump() == fullest().dump()


@pytest.fixture(scope="module")
def stored(served: Served) -> Iterator[str]:
    """The path of a job that was created with a status, and then got one."""
    manifest = manifests.merge(manifests.minimal(), {"metadata": {"name": "status"}, "status": {"state": "Completed"}})
    path = f"{served.path}/status"
    created = served.cluster.create(served.path, served.here(manifest))
    assert "status" not in created
    served.cluster.patch(f"{path}/status", {"spec": {"image": "other"}, "status": fullest().dump()})
    yield path
    served.cluster.delete(path)


@pytest.mark.integration
def test_the_api_server_takes_the_fullest_status(served: Served, stored: str) -> None:
    found = served.cluster.get(stored)
    assert found["status"] == fullest().dump()
    assert found["spec"]["image"] == "busybox"
    assert found["metadata"]["generation"] == 1


@pytest.mark.integration
@pytest.mark.usefixtures("stored")
def test_the_columns_of_kubectl_get(served: Served) -> None:
    answer = served.cluster.session.get(
        served.cluster.url + served.path,
        headers={"Accept": TABLE},
        params={"fieldSelector": "metadata.name=status"},
        timeout=10,
    ).json()
    narrow = [column["name"] for column in answer["columnDefinitions"] if not column["priority"]]
    wide = [column["name"] for column in answer["columnDefinitions"] if column["priority"]]
    assert narrow == ["Name", "STATE", "ATTEMPTS", "STARTED", "AGE"]
    assert wide == ["ENDED", "REASON", "EXIT", "IMAGE"]
    (row,) = answer["rows"]
    cells = dict(zip([*narrow, *wide], row["cells"], strict=True))
    assert {
        "Name": "status",
        "STATE": "Failed",
        "ATTEMPTS": 10,
        "EXIT": 255,
        "IMAGE": "busybox",
    }.items() <= cells.items()
    assert "<invalid>" not in cells["STARTED"]
