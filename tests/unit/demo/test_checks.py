"""The demo's verdict: counts exactly, metrics within their tolerance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dev.demo import expected
from dev.demo.checks import Check, checks
from dev.demo.results import Results, metrics


def evaluation(**changes: Any) -> dict[str, Any]:
    figures = expected.REFERENCE
    report = {
        label: {
            "precision": figures[f"precision, {people}"],
            "recall": figures[f"recall, {people}"],
            "f1-score": figures[f"F1, {people}"],
            "support": support,
        }
        for label, people, support in (("0", "<= 50000", 11_367), ("1", "> 50000", 2_290))
    }
    return {**report, "accuracy": figures["accuracy"], "roc_auc": figures["ROC AUC"], **changes}


def results(**changes: Any) -> Results:
    return replace(Results(expected.ROWS, dict(expected.SPLITS), evaluation()), **changes)


def wrong(found: Results) -> list[str]:
    return [check.what for check in checks(found) if not check.holds]


def test_the_reference_passes_every_check() -> None:
    assert wrong(results()) == []
    assert len(checks(results())) == 23


def test_metrics_are_named_for_people_and_have_all_the_published_ones() -> None:
    assert metrics(evaluation()) == expected.REFERENCE
    assert metrics(evaluation()).keys() == expected.PUBLISHED.keys()


def test_the_halves_add_up() -> None:
    for job in ("preprocess", "own-image"):
        train, test = expected.SPLITS[f"{job}/train"], expected.SPLITS[f"{job}/test"]
        assert (train.negative + test.negative, train.positive + test.positive) == (56_884, 11_401)
        assert train.rows + test.rows == 68_285


@pytest.mark.parametrize(
    ("changes", "failing"),
    [
        ({"rows": 199_522}, ["census-income.csv rows"]),
        ({"evaluation": evaluation(accuracy=0.7533 + 0.0009)}, []),
        ({"evaluation": evaluation(accuracy=0.7533 + 0.0011)}, ["accuracy beside the reference"]),
        ({"evaluation": evaluation(roc_auc=0.74)}, ["ROC AUC beside AWS's", "ROC AUC beside the reference"]),
    ],
)
def test_what_is_off_is_named(changes: dict[str, Any], failing: list[str]) -> None:
    assert wrong(results(**changes)) == failing


@pytest.mark.parametrize("name", expected.SPLITS)
@pytest.mark.parametrize("field", ["rows", "columns", "negative", "positive"])
def test_one_row_more_fails(name: str, field: str) -> None:
    split = expected.SPLITS[name]
    more = replace(split, **{field: getattr(split, field) + 1})
    assert wrong(results(splits={**expected.SPLITS, name: more})) == [f"{name} {field}"]


def test_text_of_a_check() -> None:
    assert str(Check("rows", 10, 9)) == "rows: 9, should be 10"
    assert str(Check("accuracy", 0.75, 0.5, 0.01)) == "accuracy: 0.5, should be 0.75 within 0.01"
