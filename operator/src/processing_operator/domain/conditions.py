"""The job's conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from processing_operator.api.conditions import (
    Condition,
    ConditionType,
    drop_condition,
    get_condition,
    is_true,
    set_condition,
)
from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain.stopping import is_stop_requested
from processing_operator.domain.wording import clip

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.headline import Headline
    from processing_operator.domain.observe import PodFacts
    from processing_operator.domain.outcome import Outcome

Conditions = tuple[Condition, ...]

_TERMINAL: Final = {
    State.COMPLETED: ConditionType.COMPLETE,
    State.FAILED: ConditionType.FAILED,
    State.STOPPED: ConditionType.STOPPED,
}
_RULES_DROPPED: Final = (
    "the API server has dropped the containers' restart rules (it is older than Kubernetes 1.35): "
    "if fetch or upload crash, the attempt is over"
)
_REASON_LENGTH: Final = 253


def ongoing_conditions(job: ProcessingJob, now: datetime, head: Headline, pod: PodFacts | None) -> Conditions:
    """Reconciling, of kstatus, is made anew when its reason changes: its time says since when that is so."""
    conditions = drop_condition(_lasting(job, now, pod), ConditionType.STALLED)
    reason = head.reason or head.state.value
    old = get_condition(conditions, ConditionType.RECONCILING)
    if old is not None and old.reason != reason:
        conditions = drop_condition(conditions, ConditionType.RECONCILING)
    return _set(job, conditions, ConditionType.RECONCILING, now, reason=reason)


def reconciling_since(job: ProcessingJob, reason: str) -> datetime | None:
    """Since when the job waits for that reason; None if it does not."""
    condition = get_condition(job.status.conditions, ConditionType.RECONCILING)
    return condition.last_transition_time if condition is not None and condition.reason == reason else None


def ended_conditions(job: ProcessingJob, now: datetime, outcome: Outcome, pod: PodFacts | None) -> Conditions:
    """One of Complete, Failed and Stopped. Stalled goes with Failed: the user has to do something."""
    conditions = drop_condition(_lasting(job, now, pod), ConditionType.RECONCILING)
    conditions = drop_condition(conditions, ConditionType.STALLED)
    reason = outcome.reason or outcome.state.value
    kinds = [_TERMINAL[outcome.state]]
    if outcome.state is State.FAILED:
        kinds.append(ConditionType.STALLED)
    for kind in kinds:
        conditions = _set(job, conditions, kind, now, reason=reason, message=outcome.message)
    return conditions


def is_finished(job: ProcessingJob) -> bool:
    """The job has ended for good."""
    return any(is_true(job.status.conditions, kind) for kind in _TERMINAL.values())


def _lasting(job: ProcessingJob, now: datetime, pod: PodFacts | None) -> Conditions:
    """The conditions that stay once they are there."""
    conditions = job.status.conditions
    if is_stop_requested(job) and not is_true(conditions, ConditionType.STOP_REQUESTED):
        message = "spec.stop was set"
        conditions = _set(
            job, conditions, ConditionType.STOP_REQUESTED, now, reason=Reason.STOP_REQUESTED, message=message
        )
    if pod is not None and not pod.restart_rules:
        kind = ConditionType.RESTART_RULES
        conditions = _set(job, conditions, kind, now, reason="Dropped", message=_RULES_DROPPED, status=False)
    return conditions


def _set(
    job: ProcessingJob,
    conditions: Conditions,
    kind: str,
    now: datetime,
    *,
    reason: str,
    message: str = "",
    status: bool = True,
) -> Conditions:
    return set_condition(
        conditions,
        kind,
        status,
        now=now,
        reason=clip(reason, _REASON_LENGTH),
        message=clip(message),
        observed_generation=job.metadata.generation,
    )
