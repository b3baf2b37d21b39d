from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from processing_operator.api.v1alpha1 import ProcessingJob
from processing_operator.controller.unreadable import describe, stall
from tests.unit.controller.objects import Obj, make_job

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def error_of(job: Obj) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        ProcessingJob.model_validate(job)
    return caught.value


def test_the_message_names_the_fields() -> None:
    message = describe(error_of(make_job(image=7, timeouts={"runSeconds": -1})))
    assert "spec.image: " in message
    assert "spec.timeouts.runSeconds: " in message


def test_the_first_five_errors_are_enough() -> None:
    job = make_job(env=[{"name": "a", "value": n} for n in range(9)])
    assert describe(error_of(job)).endswith("; and 4 more; correct it and create it again")


def test_a_job_is_stalled_once() -> None:
    job = make_job()
    patch, event = stall(job, "what is wrong", NOW)
    assert event.reason == "InvalidPod"
    assert patch["message"] == "what is wrong"
    assert patch["observedGeneration"] == 1
    [condition] = patch["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Stalled", "True", "InvalidPod")
    job["status"] = patch
    assert stall(job, "what is wrong", datetime(2031, 1, 1, tzinfo=UTC))[0] == {}


def test_what_else_stands_in_the_status_stays() -> None:
    job = make_job(state="Running")
    job["status"]["attempts"] = 1
    job["status"]["fromAnotherVersion"] = {"a": 1}
    patch, _ = stall(job, "x", NOW)
    assert set(patch) == {"message", "observedGeneration", "conditions"}


def test_an_ended_job_is_left_alone() -> None:
    job = make_job(state="Completed")
    job["status"]["conditions"] = [{"type": "Complete", "status": "True"}]
    assert stall(job, "x", NOW)[0] == {}


def test_conditions_that_cannot_be_read_are_no_obstacle() -> None:
    job = make_job()
    job["status"]["conditions"] = [{"type": 3}, "nonsense"]
    assert stall(job, "x", NOW)[0]["conditions"][0]["type"] == "Stalled"
