"""Attempts of several Pods: when they have ended, and by whom; what the status keeps of each."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

import pytest

from processing_operator.api.v1alpha1 import ProcessingJob
from processing_operator.domain.decide import decide
from processing_operator.domain.facts import Attempt
from tests.unit.domain.builders import (
    FETCHED,
    Obj,
    at,
    begun,
    completed,
    created,
    downloading,
    ended,
    facts,
    failed,
    job,
    pod,
    record,
    result,
    running,
    runs,
    uploading,
    waiting,
    written,
)

STOPPED = failed(143, ended(0, 4, 9, message=record("StopRequested", 143)))


def two() -> ProcessingJob:
    pods = [{"index": index, "pod": f"census-1a2b3c4d-1-{index}", "podUid": f"pod-{index}"} for index in (0, 1)]
    return job(status=begun(state="Running", instances=pods))


def of(census: ProcessingJob, *raws: Obj) -> Attempt:
    """The attempt, with a Pod for each instance; an empty one is not there."""
    named = [{**raw, "metadata": {**raw["metadata"], "uid": f"pod-{index}"}} for index, raw in enumerate(raws) if raw]
    attempt = facts(census, *named).attempt
    assert attempt is not None
    return attempt


# the two Pods, and the verdict: its reason, "" for Completed; none while it has not ended
VERDICTS: list[tuple[str, Obj, Obj, str | None]] = [
    ("both completed", completed(), completed(), ""),
    ("one runs", completed(), running(), None),
    ("the other runs", running(), completed(), None),
    ("one is not there", {}, completed(), None),
    ("one failed", completed(), failed(3), "ScriptFailed"),
    ("the first that failed", failed(3), failed(137, reason="OOMKilled"), "ScriptFailed"),
    ("one was stopped", completed(), STOPPED, "StopRequested"),
    ("one failed, the other runs", failed(3), running(), None),
]


@pytest.mark.parametrize(("first", "second", "reason"), [row[1:] for row in VERDICTS], ids=[row[0] for row in VERDICTS])
def test_attempt_has_ended_when_every_instance_has(first: Obj, second: Obj, reason: str | None) -> None:
    verdict = of(two(), first, second).verdict
    assert (None if verdict is None else verdict.reason) == reason


def test_instance_that_is_not_there_is_kept() -> None:
    """Else the attempt would have ended without it."""
    census = two()
    seen = pod(uid="pod-0")
    status = written(decide(census, facts(census, seen), at(30)))
    assert [(one.pod_uid, one.state) for one in status.instances] == [("pod-0", "Pending"), ("pod-1", "Lost")]


# how the Pod is, or was when it went; the instance's state
STATES: list[tuple[str, Obj, bool, str]] = [
    ("created", created(), False, "Pending"),
    ("downloads", downloading(), False, "Running"),
    ("fetched", pod(phase="Pending", fetch=FETCHED, upload=waiting(), script=waiting()), False, "Running"),
    ("runs", running(), False, "Running"),
    ("uploads", uploading(), False, "Running"),
    ("uploads, its script failed", uploading(3), False, "Running"),
    ("upload crashed just now", pod(fetch=FETCHED, upload=ended(1, 4, 9), script=ended()), False, "Running"),
    ("upload was over before its script", pod(fetch=FETCHED, upload=ended(0, 4, 5), script=runs(4)), False, "Running"),
    ("completed", completed(), False, "Succeeded"),
    ("completed and gone", completed(), True, "Succeeded"),
    ("its script failed, the kubelet tells of the Pod later", pod(fetch=FETCHED, upload=ended(0, 4, 9, message=record(code=3)), script=ended(3)), False, "Failed"),
    ("its upload failed, the kubelet tells of the Pod later", pod(fetch=FETCHED, upload=ended(64, 4, 9, message=result("UploadDenied", exit={"code": 0, "reason": "Exited"})), script=ended()), False, "Failed"),
    ("its fetch failed, the kubelet tells of the Pod later", pod(phase="Pending", fetch=ended(64, 1, 3, message=result("InputNotFound"))), False, "Failed"),
    ("evicted", pod(fetch=FETCHED, upload=runs(4), script=runs(4), phase="Failed", status={"reason": "Evicted"}), False, "Failed"),
    ("gone while it ran", running(), True, "Lost"),
    ("gone while it uploaded", uploading(), True, "Lost"),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "gone", "state"), [row[1:] for row in STATES], ids=[row[0] for row in STATES])
def test_state_of_an_instance(seen: Obj, gone: bool, state: str) -> None:
    census = job(status=begun())
    status = written(decide(census, facts(census, gone=seen) if gone else facts(census, seen), at(30)))
    assert [one.state for one in status.instances] == [state]
