"""Condition types of a job, and pure helpers over a tuple of conditions. The clock is the caller's."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from processing_operator.api.model import ANY_WORD, FIRST_FIT, SeenModel, Text, Time, Word


class ConditionType(StrEnum):
    """What a condition is about."""

    COMPLETE = "Complete"
    FAILED = "Failed"
    STOPPED = "Stopped"
    STOP_REQUESTED = "StopRequested"
    """Latched: once True it stays."""
    FAILURE_TARGET = "FailureTarget"
    """The end is decided and waits for its Pod to go. Taken away if the script starts all the same."""
    SPEC_CHANGED = "SpecChanged"
    """True: the spec was changed after the start; the change is ignored."""
    RESTART_RULES = "RestartRules"
    """False: the API server dropped the containers' restart rules (it is older than Kubernetes 1.35)."""
    RECONCILING = "Reconciling"
    """Of kstatus: present only while True."""
    STALLED = "Stalled"
    """Of kstatus: present only while True."""


TERMINAL = (ConditionType.COMPLETE, ConditionType.FAILED, ConditionType.STOPPED)
"""True once and for good; one of them at most."""


class ConditionStatus(StrEnum):
    """Kubernetes' three answers."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(SeenModel):
    """One aspect of the job's state, as in metav1.Condition."""

    type: Annotated[str, Field(max_length=63)]
    """Complete, Failed, Stopped, StopRequested, FailureTarget, SpecChanged, RestartRules, Reconciling or Stalled."""
    status: Annotated[ConditionStatus | Word, FIRST_FIT, ANY_WORD]
    """True, False or Unknown."""
    reason: Word = ""
    """Why, in one word."""
    message: Text = ""
    """Why, for people."""
    last_transition_time: Time | None = None
    """When `status` last changed."""
    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The generation of the job that this was judged by."""


def get_condition(conditions: Sequence[Condition], kind: str) -> Condition | None:
    """The condition of that type, or None."""
    return next((condition for condition in conditions if condition.type == kind), None)


def is_true(conditions: Sequence[Condition], kind: str) -> bool:
    """Whether the condition of that type is there and True."""
    condition = get_condition(conditions, kind)
    return condition is not None and condition.status is ConditionStatus.TRUE


def set_condition(
    conditions: Sequence[Condition],
    kind: str,
    status: bool | ConditionStatus,
    *,
    now: datetime,
    reason: str = "",
    message: str = "",
    observed_generation: int | None = None,
) -> tuple[Condition, ...]:
    """The conditions with this one put in its place (or at the end). `now` counts only if its status changes."""
    old = get_condition(conditions, kind)
    answer = ConditionStatus(str(status)) if isinstance(status, bool) else status
    kept = old is not None and old.status is answer and old.last_transition_time is not None
    new = Condition(
        type=kind,
        status=answer,
        reason=reason,
        message=message,
        last_transition_time=old.last_transition_time if old is not None and kept else now,
        observed_generation=observed_generation,
    )
    if old is None:
        return (*conditions, new)
    return tuple(new if condition.type == kind else condition for condition in conditions)


def drop_condition(conditions: Sequence[Condition], kind: str) -> tuple[Condition, ...]:
    """The conditions without that type."""
    return tuple(condition for condition in conditions if condition.type != kind)
