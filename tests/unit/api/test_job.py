"""A job as it comes from the API server, and as the code makes one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from processing_operator.api import names
from processing_operator.api.reasons import Reason
from processing_operator.api.status import JobStatus, PhaseStatus, State, has_ended
from processing_operator.api.v1alpha1 import Input, Metadata, ProcessingJob, ProcessingJobSpec, S3Source

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SERVED: dict[str, Any] = {
    "apiVersion": "processing-operator.dev/v1alpha1",
    "kind": "ProcessingJob",
    "metadata": {
        "name": "census",
        "namespace": "default",
        "uid": "8d9ec9a1",
        "generation": 1,
        "resourceVersion": "123",
        "creationTimestamp": "2026-01-02T03:04:05Z",
        "labels": {"team": "data"},
        "managedFields": [{"manager": "kubectl", "operation": "Update"}],
    },
    "spec": {"image": "busybox", "command": ["true"]},
}


def test_as_the_api_server_gives_it() -> None:
    job = ProcessingJob.model_validate(SERVED)
    assert job.api_version == names.API_VERSION
    assert job.kind == names.KIND
    assert job.metadata == Metadata(
        name="census",
        namespace="default",
        uid="8d9ec9a1",
        generation=1,
        resource_version="123",
        creation_timestamp=AT,
        labels={"team": "data"},
    )
    assert job.metadata.deletion_timestamp is None
    assert job.spec == ProcessingJobSpec(image="busybox", command=("true",))
    assert job.status == JobStatus()


def test_defaults() -> None:
    spec = ProcessingJobSpec(image="busybox", command=("true",))
    assert spec.dump() == {
        "image": "busybox",
        "command": ["true"],
        "workspace": {"size": "30Gi"},
        "s3": {"addressing": "Auto"},
        "timeouts": {
            "pendingSeconds": 3600,
            "downloadSeconds": 86400,
            "runSeconds": 86400,
            "stopGraceSeconds": 120,
            "uploadSeconds": 3600,
            "terminationUploadSeconds": 480,
        },
        "stop": False,
    }


def test_the_field_that_is_a_word_of_the_language() -> None:
    item = Input.model_validate({"name": "a", "path": "/opt/ml/a", "from": {"job": "train", "output": "model"}})
    assert item.from_ is not None
    assert (item.from_.job, item.from_.output) == ("train", "model")
    assert item.dump()["from"] == {"job": "train", "output": "model"}


def test_it_is_frozen() -> None:
    job = ProcessingJob.model_validate(SERVED)
    with pytest.raises(ValidationError, match="frozen"):
        job.spec = job.spec  # type: ignore[misc]


def test_the_code_is_held_to_the_rules_too() -> None:
    with pytest.raises(ValidationError, match="two inputs must not have one path: /opt/ml/a"):
        ProcessingJobSpec(
            image="busybox",
            command=("true",),
            inputs=tuple(Input(name=name, path="/opt/ml/a", s3=S3Source(uri="s3://bucket")) for name in "ab"),
        )


def test_an_older_operator_reads_a_newer_status() -> None:
    job = ProcessingJob.model_validate(SERVED | {"status": {"attempts": 1, "later": {"x": 1}}})
    assert job.status == JobStatus(attempts=1)


def test_times_are_written_as_kubernetes_writes_them() -> None:
    precise = AT.replace(microsecond=678901)
    status = JobStatus(
        start_time=precise, phases=(PhaseStatus(name=State.PENDING, start_time=precise, end_time=AT),)
    ).dump()
    assert status["startTime"] == "2026-01-02T03:04:05Z"
    assert status["phases"] == [
        {"name": "Pending", "startTime": "2026-01-02T03:04:05.678Z", "endTime": "2026-01-02T03:04:05.000Z"}
    ]


def test_a_reason_is_plain_text() -> None:
    status = JobStatus(reason=Reason.OUT_OF_MEMORY)
    assert status.reason == "OutOfMemory"
    assert status.dump()["reason"] == "OutOfMemory"


def test_an_empty_status() -> None:
    assert JobStatus().dump() == {"attempts": 0}


@pytest.mark.parametrize("state", [*State, "Holding", None])
def test_terminal_states(state: str | None) -> None:
    assert has_ended(state) is (state in {"Completed", "Failed", "Stopped"})
