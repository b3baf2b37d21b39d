"""The Events that tell of a change of the status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from processing_operator.api.conditions import ConditionType, get_condition
from processing_operator.api.reasons import Reason
from processing_operator.api.status import JobStatus, State
from processing_operator.domain import names
from processing_operator.domain.plan import JobEvent
from processing_operator.domain.problems import NOT_STARTING, UNSCHEDULABLE
from processing_operator.domain.wording import join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processing_operator.domain.containers import ContainerFacts
    from processing_operator.domain.observe import PodFacts

CREATED: Final = "Created"
STARTED: Final = "Started"
INPUTS_NOTICE: Final = "InputsNotice"
RESTARTED: Final = "Restarted"
ATTEMPT_LOST: Final = "AttemptLost"
RESTART_RULES_DROPPED: Final = "RestartRulesDropped"
OUTPUTS_NOTICE: Final = "OutputsNotice"
_PROBLEMS: Final = frozenset((*(reason.value for reason in Reason), UNSCHEDULABLE, NOT_STARTING))


def tell_changes(before: JobStatus, after: JobStatus, pod: PodFacts | None) -> tuple[JobEvent, ...]:
    """One Event for each thing that has happened."""
    return tuple(_tell(before, after, pod))


def _tell(before: JobStatus, after: JobStatus, pod: PodFacts | None) -> Iterator[JobEvent]:
    if after.attempts > before.attempts:
        yield _normal(CREATED, f"attempt {after.attempts}: created Pod {after.instances[0].pod}")
    if _newly(ConditionType.RESTART_RULES, before, after):
        condition = get_condition(after.conditions, ConditionType.RESTART_RULES)
        yield _warning(RESTART_RULES_DROPPED, "" if condition is None else condition.message)
    if pod is not None:
        yield from _tell_of_pod(before, after, pod)
    if after.attempt_history[-1:] != before.attempt_history[-1:]:
        yield _warning(ATTEMPT_LOST, after.attempt_history[-1].message or "")
    yield from _tell_of_state(before, after)


def _tell_of_pod(before: JobStatus, after: JobStatus, pod: PodFacts) -> Iterator[JobEvent]:
    if after.inputs and not before.inputs and (notice := _notice(pod.fetch)):
        yield _warning(INPUTS_NOTICE, f"container {names.FETCH}: {notice}")
    if State.RUNNING in _phases(after) and State.RUNNING not in _phases(before):
        yield _normal(STARTED, f"attempt {pod.attempt}: container {names.SCRIPT} has started on node {pod.node}")
    if after.outputs and not before.outputs and (notice := _notice(pod.upload)):
        yield _warning(OUTPUTS_NOTICE, f"container {names.UPLOAD}: {notice}")
    restarted = f"container {names.UPLOAD} was restarted"
    if restarted in (after.message or "") and restarted not in (before.message or ""):
        yield _warning(RESTARTED, after.message or "")


def _notice(container: ContainerFacts) -> str:
    """What a container that has done its work has noticed: siblings by name, links that were not followed."""
    result = container.result
    return "" if result is None or result.reason else join(result.message, *result.errors)


def _tell_of_state(before: JobStatus, after: JobStatus) -> Iterator[JobEvent]:
    """The end, a stop that was asked for, or what the job waits for."""
    message = after.message or ""
    if after.state is not None and after.state.terminal:
        reason = after.failure_reason or after.state.value
        kind: Literal["Normal", "Warning"] = "Warning" if after.state is State.FAILED else "Normal"
        yield JobEvent(kind, reason, message)
        return
    if _newly(ConditionType.STOP_REQUESTED, before, after):
        yield _normal(Reason.STOP_REQUESTED, message)
    problem = _reconciling(after)
    if problem in _PROBLEMS and problem != _reconciling(before):
        yield _warning(problem, message)


def _reconciling(status: JobStatus) -> str:
    condition = get_condition(status.conditions, ConditionType.RECONCILING)
    return "" if condition is None else condition.reason


def _newly(kind: str, before: JobStatus, after: JobStatus) -> bool:
    return get_condition(after.conditions, kind) is not None and get_condition(before.conditions, kind) is None


def _phases(status: JobStatus) -> frozenset[State]:
    return frozenset(phase.name for phase in status.phases)


def _normal(reason: str, message: str) -> JobEvent:
    return JobEvent("Normal", reason, message)


def _warning(reason: str, message: str) -> JobEvent:
    return JobEvent("Warning", reason, message)
