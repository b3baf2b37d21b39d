"""The job's conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from processing_operator.api.conditions import (
    TERMINAL,
    Condition,
    ConditionType,
    drop_condition,
    get_condition,
    is_true,
    set_condition,
)
from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain.pods.build import spec_digest
from processing_operator.domain.wording import is_stop_requested

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.actions import Decision
    from processing_operator.domain.facts import PodFacts, Verdict
    from processing_operator.domain.wording import Headline

Conditions = tuple[Condition, ...]

_TERMINAL: Final = {
    State.COMPLETED: ConditionType.COMPLETE,
    State.FAILED: ConditionType.FAILED,
    State.STOPPED: ConditionType.STOPPED,
}
_STOP_REQUESTED: Final = (Reason.STOP_REQUESTED, "spec.stop was set")
_RULES_DROPPED: Final = (
    "Dropped",
    (
        "the API server has dropped the containers' restart rules (it is older than Kubernetes 1.35): "
        "if fetch or upload crash, the attempt is over"
    ),
)
_SPEC_CHANGED: Final = (
    "AfterStart",
    "the spec was changed after the start: the attempt goes on with what it was started with",
)


def is_finished(job: ProcessingJob) -> bool:
    """The job has ended for good. The one definition of it."""
    return any(is_true(job.status.conditions, kind) for kind in TERMINAL)


def waits_since(job: ProcessingJob, reason: str) -> datetime | None:
    """Since when the job waits for that reason, by the operator's clock; None if it does not."""
    condition = get_condition(job.status.conditions, ConditionType.RECONCILING)
    return condition.last_transition_time if condition is not None and condition.reason == reason else None


def ongoing_conditions(job: ProcessingJob, now: datetime, head: Headline, pod: PodFacts | None) -> Conditions:
    """Reconciling, of kstatus, is made anew when its reason changes: its time says since when that is so."""
    conditions = drop_condition(_lasting(job, now, pod), ConditionType.STALLED)
    reason = head.reason or head.state.value
    if waits_since(job, reason) is None:
        conditions = drop_condition(conditions, ConditionType.RECONCILING)
    return _put(job, now, conditions, ConditionType.RECONCILING, (reason, head.message))


def ended_conditions(job: ProcessingJob, now: datetime, end: Verdict, pod: PodFacts | None) -> Conditions:
    """One of Complete, Failed and Stopped. Stalled goes with Failed: the user has to do something."""
    conditions = drop_condition(_lasting(job, now, pod), ConditionType.RECONCILING)
    conditions = drop_condition(conditions, ConditionType.STALLED)
    kinds = [_TERMINAL[end.state], *([ConditionType.STALLED] if end.state is State.FAILED else [])]
    for kind in kinds:
        conditions = _put(job, now, conditions, kind, (end.reason or end.state.value, end.message))
    return conditions


def _lasting(job: ProcessingJob, now: datetime, pod: PodFacts | None) -> Conditions:
    """The conditions that stay once they are there."""
    conditions = job.status.conditions
    if is_stop_requested(job) and not is_true(conditions, ConditionType.STOP_REQUESTED):
        conditions = _put(job, now, conditions, ConditionType.STOP_REQUESTED, _STOP_REQUESTED)
    if pod is not None and not pod.restart_rules:
        conditions = _put(job, now, conditions, ConditionType.RESTART_RULES, _RULES_DROPPED, status=False)
    if pod is not None and _is_spec_changed(job, pod):
        conditions = _put(job, now, conditions, ConditionType.SPEC_CHANGED, _SPEC_CHANGED)
    return conditions


def _is_spec_changed(job: ProcessingJob, pod: PodFacts) -> bool:
    """The first generation is what the Pod was made from; a later one may only ask for a stop."""
    return job.metadata.generation > 1 and pod.spec_digest not in ("", spec_digest(job))


def target_conditions(job: ProcessingJob, now: datetime, decision: Decision, conditions: Conditions) -> Conditions:
    """With FailureTarget, once the end is decided; without it, if the script has started all the same."""
    kind, target = ConditionType.FAILURE_TARGET, decision.target
    if decision.withdraw:
        return drop_condition(conditions, kind)
    if target is not None:
        return _put(job, now, conditions, kind, (target.reason, target.message))
    return conditions


def _put(
    job: ProcessingJob, now: datetime, conditions: Conditions, kind: str, why: tuple[str, str], *, status: bool = True
) -> Conditions:
    (reason, message), generation = why, job.metadata.generation
    return set_condition(
        conditions, kind, status, now=now, reason=reason, message=message, observed_generation=generation
    )
