"""Validation in the API server's words; that they are so is tried by tests/schema."""

from __future__ import annotations

from typing import Any

import pytest

from processing_operator.api.validation import InvalidJobError, Problem, parse, problems

GOOD: dict[str, Any] = {
    "apiVersion": "processing-operator.dev/v1alpha1",
    "kind": "ProcessingJob",
    "metadata": {"name": "a"},
    "spec": {"image": "busybox", "command": ["true"]},
}


def test_a_good_one() -> None:
    assert problems(GOOD) == ()
    assert parse(GOOD).metadata.name == "a"


def test_all_problems_of_the_fields_are_named_at_once() -> None:
    bad = GOOD | {"spec": {"image": "a b", "comand": ["x"]}}
    assert problems(bad) == (
        Problem("spec.image", 'Invalid value: "a b": must not hold blanks'),
        Problem("spec.command", "Required value"),
        Problem("spec.comand", "unknown field"),
    )


def test_the_error_reads_like_kubectl() -> None:
    with pytest.raises(InvalidJobError) as error:
        parse(GOOD | {"kind": "Job", "metadata": {"name": "a.b"}})
    assert str(error.value) == 'kind: Unsupported value: "Job": supported values: "ProcessingJob"'
    assert error.value.problems == (Problem("kind", 'Unsupported value: "Job": supported values: "ProcessingJob"'),)


@pytest.mark.parametrize("manifest", [{}, {"spec": []}, {"kind": None, "metadata": "x"}])
def test_no_job_at_all(manifest: dict[str, Any]) -> None:
    assert {"apiVersion", "kind", "metadata", "spec"} >= {problem.field for problem in problems(manifest)} != set()
