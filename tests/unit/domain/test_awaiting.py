"""Inputs that are other jobs' outputs."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

from typing import Any

import pytest

from processing_operator.api.v1alpha1 import ProcessingJob
from processing_operator.domain.actions import Actions
from processing_operator.domain.decide import decide
from tests.unit.domain.builders import Obj, at, condition, facts, job, pod, written

ENDPOINT = {"endpoint": "http://s3.dev:8333"}
INPUT = {"name": "data", "path": "/opt/ml/processing/data", "from": {"job": "first", "output": "out"}}
OUT = {"name": "out", "path": "/opt/ml/processing/out", "s3": {"uri": "s3://data/out"}}


def first(*conditions: Obj, output: Obj | None = None, **spec: Any) -> ProcessingJob:
    status = {"conditions": list(conditions), "message": "exit code 1"}
    return job("first", status=status, outputs=[output or OUT], **{"s3": ENDPOINT, **spec})


def look(other: ProcessingJob | None, now: float = 10, *, status: Obj | None = None, **spec: Any) -> Actions:
    second = job("second", inputs=[INPUT], s3=ENDPOINT, timeouts={"pendingSeconds": 60}, status=status, **spec)
    return decide(second, facts(second, awaited={"first": other}), at(now))


WAITS: list[tuple[str, ProcessingJob | None]] = [
    ("not there", None),
    ("new", first()),
    ("goes on", first(condition("Reconciling", reason="Running"))),
]


@pytest.mark.parametrize("other", [row[1] for row in WAITS], ids=[row[0] for row in WAITS])
def test_waits(other: ProcessingJob | None) -> None:
    """Until its time is over, from the first look on."""
    actions = look(other)
    status = written(actions)
    assert (actions.create, status.state, status.reason, status.pending_since) == (
        None,
        "Waiting",
        "InputJobPending",
        at(10),
    )
    assert "first" in (status.message or "")
    assert actions.again_at == at(70)
    assert look(other, now=69, status=status.dump()).status is None
    late = written(look(other, now=70, status=status.dump()))
    assert (late.state, late.reason) == ("Failed", "PendingTimeout")
    assert "first" in (late.message or "")


HOPELESS: list[tuple[str, ProcessingJob, list[str]]] = [
    ("failed", first(condition("Failed")), ["first", "failed", "exit code 1"]),
    ("stopped", first(condition("Stopped")), ["stopped"]),
    ("no such output", first(output={**OUT, "name": "other"}), ["no output named out", "other"]),
    ("no outputs", job("first", s3=ENDPOINT), ["it has: none"]),
    ("failed without a word", job("first", s3=ENDPOINT, outputs=[OUT], status={"conditions": [condition("Failed")], "reason": "Evicted"}), ["failed: Evicted"]),
    ("failed without anything", job("first", s3=ENDPOINT, outputs=[OUT], status={"conditions": [condition("Failed")]}), ["failed"]),
    ("another store", first(s3={"endpoint": "http://elsewhere"}), ["http://elsewhere", "http://s3.dev:8333"]),
    ("AWS", first(s3={}), ["AWS"]),
    ("on failure only", first(output={**OUT, "uploadOn": "OnFailure"}), ["only when it fails"]),
]  # fmt: skip


@pytest.mark.parametrize(("other", "words"), [row[1:] for row in HOPELESS], ids=[row[0] for row in HOPELESS])
def test_fails_at_once(other: ProcessingJob, words: list[str]) -> None:
    actions = look(other)
    assert actions.create is None
    assert actions.status is not None
    assert (actions.status.state, actions.status.reason) == ("Failed", "InputJobFailed")
    assert [word for word in words if word not in (actions.status.message or "")] == []


ADDRESSES: list[tuple[str, Obj, str]] = [
    ("prefix", {"s3": {"uri": "s3://data/out"}}, "s3://data/out/"),
    ("prefix with slash", {"s3": {"uri": "s3://data/out/"}}, "s3://data/out/"),
    ("archive", {"archive": {"format": "TarGz", "name": "m.tar.gz"}}, "s3://data/out/m.tar.gz"),
]


@pytest.mark.parametrize(("output", "uri"), [row[1:] for row in ADDRESSES], ids=[row[0] for row in ADDRESSES])
def test_goes_on_when_it_has_completed(output: Obj, uri: str) -> None:
    actions = look(first(condition("Complete"), output=OUT | output, s3={"endpoint": "http://s3.dev:8333/"}))
    assert actions.create is not None
    assert f'"s3":{{"uri":"{uri}"}}' in actions.create["metadata"]["annotations"]["processing-operator.dev/plan"]


def test_job_whose_attempt_has_begun_waits_for_nobody() -> None:
    second = job(inputs=[INPUT], s3=ENDPOINT)
    actions = decide(second, facts(second, pod(gated=True), created={"pod-1"}, awaited={"first": None}), at(20))
    assert actions.claim is not None


def test_end_of_the_other_is_told_by_its_conditions_alone() -> None:
    """The state is for people; a newer operator may have other words."""
    other = job(
        "first", status={"state": "Completed", "conditions": [condition("Reconciling")]}, outputs=[OUT], s3=ENDPOINT
    )
    assert written(look(other)).state == "Waiting"
