"""An end that is decided waits for its Pod: FailureTarget, and what may still come of it."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

from typing import Any

import pytest

from processing_operator.domain.actions import Actions
from processing_operator.domain.decide import decide
from tests.unit.domain.builders import (
    FETCHED,
    Obj,
    at,
    begun,
    completed,
    condition,
    created,
    disrupted,
    ended,
    facts,
    failed,
    job,
    pod,
    reconciling,
    record,
    result,
    running,
    runs,
    text,
    uploading,
    waiting,
    written,
)

WORDS = "the image is not to be had. Next: correct it"
SCRIPT_PHASES = [{"name": "Downloading", "startTime": text(1), "endTime": text(3)}, {"name": "Running", "startTime": text(4)}]  # fmt: skip


def target(reason: str = "ImagePullFailed", **status: Any) -> Obj:
    """The status of a job whose end is decided."""
    conditions = [condition("Reconciling", reason=reason), condition("FailureTarget", reason=reason, message=WORDS)]
    return begun(state="Failing", reason=reason, conditions=conditions, **status)


def look(*seen: Obj, gone: Obj | None = None, status: Obj | None = None, stop: bool = False, now: float = 30) -> Actions:  # fmt: skip
    census = job(status=status or target(), stop=stop)
    return decide(census, facts(census, *seen, gone=gone), at(now))


def conditions_of(actions: Actions) -> set[str]:
    return {entry.type for entry in written(actions).conditions if entry.status == "True"}


def test_end_is_written_before_the_pod_is_deleted() -> None:
    seen = pod(phase="Pending", fetch=FETCHED, upload=runs(4), script=waiting("InvalidImageName", "A:B:C"))
    actions = look(seen, status=begun())
    assert actions.claim is not None
    assert (actions.claim.state, actions.claim.reason, actions.claim.completion_time) == ("Failing", "ImagePullFailed", None)  # fmt: skip
    assert conditions_of(actions) == {"Reconciling", "FailureTarget"}
    assert reconciling(actions.claim) == "ImagePullFailed"
    assert {entry.message for entry in actions.claim.conditions} == {actions.claim.message}
    assert [target.uid for target in actions.delete] == ["pod-1"]
    assert [(event.type, event.reason) for event in actions.events] == [("Warning", "ImagePullFailed")]


GOING: list[tuple[str, Obj, int]] = [
    ("not deleted yet", created(), 1),
    ("being deleted", pod(phase="Pending", fetch=waiting(), deleting=40), 0),
    ("told to end, downloads", pod(phase="Pending", fetch=runs(), deleting=40), 0),
]


@pytest.mark.parametrize(("seen", "deletes"), [row[1:] for row in GOING], ids=[row[0] for row in GOING])
@pytest.mark.parametrize("stop", [False, True])
def test_it_waits_for_its_pod(seen: Obj, deletes: int, stop: bool) -> None:
    first = look(seen, stop=stop)
    assert (len(first.delete), first.create, first.claim) == (deletes, None, None)
    status = written(first)
    assert (status.state, status.reason, status.message, status.completion_time) == ("Failing", "ImagePullFailed", WORDS, None)  # fmt: skip
    again = look(seen, status=status.dump(), stop=stop, now=31)
    assert (again.status, len(again.delete)) == (None, deletes)


# how its Pod ended, or was last seen; the job's reason; none: it has completed
ENDS: list[tuple[str, Obj, str]] = [
    ("told of by nobody", {}, "ImagePullFailed"),
    ("before its script started", pod(phase="Failed", fetch=ended(137), deleting=29), "ImagePullFailed"),
    ("by force, nobody knows when", pod(phase="Pending", fetch=runs(), deleting=29), "ImagePullFailed"),
    ("fetch had failed as well", pod(phase="Failed", fetch=ended(64, message=result("InputNotFound"))), "ImagePullFailed"),
    ("its script was quicker", completed(), ""),
    ("its script was quicker and failed", failed(3), "ScriptFailed"),
    ("its script had just started", failed(143, ended(0, 4, 9, message=record("Terminated", 143)), deleting=29), "ImagePullFailed"),
    ("its script was cut off", failed(137, ended(137), deleting=29), "ImagePullFailed"),
    ("its script was quicker than the deletion", completed(deleting=29), ""),
]  # fmt: skip


@pytest.mark.parametrize(("gone", "reason"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_end(gone: Obj, reason: str) -> None:
    actions = look(gone=gone or None)
    status = written(actions)
    assert (status.state, status.reason or "") == ("Failed" if reason else "Completed", reason)
    decided = reason == "ImagePullFailed"
    assert conditions_of(actions) == {*(("FailureTarget",) if decided else ()), *(("Failed", "Stalled") if reason else ("Complete",))}  # fmt: skip
    assert (status.message == WORDS) is decided


def test_script_that_starts_all_the_same_is_let_run() -> None:
    """The deletion was refused, since the Pod had changed."""
    actions = look(running())
    status = written(actions)
    assert (status.state, status.reason, actions.delete, actions.stop) == ("Running", None, (), ())
    assert conditions_of(actions) == {"Reconciling"}
    assert written(look(completed(), status=status.dump())).state == "Completed"


def test_script_that_starts_in_a_pod_that_is_being_deleted_changes_nothing_yet() -> None:
    actions = look(pod(fetch=FETCHED, upload=runs(4), script=runs(4), deleting=40))
    assert written(actions).state == "Failing"
    assert "FailureTarget" in conditions_of(actions)


@pytest.mark.parametrize("answer", ["False", "Unknown", "Word of a newer operator"])
def test_target_that_is_not_true_is_none(answer: str) -> None:
    status = begun(conditions=[condition("FailureTarget", status=answer, message=WORDS)])
    assert look(created(), status=status).delete == ()


# the upload has not come to its end in time, and its Pod is to go: what is seen, and the reason in the end
LATE = target("UploadTimeout", phases=SCRIPT_PHASES)
STUCK = pod(fetch=FETCHED, upload=waiting("CrashLoopBackOff", last=ended(137), restarts=9), script=ended(0, 4, 7))
UPLOADS: list[tuple[str, Obj, str]] = [
    ("cut off", pod(fetch=FETCHED, upload=ended(137, 4, 9), script=ended(0, 4, 7), phase="Failed", deleting=29), "UploadTimeout"),
    ("cut off, nobody knows", pod(fetch=FETCHED, upload=runs(4), script=ended(0, 4, 7), deleting=29), "UploadTimeout"),
    ("evicted meanwhile", pod(fetch=FETCHED, upload=runs(4), script=ended(0, 4, 7), phase="Failed", conditions=[disrupted("EvictionByEvictionAPI")]), "UploadTimeout"),
    ("came to its end", completed(deleting=29), ""),
    ("was denied", pod(fetch=FETCHED, upload=ended(64, 4, 9, message=result("UploadDenied", "403", exit={"code": 0, "reason": "Exited"})), script=ended(0, 4, 7), phase="Failed"), "UploadDenied"),
    ("its script had failed", pod(fetch=FETCHED, upload=ended(137, 4, 9), script=ended(3, 4, 7), phase="Failed", deleting=29), "ScriptFailed"),
]  # fmt: skip


@pytest.mark.parametrize("seen", [STUCK, uploading()], ids=["crashes", "runs"])
@pytest.mark.parametrize("deleting", [None, 40], ids=["deletion refused", "being deleted"])
def test_upload_that_is_too_late_is_not_let_run(seen: Obj, deleting: float | None) -> None:
    """Its script has started, of course."""
    meta = seen["metadata"] | ({} if deleting is None else {"deletionTimestamp": text(deleting)})
    actions = look({**seen, "metadata": meta}, status=LATE)
    assert (len(actions.delete), actions.stop) == (deleting is None, ())
    assert (written(actions).state, written(actions).reason) == ("Failing", "UploadTimeout")


@pytest.mark.parametrize(("gone", "reason"), [row[1:] for row in UPLOADS], ids=[row[0] for row in UPLOADS])
def test_end_of_a_late_upload(gone: Obj, reason: str) -> None:
    status = written(look(gone=gone, status=LATE))
    assert (status.state, status.reason or "") == ("Failed" if reason else "Completed", reason)
