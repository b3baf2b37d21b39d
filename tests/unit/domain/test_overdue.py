"""Fetch and upload that do not keep their own limits: by the status and by the operator's clock, not by the node's."""

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
    condition,
    ended,
    facts,
    job,
    pod,
    running,
    runs,
    text,
    waiting,
    written,
)

HOURS = 7200
LIMITS: Obj = {"downloadSeconds": 60, "uploadSeconds": 60, "stopGraceSeconds": 100}


def phase(name: str, start: float, end: float | None = None) -> Obj:
    return {"name": name, "startTime": text(start), "endTime": text(end)}


def loading(began: float = 1) -> Obj:
    """The status of a download that the operator has told of at 2."""
    return begun(state="Downloading", phases=[phase("Downloading", began)], conditions=[condition("Reconciling", reason="Downloading", since=2)])  # fmt: skip


def sending(began: float = 7, *, state: str = "Uploading", since: float = 8) -> Obj:
    phases = [phase("Downloading", 1, 3), phase("Running", 4, 7), phase("Uploading", began)]
    return begun(state=state, phases=phases, conditions=[condition("Reconciling", reason=state, since=since)])


def stopping(since: float) -> Obj:
    status = sending(state="Stopping", since=since)
    return {**status, "conditions": [*status["conditions"], condition("StopRequested", reason="StopRequested")]}


def fetch(container: Obj) -> Obj:
    return pod(phase="Pending", fetch=container, upload=waiting(), script=waiting())


def upload(container: Obj, **more: Any) -> Obj:
    return pod(fetch=FETCHED, upload=container, script=ended(0, 4, 7), **more)


def crashing(start: float) -> Obj:
    """It was started again just now, as so often."""
    return waiting("CrashLoopBackOff", last=ended(137, start, start), restarts=9)


# what is seen, by the status; when it is given up: the limit, and ten minutes for the container to keep it itself
LATE: list[tuple[str, Obj, Obj, float, str]] = [
    ("fetch crashes at once", fetch(crashing(660)), loading(), 662, "DownloadTimeout"),
    ("fetch was started again just now", fetch(runs(661, last=ended(137, 500, 501), restarts=9)), loading(), 662, "DownloadTimeout"),
    ("fetch hangs", fetch(runs(1)), loading(), 662, "DownloadTimeout"),
    ("fetch, its node's clock hours behind", fetch(runs(1 - HOURS)), loading(1 - HOURS), 662, "DownloadTimeout"),
    ("fetch, its node's clock hours ahead", fetch(runs(1 + HOURS)), loading(1 + HOURS), 661 + HOURS, "DownloadTimeout"),
    ("upload crashes at once", upload(crashing(666)), sending(), 668, "UploadTimeout"),
    ("upload hangs", upload(runs(4)), sending(), 668, "UploadTimeout"),
    ("upload, its node's clock hours behind", upload(runs(4 - HOURS)), sending(7 - HOURS), 668, "UploadTimeout"),
    ("upload, told of late", upload(runs(4)), sending(since=500), 1160, "UploadTimeout"),
    ("upload after a stop", upload(crashing(666), signal='{"stop":"now"}'), stopping(since=5), 765, "UploadTimeout"),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "status", "due", "reason"), [row[1:] for row in LATE], ids=[row[0] for row in LATE])
def test_container_that_cannot_keep_its_own_limit(seen: Obj, status: Obj, due: float, reason: str) -> None:
    census = job(status=status, timeouts=LIMITS)
    assert decide(census, facts(census, seen), at(due - 1)).claim is None
    actions = decide(census, facts(census, seen), at(due))
    assert actions.claim is not None
    assert (actions.claim.state, actions.claim.reason) == ("Failing", reason)
    assert "has not come to its end in time" in (actions.claim.message or "")
    assert len(actions.delete) == 1


SAID = "launcher: no lock"
UNHEARD = pod(fetch=FETCHED, upload=crashing(600), script=ended(125, 4, 5, message=SAID), signal='{"ended":"now"}')


def test_upload_that_does_not_end_although_the_script_never_started() -> None:
    """It was told so."""
    status = begun(state="Pending", conditions=[condition("Reconciling", reason="ScriptNotStarted", since=6)])
    census = job(status=status, timeouts=LIMITS)
    assert decide(census, facts(census, UNHEARD), at(605)).delete == ()
    actions = decide(census, facts(census, UNHEARD), at(606))
    assert actions.claim is not None
    assert (actions.claim.state, actions.claim.reason, len(actions.delete)) == ("Failing", "ScriptNotStarted", 1)
    assert SAID in (actions.claim.message or "")
    again = job(status=actions.claim.dump(), timeouts=LIMITS)
    assert len(decide(again, facts(again, UNHEARD), at(607)).delete) == 1
    assert written(decide(again, facts(again, gone=UNHEARD), at(700))).reason == "ScriptNotStarted"


def test_last_words_of_a_container_that_crashes_are_told() -> None:
    census = job(status=loading(), timeouts=LIMITS)
    assert "137 (SIGKILL)" in (written(decide(census, facts(census, fetch(crashing(1))), at(700))).message or "")


# what has no such limit, or is on its way out already
NEVER: list[tuple[str, Obj, Obj]] = [
    ("script runs", running(), begun(state="Running", phases=[phase("Downloading", 1, 3), phase("Running", 4)])),
    ("script runs, downloaded long ago", running(), loading()),
    ("script runs on after a stop", running(), stopping(since=5) | {"phases": [phase("Running", 4)]}),
    ("being deleted", upload(runs(4), deleting=9), sending()),
    ("told of just now", upload(runs(4)), begun(state="Running")),
]


@pytest.mark.parametrize(("seen", "status"), [row[1:] for row in NEVER], ids=[row[0] for row in NEVER])
def test_what_is_not_late(seen: Obj, status: Obj) -> None:
    census = job(status=status, timeouts=LIMITS)
    actions: Actions = decide(census, facts(census, seen), at(10**6))
    assert actions.delete == ()
    assert (actions.claim and actions.claim.state) in (None, "Stopping")
