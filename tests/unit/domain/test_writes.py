"""When a change of the status is written: at once, together with the next, or no more than once in ten seconds."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

from typing import Any

import pytest

from processing_operator.api.status import TransferProgress
from processing_operator.domain.actions import Actions
from processing_operator.domain.decide import decide
from processing_operator.domain.facts import Refusal
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
    job,
    pod,
    running,
    runs,
    uploading,
    waiting,
    written,
)

RUNNING = begun(state="Running")
HELD_AT = 100  # when the status was written last
PROGRESS = TransferProgress.model_validate({"phase": "Downloading", "objects": 1, "bytes": 1})
MOVED = PROGRESS.model_copy(update={"objects": 2})


def look(seen: Obj, now: float, status: Obj, **more: Any) -> Actions:
    census = job(status=status)
    return decide(census, facts(census, seen, **more), at(now))


@pytest.mark.parametrize("seen", [created(), downloading(), running(), uploading()])
def test_nothing_new_writes_nothing(seen: Obj) -> None:
    first = written(look(seen, 30, begun()))
    again = look(seen, 40, first.dump())
    assert (again.status, again.claim, again.events) == (None, None, ())


# what is seen, by the status, and when; until when it is held back (none: it is written now)
QUICK: list[tuple[str, Obj, Obj, float, float | None]] = [
    ("download", downloading(), begun(), 2, 3),
    ("download, two seconds old", downloading(), begun(), 3, None),
    ("upload", uploading(), RUNNING, 8, 9),
    ("upload, two seconds old", uploading(), RUNNING, 9, None),
    ("script starts, fetched just now", pod(phase="Pending", fetch=FETCHED, upload=waiting(), script=waiting()), begun(state="Downloading"), 4, 5),
    ("script starts, fetched long ago", pod(phase="Pending", fetch=FETCHED, upload=waiting(), script=waiting()), begun(state="Downloading"), 5, None),
    ("script runs", running(), begun(), 4, None),
    ("script cannot start", pod(phase="Pending", fetch=FETCHED, upload=runs(3), script=waiting("CreateContainerError", "no")), begun(state="Downloading"), 4, None),
    ("the end", completed(), begun(), 9, None),
    ("the kubelet's clock is ahead", pod(phase="Pending", fetch=runs(500)), begun(), 2, None),
    ("the kubelet's clock is behind", pod(phase="Pending", fetch=runs(-500)), begun(), 2, None),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "status", "now", "held"), [row[1:] for row in QUICK], ids=[row[0] for row in QUICK])
def test_quick_phases_are_written_together(seen: Obj, status: Obj, now: float, held: float | None) -> None:
    actions = look(seen, now, status)
    assert (actions.status is None) is (held is not None)
    if held is not None:
        assert (actions.again_at, actions.events) == (at(held), ())


# what the status tells, what is seen now, what else; whether it may wait
LOADING = downloading()
CRASHED = pod(phase="Pending", fetch=waiting("CrashLoopBackOff", last=ended(137, 1, 2), restarts=1))
CRASHED_AGAIN = pod(phase="Pending", fetch=waiting("CrashLoopBackOff", last=ended(137, 1, 2), restarts=2))
PULLS = pod(phase="Pending", fetch=FETCHED, upload=runs(4), script=waiting("ErrImagePull", "i/o timeout"))
PULLS_ELSE = pod(phase="Pending", fetch=FETCHED, upload=runs(4), script=waiting("ErrImagePull", "connection refused"))
NO_MAP = pod(phase="Pending", fetch=FETCHED, upload=runs(4), script=waiting("CreateContainerConfigError", "configmap absent"))  # fmt: skip
DROPPED = pod(phase="Pending", fetch=runs(1), rules=False)
OTHER_NODE = {**LOADING, "spec": {**LOADING["spec"], "nodeName": "n2"}}
MINOR: list[tuple[str, Obj, Obj, dict[str, Any], bool]] = [
    ("progress", LOADING, LOADING, {"progress": MOVED}, True),
    ("a container's restart", CRASHED, CRASHED_AGAIN, {}, True),
    ("other words for the same", PULLS, PULLS_ELSE, {}, True),
    ("the node's name", LOADING, OTHER_NODE, {}, True),
    ("the state", LOADING, running(), {}, False),
    ("the reason", PULLS, NO_MAP, {}, False),
    ("a phase", LOADING, PULLS, {}, False),
    ("a condition", LOADING, DROPPED, {}, False),
    ("the instance", running(), pod(fetch=FETCHED, upload=runs(4), script=runs(4), phase="Failed", deleting=200), {}, False),
]  # fmt: skip


def minor(before: Obj, seen: Obj, now: float, wrote: float | None, **more: Any) -> Actions:
    status = written(look(before, 30, begun(), progress=PROGRESS)).dump()
    return look(seen, now, status, written_at=None if wrote is None else at(wrote), **more)


@pytest.mark.parametrize(("before", "seen", "more", "waits"), [row[1:] for row in MINOR], ids=[row[0] for row in MINOR])
def test_what_is_no_news_is_written_every_ten_seconds_at_most(before: Obj, seen: Obj, more: Obj, waits: bool) -> None:
    soon = minor(before, seen, HELD_AT + 1, HELD_AT, **more)
    assert (soon.status is None) is waits
    if waits:
        assert (soon.again_at, soon.events) == (at(HELD_AT + 10), ())
    assert minor(before, seen, HELD_AT + 10, HELD_AT, **more).status is not None


@pytest.mark.parametrize("wrote", [None, 150, 10**6], ids=["not since the start", "set back", "set back a lot"])
def test_clock_that_is_set_back_holds_nothing_up(wrote: float | None) -> None:
    assert minor(LOADING, LOADING, HELD_AT, wrote, progress=MOVED).status is not None


def test_a_loss_is_told_at_once() -> None:
    """However short the download was."""
    census = job(status=begun(state="Downloading"))
    over = pod(phase="Failed", fetch=ended(64, 1, 29), status={"reason": "Evicted"})
    actions = decide(census, facts(census, over), at(30))
    assert (written(actions).reason, len(actions.delete)) == ("Evicted", 1)


def test_refusal_in_other_words_waits_too() -> None:
    census = job(timeouts={"pendingSeconds": 600})
    first = written(decide(census, facts(census, refusal=Refusal("Quota", "used 1 of 2")), at(90)))
    again = job(status=first.dump(), timeouts={"pendingSeconds": 600})
    other = facts(again, refusal=Refusal("Quota", "used 2 of 2"), written_at=at(HELD_AT))
    assert decide(again, other, at(101)).status is None
    assert decide(again, other, at(110)).status is not None
