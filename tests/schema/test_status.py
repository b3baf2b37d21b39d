"""The status: what the models write, the API server takes and gives back; `kubectl get` shows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from processing_operator.api.conditions import ConditionStatus
from processing_operator.api.status import JobStatus, State
from tests.schema import manifests
from tests.schema.statuses import fullest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.schema.serving import Served

MAX_STATUS = 128 * 1024  # the half of it 50 URIs of outputs, each as long as a URI may be
UNSEEN = {"observedGeneration": -1, "attempts": 0}
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
    with served.stored(manifest) as created:
        assert created["status"] == UNSEEN
        served.cluster.patch(f"{path}/status", {"spec": {"image": "not read"}, "status": fullest().dump()})
        yield path


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
    assert narrow == ["Name", "STATE", "REASON", "DURATION", "AGE"]
    assert wide == ["ATTEMPTS", "EXIT", "NODE", "IMAGE"]
    (row,) = answer["rows"]
    cells = dict(zip([*narrow, *wide], row["cells"], strict=True))
    assert {
        "Name": "status",
        "STATE": "Failed",
        "REASON": "ScriptFailed",
        "DURATION": "23h59m",
        "ATTEMPTS": 10,
        "EXIT": 255,
        "NODE": "n" * 253,
        "IMAGE": "busybox",
    }.items() <= cells.items()
    assert "<invalid>" not in cells["AGE"]


@pytest.mark.integration
def test_nobody_has_looked_at_a_new_job(served: Served) -> None:
    """By kstatus, a job without a status would be done: `helm install --wait` would not wait."""
    with served.stored(manifests.minimal()) as created:
        assert created["status"] == UNSEEN
        found = served.cluster.get(f"{served.path}/minimal")
    assert found["status"] == UNSEEN
    assert JobStatus.model_validate(found["status"]) == JobStatus(observed_generation=-1)


NEWER = {
    "observedGeneration": 1,
    "state": "Holding",
    "attempts": 1,
    "phases": [{"name": "Suspended"}],
    "progress": {"phase": "Mirroring", "objects": 1, "bytes": 2, "retries": 0},
    "outputs": [{"name": "a", "upload": "Held"}],
    "instances": [{"index": 0, "state": "Suspended"}],
    "conditions": [{"type": "Held", "status": "Perhaps", "reason": "R", "message": "m"}],
}


def test_the_models_keep_the_words_of_a_newer_operator() -> None:
    assert JobStatus.model_validate(NEWER).dump() == NEWER


def test_known_words_are_read_as_such() -> None:
    status = JobStatus.model_validate({"state": "Failed", "conditions": [{"type": "Failed", "status": "True"}]})
    assert status.state is State.FAILED
    assert status.conditions[0].status is ConditionStatus.TRUE


@pytest.mark.integration
def test_the_api_server_keeps_the_words_of_a_newer_operator(served: Served, stored: str) -> None:
    before = served.cluster.get(stored)["status"]
    gone = {"status": dict.fromkeys(before)}
    served.cluster.patch(f"{stored}/status", gone)
    served.cluster.patch(f"{stored}/status", {"status": NEWER})
    found = served.cluster.get(stored)["status"]
    served.cluster.patch(f"{stored}/status", gone)
    served.cluster.patch(f"{stored}/status", {"status": before})
    assert found == NEWER


@pytest.mark.integration
def test_no_rule_stands_in_the_way_of_a_status(with_an_older_job: Served) -> None:
    path = f"{with_an_older_job.path}/minimal/status"
    patched = with_an_older_job.cluster.patch(path, {"status": {"state": "Failed"}})
    assert patched["status"]["state"] == "Failed"


@pytest.mark.integration
@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("status.state!=Completed", ["minimal", "status"]),
        ("status.state!=Completed,status.state!=Failed,status.state!=Stopped", ["minimal"]),
        ("status.reason=ScriptFailed", ["status"]),
        ("status.state=", ["minimal"]),
    ],
)
def test_jobs_are_found_by_their_state(served: Served, selector: str, found: list[str]) -> None:
    with served.stored(manifests.minimal()):
        jobs = served.cluster.items(f"/apis/{served.group}/v1alpha1/processingjobs", fieldSelector=selector)
    assert sorted(job["metadata"]["name"] for job in jobs) == found
