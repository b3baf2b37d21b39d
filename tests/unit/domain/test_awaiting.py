"""Inputs that are other jobs' outputs."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

from typing import Any

import pytest

from processing_operator.api.v1alpha1 import ProcessingJob
from processing_operator.domain.decide import decide
from processing_operator.domain.plan import Plan
from tests.unit.domain.builders import Obj, at, condition, facts, job, pod

ENDPOINT = {"endpoint": "http://s3.dev:8333"}
INPUT = {"name": "data", "path": "/opt/ml/processing/data", "from": {"job": "first", "output": "out"}}
OUT = {"name": "out", "path": "/opt/ml/processing/out", "s3": {"uri": "s3://data/out"}}


def first(*conditions: Obj, output: Obj | None = None, **spec: Any) -> ProcessingJob:
    status = {"conditions": list(conditions), "message": "exit code 1"}
    return job("first", status=status, outputs=[output or OUT], **{"s3": ENDPOINT, **spec})


def look(other: ProcessingJob | None, now: float = 10, **spec: Any) -> Plan:
    second = job("second", inputs=[INPUT], s3=ENDPOINT, pendingTimeoutSeconds=60, **spec)
    return decide(second, facts(second, awaited={"first": other}), at(now))


WAITS: list[tuple[str, ProcessingJob | None]] = [
    ("not there", None),
    ("new", first()),
    ("goes on", first(condition("Reconciling", reason="Running"))),
]


@pytest.mark.parametrize("other", [row[1] for row in WAITS], ids=[row[0] for row in WAITS])
def test_waits(other: ProcessingJob | None) -> None:
    plan = look(other)
    assert plan.create is None
    assert plan.status is not None
    assert plan.status.state == "Waiting"
    assert "first" in (plan.status.message or "")
    assert plan.requeue_at == at(60)
    late = look(other, now=60)
    assert late.status is not None
    assert (late.status.state, late.status.failure_reason) == ("Failed", "PendingTimeout")
    assert "first" in (late.status.message or "")


HOPELESS: list[tuple[str, ProcessingJob, list[str]]] = [
    ("failed", first(condition("Failed")), ["first", "failed", "exit code 1"]),
    ("stopped", first(condition("Stopped")), ["stopped"]),
    ("no such output", first(output={**OUT, "name": "other"}), ["no output named out", "other"]),
    ("another store", first(s3={"endpoint": "http://elsewhere"}), ["http://elsewhere", "http://s3.dev:8333"]),
    ("AWS", first(s3={}), ["AWS"]),
    ("on failure only", first(output={**OUT, "s3": {"uri": "s3://data/out", "uploadOn": "OnFailure"}}), ["only when it fails"]),
]  # fmt: skip


@pytest.mark.parametrize(("other", "words"), [row[1:] for row in HOPELESS], ids=[row[0] for row in HOPELESS])
def test_fails_at_once(other: ProcessingJob, words: list[str]) -> None:
    plan = look(other)
    assert plan.create is None
    assert plan.status is not None
    assert (plan.status.state, plan.status.failure_reason) == ("Failed", "InputJobFailed")
    assert [word for word in words if word not in (plan.status.message or "")] == []


ADDRESSES: list[tuple[str, Obj, str]] = [
    ("prefix", {"uri": "s3://data/out"}, "s3://data/out/"),
    ("prefix with slash", {"uri": "s3://data/out/"}, "s3://data/out/"),
    ("archive", {"uri": "s3://data/out", "archive": {"format": "TarGz", "name": "m.tar.gz"}}, "s3://data/out/m.tar.gz"),
]


@pytest.mark.parametrize(("s3", "uri"), [row[1:] for row in ADDRESSES], ids=[row[0] for row in ADDRESSES])
def test_goes_on_when_it_has_completed(s3: Obj, uri: str) -> None:
    plan = look(first(condition("Complete"), output={**OUT, "s3": s3}, s3={"endpoint": "http://s3.dev:8333/"}))
    assert plan.create is not None
    assert f'"s3":{{"uri":"{uri}"}}' in plan.create["metadata"]["annotations"]["processing-operator.dev/plan"]


def test_waiting_job_does_not_write_again() -> None:
    first_look = look(None)
    assert first_look.status is not None
    second = job("second", inputs=[INPUT], s3=ENDPOINT, pendingTimeoutSeconds=60, status=first_look.status.dump())
    assert decide(second, facts(second, awaited={"first": None}), at(20)).status is None


def test_job_whose_attempt_has_begun_waits_for_nobody() -> None:
    second = job(inputs=[INPUT], s3=ENDPOINT)
    plan = decide(second, facts(second, pod(gated=True), awaited={"first": None}), at(20))
    assert plan.claim is not None
