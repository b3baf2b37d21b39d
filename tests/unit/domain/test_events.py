"""Events: one for each thing that has happened, told once, in the words of the status."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

import pytest

from processing_operator.domain.actions import Actions
from processing_operator.domain.decide import decide
from tests.unit.domain.builders import (
    FETCHED,
    Obj,
    at,
    begun,
    completed,
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
    text,
    uploading,
    waiting,
    written,
)

SPEC: Obj = {
    "inputs": [{"name": name, "path": f"/opt/ml/processing/{name}", "inline": {"a": ""}} for name in ("a", "b")],
    "outputs": [
        {"name": name, "path": f"/opt/ml/processing/{name}", "s3": {"uri": f"s3://data/{name}"}} for name in ("c", "d")
    ],
}


def look(seen: Obj, status: Obj, *, stop: bool = False, generation: int = 1) -> Actions:
    census = job(status=status, stop=stop, meta={"generation": generation}, **SPEC)
    return decide(census, facts(census, seen), at(30))


EVENTS: list[tuple[str, Obj, Obj, list[str]]] = [
    ("downloading", downloading(), begun(), []),
    ("running", running(), begun(state="Downloading"), []),
    ("uploading", uploading(), begun(state="Running", phases=[{"name": "Running", "startTime": text(4)}]), []),
    ("completed", completed(), begun(state="Uploading", phases=[{"name": "Running", "startTime": text(4)}]), ["Completed"]),
    ("all at once", completed(), begun(), ["Completed"]),
    ("failed", failed(1), begun(), ["ScriptFailed"]),
    ("siblings", pod(fetch=ended(0, 1, 3, message=result(items=[[1, 1, 1, "C"]] * 2, errors=["warning: in-2.csv was taken, too"])), upload=runs(4), script=runs(4)), begun(), ["InputsNotice"]),
    ("links", pod(fetch=FETCHED, upload=ended(0, 4, 9, message=result(items=[[1, 1, 1, "C"]] * 2, errors=["warning: a link"], exit={"code": 0, "reason": "Exited"})), script=ended(0, 4, 7)), begun(), ["OutputsNotice", "Completed"]),
    ("upload restarted", pod(fetch=FETCHED, upload=runs(8, last=ended(1), restarts=1), script=ended(0, 4, 7)), begun(state="Running"), ["Restarted"]),
    ("upload restarted again", pod(fetch=FETCHED, upload=runs(8, last=ended(1), restarts=2), script=ended(0, 4, 7)), begun(state="Running", restarts={"upload": 1}), []),
    ("no input, and words about it", pod(phase="Failed", fetch=ended(64, 1, 3, message=result("InputNotFound", items=[[0, 0, 0, "F"]] * 2, errors=["b/x: 404"]))), begun(), ["InputNotFound"]),
    ("fetch restarted", pod(phase="Pending", fetch=runs(8, last=ended(1), restarts=1)), begun(), []),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "before", "reasons"), [row[1:] for row in EVENTS], ids=[row[0] for row in EVENTS])
def test_events(seen: Obj, before: Obj, reasons: list[str]) -> None:
    assert [event.reason for event in look(seen, before).events] == reasons


SIBLINGS = result(items=[[1, 1, 1, "C"]] * 2, errors=["warning: in-2.csv was taken, too"])
LINKS = result(items=[[1, 1, 1, "C"]] * 2, errors=["warning: a link"])
NOTED = ended(0, 1, 3, message=SIBLINGS)
IMAGE = pod(phase="Pending", fetch=FETCHED, upload=runs(4), script=waiting("ErrImagePull", "i/o timeout"))
IMAGE_ELSE = pod(phase="Pending", fetch=FETCHED, upload=runs(4), script=waiting("ErrImagePull", "connection refused"))
NO_MAP = pod(phase="Pending", fetch=FETCHED, upload=runs(4), script=waiting("CreateContainerConfigError", "configmap absent"))  # fmt: skip
# what is seen one after the other, and what is told of then
LIVES: list[tuple[str, list[tuple[Obj, list[str]]], Obj]] = [
    ("a notice", [(pod(fetch=NOTED, upload=runs(4), script=runs(4)), ["InputsNotice"]), (pod(fetch=NOTED, upload=runs(4), script=ended(0, 4, 7)), [])], {}),
    ("an upload's notice", [(pod(fetch=FETCHED, upload=ended(0, 4, 9, message=LINKS), script=runs(4)), ["OutputsNotice"]), (pod(fetch=FETCHED, upload=ended(0, 4, 9, message=LINKS), script=ended(1)), ["ScriptFailed"])], {}),
    ("a stop", [(running(), ["StopRequested"]), (uploading(), [])], {"stop": True}),
    ("a changed spec", [(running(), ["SpecChanged"]), (uploading(), [])], {"generation": 2}),
    ("an old API server", [(pod(phase="Pending", fetch=runs(1), rules=False), ["RestartRulesDropped"]), (pod(fetch=FETCHED, upload=runs(4), script=runs(4), rules=False), [])], {}),
    ("what it waits for", [(IMAGE, ["ImagePullFailed"]), (IMAGE_ELSE, []), (NO_MAP, ["ConfigMapNotFound"]), (running(), [])], {}),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "more"), [row[1:] for row in LIVES], ids=[row[0] for row in LIVES])
def test_each_thing_is_told_once(steps: list[tuple[Obj, list[str]]], more: Obj) -> None:
    status = begun()
    for seen, reasons in steps:
        actions = look(seen, status, **more)
        assert [event.reason for event in actions.events] == reasons
        status = written(actions).dump()


LOST = pod(phase="Failed", fetch=ended(137), status={"reason": "Evicted", "message": "disk pressure"})
# what has happened: a warning or not, and words that are told
TELLS: list[tuple[str, Obj, str, str, list[str]]] = [
    ("completed", completed(), "Normal", "Completed", ["the script ended with exit code 0"]),
    ("failed", failed(3), "Warning", "ScriptFailed", ["exit code 3", "Next: "]),
    ("stopped", failed(143, ended(0, 4, 9, message=record("StopRequested", 143))), "Normal", "StopRequested", ["asked to stop"]),
    ("waits", NO_MAP, "Warning", "ConfigMapNotFound", ["configmap absent"]),
    ("lost", LOST, "Warning", "AttemptLost", ["was evicted before container script started", "disk pressure"]),
    ("restarted", pod(fetch=FETCHED, upload=runs(8, last=ended(1), restarts=1), script=ended()), "Warning", "Restarted", ["container upload was restarted, 1 in all, after exit code 1"]),
    ("notice", pod(fetch=NOTED, upload=runs(4), script=runs(4)), "Warning", "InputsNotice", ["container fetch: warning: in-2.csv was taken, too"]),
    ("notice of upload", pod(fetch=FETCHED, upload=ended(0, 4, 9, message=LINKS), script=runs(4)), "Warning", "OutputsNotice", ["container upload: warning: a link"]),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "kind", "reason", "words"), [row[1:] for row in TELLS], ids=[row[0] for row in TELLS])
def test_what_is_told(seen: Obj, kind: str, reason: str, words: list[str]) -> None:
    (event,) = look(seen, begun()).events
    assert (event.type, event.reason) == (kind, reason)
    assert [word for word in words if word not in event.message] == []


def test_claimed_pod_is_named() -> None:
    census = job(**SPEC)
    (event,) = decide(census, facts(census, pod(gated=True), created={"pod-1"}), at(30)).events
    assert (event.type, event.reason, event.message) == (
        "Normal",
        "Created",
        "attempt 1: created Pod census-1a2b3c4d-1-0",
    )
