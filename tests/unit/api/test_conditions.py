"""Helpers over conditions: the transition's time moves only with the status."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from processing_operator.api.conditions import (
    Condition,
    ConditionStatus,
    ConditionType,
    drop_condition,
    get_condition,
    is_true,
    set_condition,
)

THEN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = THEN + timedelta(minutes=1)
OTHER = Condition(type="Other", status=ConditionStatus.TRUE, reason="Other", last_transition_time=THEN)
FAILED = Condition(
    type="Failed", status=ConditionStatus.FALSE, reason="Fine", last_transition_time=THEN, observed_generation=1
)


def test_a_new_one_goes_to_the_end() -> None:
    conditions = set_condition((OTHER,), ConditionType.FAILED, status=True, now=NOW, reason="ScriptFailed", message="3")
    assert conditions[0] is OTHER
    assert conditions[1] == Condition(
        type="Failed", status=ConditionStatus.TRUE, reason="ScriptFailed", message="3", last_transition_time=NOW
    )


@pytest.mark.parametrize(
    ("status", "time"),
    [(False, THEN), (True, NOW), (ConditionStatus.FALSE, THEN), (ConditionStatus.UNKNOWN, NOW)],
)
def test_the_time_moves_only_with_the_status(status: bool | ConditionStatus, time: datetime) -> None:
    conditions = set_condition(
        (FAILED, OTHER), "Failed", status=status, now=NOW, reason="New", message="new", observed_generation=2
    )
    assert conditions[1] is OTHER
    assert (conditions[0].reason, conditions[0].message, conditions[0].observed_generation) == ("New", "new", 2)
    assert conditions[0].last_transition_time == time


def test_one_without_a_time_gets_it() -> None:
    conditions = set_condition((Condition(type="A", status=ConditionStatus.TRUE),), "A", status=True, now=NOW)
    assert conditions[0].last_transition_time == NOW


def test_set_again_is_equal() -> None:
    once = set_condition((), "A", status=True, now=THEN, reason="R")
    assert set_condition(once, "A", status=True, now=NOW, reason="R") == once


def test_looking_them_up() -> None:
    assert get_condition((FAILED, OTHER), "Other") is OTHER
    assert get_condition((FAILED,), "Other") is None
    assert is_true((OTHER,), "Other")
    assert not is_true((FAILED,), "Failed")
    assert not is_true((), "Failed")


def test_dropping() -> None:
    assert drop_condition((FAILED, OTHER), "Failed") == (OTHER,)
    assert drop_condition((OTHER,), "Failed") == (OTHER,)


def test_a_long_message_is_cut() -> None:
    (condition,) = set_condition((), "A", status=True, now=NOW, message="m" * 5000)
    assert len(condition.message) == 2048
    assert condition.message.endswith("m…")
