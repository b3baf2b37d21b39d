"""A stop that was asked for: before the Pod, before the script, while it runs, and after."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

from typing import Any

import pytest

from processing_operator.api.status import State, TransferProgress
from processing_operator.domain.actions import Actions
from processing_operator.domain.decide import decide
from tests.unit.domain.builders import (
    FETCHED,
    Obj,
    at,
    begun,
    completed,
    created,
    disrupted,
    downloading,
    ended,
    facts,
    job,
    pod,
    record,
    result,
    running,
    runs,
    stop_latched,
    text,
    uploading,
    waiting,
    written,
)

START_ERROR = ended(128, None, 5, reason="StartError", message="exec: no such file")
ASKED = '{"stop":"2026-01-01T00:00:20Z"}'
# what is seen; signalled, deleted; the state afterwards
STOPS: list[tuple[str, Obj, bool, bool, str]] = [
    ("pending", created(), False, True, "Stopping"),
    ("gated", pod(gated=True), False, True, "Stopping"),
    ("downloading", downloading(), False, True, "Stopping"),
    ("script pulls", pod(phase="Pending", fetch=FETCHED, upload=runs(4), script=waiting()), False, True, "Stopping"),
    ("running", running(), True, False, "Stopping"),
    ("signalled", pod(fetch=FETCHED, upload=runs(4), script=runs(4), signal=ASKED), False, False, "Stopping"),
    ("uploading", uploading(), False, False, "Stopping"),
    ("deleted", pod(fetch=FETCHED, upload=runs(4), script=runs(4), deleting=9), False, False, "Stopping"),
    ("deleted before the start", pod(phase="Pending", fetch=runs(), deleting=9), False, False, "Stopping"),
    ("completed", completed(), False, False, "Completed"),
]


@pytest.mark.parametrize(
    ("seen", "signalled", "deleted", "state"), [row[1:] for row in STOPS], ids=[row[0] for row in STOPS]
)
def test_stop(seen: Obj, signalled: bool, deleted: bool, state: str) -> None:
    census = job(status=begun(state="Running"), stop=True)
    actions = decide(census, facts(census, seen), at(30))
    assert (len(actions.stop), len(actions.delete), actions.release) == (signalled, deleted, ())
    status = written(actions)
    assert status.state == state
    assert any(entry.type == "StopRequested" and entry.status == "True" for entry in status.conditions)
    if signalled or deleted:
        assert actions.claim is not None, "remembered before it is acted upon"


def test_pod_whose_script_could_not_be_started_is_told_so_and_not_deleted() -> None:
    census = job(status=begun(state="Running"), stop=True)
    actions = decide(census, facts(census, pod(fetch=FETCHED, upload=runs(4), script=START_ERROR)), at(30))
    assert (len(actions.ended), actions.stop, actions.delete, written(actions).state) == (1, (), (), "Stopping")


def test_stop_is_latched() -> None:
    census = job(status=stop_latched(state="Stopping"), stop=False)
    actions = decide(census, facts(census, running()), at(30))
    assert [target.uid for target in actions.stop] == ["pod-1"]


@pytest.mark.parametrize("status", [{}, {"state": "Waiting"}], ids=["new", "waiting"])
def test_stop_before_a_pod_was_created(status: Obj) -> None:
    census = job(status=status, stop=True)
    actions = decide(census, facts(census), at(30))
    assert actions.create is None
    assert actions.status is not None
    assert (actions.status.state, actions.status.reason) == ("Stopped", "StopRequested")
    assert actions.status.message == "stopped before a Pod was created"


UNCLAIMED: list[tuple[str, Obj, set[str]]] = [
    ("its own", pod(gated=True), {"pod-1"}),
    ("another's", pod(gated=True, since=29), set()),
]


@pytest.mark.parametrize(("seen", "own"), [row[1:] for row in UNCLAIMED], ids=[row[0] for row in UNCLAIMED])
def test_stop_deletes_a_pod_that_was_not_claimed(seen: Obj, own: set[str]) -> None:
    census = job(stop=True)
    actions = decide(census, facts(census, seen, created=own), at(30))
    assert (len(actions.delete), actions.release, actions.create) == (1, (), None)
    assert actions.claim is not None
    assert (actions.claim.state, actions.claim.attempts) == ("Stopping", 0)
    again = job(stop=True, status=actions.claim.dump())
    assert written(decide(again, facts(again), at(31))).state == "Stopped"


def test_stop_does_not_wait_for_a_pod_that_never_ran_and_does_not_go() -> None:
    """A finalizer holds it."""
    census = job(stop=True)
    status = written(decide(census, facts(census, pod(gated=True, deleting=20)), at(30)))
    assert (status.state, status.reason) == ("Stopped", "StopRequested")


def test_stopped_once_the_pod_is_gone() -> None:
    census = job(status=stop_latched(state="Stopping"))
    gone = pod(phase="Failed", fetch=ended(143), deleting=9)
    actions = decide(census, facts(census, gone=gone), at(30))
    assert actions.status is not None
    assert (actions.status.state, actions.status.reason) == ("Stopped", "StopRequested")
    assert [entry.type for entry in actions.status.conditions if entry.status == "True"] == ["StopRequested", "Stopped"]


# how the Pod was when it went, after a stop
GONE: list[tuple[str, Obj, str]] = [
    ("by force, while it downloaded", pod(phase="Pending", fetch=runs(), deleting=9), "Stopped"),
    ("with its node", pod(phase="Failed", fetch=runs(), conditions=[disrupted("DeletionByPodGC")]), "Stopped"),
    ("when its fetch had failed", pod(phase="Failed", fetch=ended(64, message=result("InputNotFound"))), "Failed"),
    ("by force, while its script ran", pod(fetch=FETCHED, upload=runs(4), script=runs(4), deleting=9), "Failed"),
]


@pytest.mark.parametrize(("gone", "state"), [row[1:] for row in GONE], ids=[row[0] for row in GONE])
def test_pod_that_went_without_its_script_being_seen_to_start_was_stopped(gone: Obj, state: str) -> None:
    census = job(status=stop_latched(state="Stopping"))
    assert written(decide(census, facts(census, gone=gone), at(30))).state == state


def test_stop_between_two_attempts() -> None:
    status = stop_latched(state="Pending", attemptHistory=[{"attempt": 1, "reason": "Evicted"}])
    census = job(status=status)
    waits = decide(census, facts(census, pod(phase="Pending", fetch=runs(), deleting=9)), at(30))
    assert (waits.create, waits.delete) == (None, ())
    after = written(decide(census, facts(census), at(31)))
    assert (after.state, after.message) == ("Stopped", "stopped between two attempts")


def test_stop_is_told_once() -> None:
    census = job(status=begun(state="Running"), stop=True)
    actions = decide(census, facts(census, running()), at(30))
    assert [event.reason for event in actions.events] == ["StopRequested"]
    again = job(status=written(actions).dump(), stop=True)
    told = pod(fetch=FETCHED, upload=runs(4), script=runs(4), signal=ASKED)
    assert decide(again, facts(again, told), at(31)) == Actions()


# whatever stands in the annotation: only a stop is a stop
SIGNALS = ["", "stop", "null", "[]", "{", "[" * 2000, '{"stop":""}', '{"stop":true}', '{"upload":"retry@now"}']


@pytest.mark.parametrize("signal", SIGNALS)
def test_pod_that_was_told_something_else_is_told_to_stop(signal: str) -> None:
    census = job(status=stop_latched(state="Stopping"))
    told = pod(fetch=FETCHED, upload=runs(4), script=runs(4), signal=signal)
    assert [target.uid for target in decide(census, facts(census, told), at(30)).stop] == ["pod-1"]


# one of script and upload cannot do its part any more: the other is told to end
CUT_SHORT: list[tuple[str, Obj, bool]] = [
    ("upload has given up", pod(fetch=FETCHED, upload=ended(64), script=runs(4)), True),
    ("upload crashed", pod(fetch=FETCHED, upload=ended(1), script=runs(4)), False),
    ("upload crashed, old API server", pod(fetch=FETCHED, upload=ended(1), script=runs(4), rules=False), True),
    ("upload has done its work before the script", pod(fetch=FETCHED, upload=ended(0), script=runs(4)), False),
    ("old API server", pod(fetch=FETCHED, upload=runs(4), script=runs(4), rules=False), False),
    ("being deleted", pod(fetch=FETCHED, upload=ended(64), script=runs(4), deleting=9), False),
]


@pytest.mark.parametrize(("seen", "told"), [row[1:] for row in CUT_SHORT], ids=[row[0] for row in CUT_SHORT])
def test_what_would_run_for_nothing_is_told_to_end(seen: Obj, told: bool) -> None:
    """The job was not asked to stop, and says nothing of it."""
    census = job(status=begun(state="Running"))
    actions = decide(census, facts(census, seen), at(30))
    assert (len(actions.stop), actions.delete) == (told, ())
    assert all(entry.type != "StopRequested" for entry in written(actions).conditions)


SAID = "launcher: the script was not started: lock: no space left on device"
TOLD = '{"ended":"2026-01-01T00:00:20Z"}'
UPLOADS = TransferProgress(phase=State.UPLOADING, objects=1, bytes=1)


def over(code: int, message: str = "", *, upload: Obj | None = None, signal: str = "", **more: Any) -> Obj:
    script = ended(code, 4, 5, message=message, **more)
    return pod(fetch=FETCHED, upload=upload or runs(4), script=script, signal=signal)


# the script's container has ended; whether upload is told, and what the job says meanwhile
OVER: list[tuple[str, Obj, TransferProgress | None, bool, str]] = [
    ("the launcher could not work", over(125, SAID), None, True, "Pending"),
    ("told so", over(125, SAID, signal=TOLD), None, False, "Pending"),
    ("asked to stop before", over(125, SAID, signal=ASKED), None, True, "Pending"),
    ("no command for the runtime", pod(fetch=FETCHED, upload=runs(4), script=START_ERROR), None, True, "Pending"),
    ("told that", pod(fetch=FETCHED, upload=runs(4), script=START_ERROR, signal=TOLD), None, False, "Pending"),
    ("killed, perhaps before the start", over(137, reason="OOMKilled"), None, True, "Uploading"),
    ("failed, perhaps before the start", over(3), None, True, "Uploading"),
    ("failed, upload has begun", over(3), UPLOADS, False, "Uploading"),
    ("failed, upload had seen the start", over(3), UPLOADS.model_copy(update={"phase": State.WAITING}), False, "Uploading"),
    ("failed, a process was killed", over(3), UPLOADS.model_copy(update={"phase": State.RUNNING}), False, "Uploading"),
    ("failed, the download was told of", over(3), UPLOADS.model_copy(update={"phase": State.DOWNLOADING}), True, "Uploading"),
    ("ended well", over(0), None, False, "Uploading"),
    ("upload is started again", over(125, SAID, upload=waiting("CrashLoopBackOff", last=ended(1))), None, True, "Pending"),
    ("upload has ended", over(125, SAID, upload=ended(0, 4, 6)), None, False, "Failed"),
    ("being deleted", pod(fetch=FETCHED, upload=runs(4), script=ended(125, message=SAID), deleting=900), None, False, "Stopping"),
]  # fmt: skip


@pytest.mark.parametrize("row", OVER, ids=[row[0] for row in OVER])
def test_upload_is_told_once_that_there_may_be_nothing_to_wait_for(
    row: tuple[str, Obj, TransferProgress | None, bool, str],
) -> None:
    _, seen, told, expected, state = row
    census = job(status=begun(state="Running"))
    actions = decide(census, facts(census, seen, progress=told), at(30))
    assert (len(actions.ended), actions.stop, actions.delete) == (expected, (), ())
    assert written(actions).state == state


def test_the_launchers_words_are_told_at_once_and_are_not_the_scripts() -> None:
    census = job(status=begun(state="Running", phases=[{"name": "Running", "startTime": text(4)}]))
    status = written(decide(census, facts(census, over(125, SAID)), at(30)))
    assert SAID in (status.message or "")
    assert (status.exit_message, [phase.name for phase in status.phases]) == (None, ["Downloading"])
    assert (status.state, status.reason) == ("Pending", "ScriptNotStarted")
    end = over(125, SAID, upload=ended(64, 4, 6, message=result("ScriptNotStarted", "it ended")))
    status = written(decide(census, facts(census, end), at(31)))
    assert (status.state, status.reason, status.exit_message) == ("Failed", "ScriptNotStarted", None)
    assert f"ended with exit code 125 before the script started; {SAID}" in (status.message or "")
    assert [phase.name for phase in status.phases] == ["Downloading"]


def test_a_message_of_the_scripts_that_looks_like_the_launchers_is_the_scripts() -> None:
    census = job(status=begun(state="Running"))
    end = over(125, SAID, upload=ended(0, 4, 9, message=record(code=125)))
    status = written(decide(census, facts(census, end), at(31)))
    assert (status.reason, status.exit_message) == ("ScriptFailed", SAID)
