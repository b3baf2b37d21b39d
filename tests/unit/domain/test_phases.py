"""Phases: when each of them began and ended, by the kubelet's times of the containers."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

import pytest

from processing_operator.api.status import JobStatus
from processing_operator.domain.decide import decide
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
    result,
    running,
    runs,
    uploading,
    written,
)

SPEC: Obj = {
    "inputs": [{"name": name, "path": f"/opt/ml/processing/{name}", "inline": {"a": ""}} for name in ("a", "b")]
}
LANDED = result(items=[[1, 2000, 620, "C"], [1, 0, 1, "C"]])


def look(seen: Obj, status: Obj | None = None) -> JobStatus:
    census = job(status=status or begun(state="Running"), **SPEC)
    return written(decide(census, facts(census, seen), at(30)))


PHASES: list[tuple[str, Obj, list[tuple[str, float, float | None]]]] = [
    ("created", created(), []),
    ("downloading", downloading(), [("Downloading", 1, None)]),
    ("running", running(), [("Downloading", 1, 3), ("Running", 4, None)]),
    ("uploading", uploading(), [("Downloading", 1, 3), ("Running", 4, 7), ("Uploading", 7, None)]),
    ("completed", completed(), [("Downloading", 1, 3), ("Running", 4, 7), ("Uploading", 7, 9)]),
    ("upload crashed just now", pod(fetch=FETCHED, upload=ended(1, 4, 9), script=ended(0, 4, 7)), [("Downloading", 1, 3), ("Running", 4, 7), ("Uploading", 7, None)]),
    ("upload was over before the script", pod(fetch=FETCHED, upload=ended(0, 4, 5), script=ended(0, 4, 7)), [("Downloading", 1, 3), ("Running", 4, 7), ("Uploading", 7, 7)]),
    ("fetch restarted", pod(phase="Pending", fetch=runs(9, last=ended(1, 1, 2), restarts=1)), [("Downloading", 1, None)]),
    ("fetch crashed just now", pod(phase="Pending", fetch=ended(137, 1, 2)), [("Downloading", 1, None)]),
    ("no Secret", pod(phase="Pending", fetch=ended(75, 1, 2)), []),
    ("no Secret until now", pod(phase="Pending", fetch=runs(9, last=ended(75, 1, 2), restarts=1)), [("Downloading", 9, None)]),
    ("no input", pod(phase="Failed", fetch=ended(64, 1, 3, message=result("InputNotFound"))), [("Downloading", 1, 3)]),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "expected"), [row[1:] for row in PHASES], ids=[row[0] for row in PHASES])
def test_phases(seen: Obj, expected: list[tuple[str, float, float | None]]) -> None:
    phases = look(seen).phases
    assert [(phase.name, phase.start_time, phase.end_time) for phase in phases] == [
        (name, at(start), None if end is None else at(end)) for name, start, end in expected
    ]


def test_phases_grow() -> None:
    first = look(downloading())
    last = look(completed(), first.dump())
    assert [(phase.start_time, phase.end_time) for phase in last.phases] == [
        (at(1), at(3)),
        (at(4), at(7)),
        (at(7), at(9)),
    ]


def test_phases_and_counts_stay_when_the_sandbox_is_made_anew() -> None:
    before = look(pod(fetch=ended(0, 1, 3, message=LANDED), upload=runs(4), script=ended(0, 4, 7)))
    again = ended(0, 20, 21, message=result(items=[[0, 0, 0, "C"]] * 2), last=ended(0, 1, 3), restarts=1)
    seen = pod(fetch=again, upload=runs(22, last=ended(137, 4, 20), restarts=1), script=ended(0, 4, 7))
    after = look(seen, before.dump())
    assert after.phases == before.phases
    assert (after.inputs, len(before.inputs)) == (before.inputs, 2)
