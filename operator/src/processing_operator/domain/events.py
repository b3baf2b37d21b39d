"""The Events that tell of a change of the status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from processing_operator.api.conditions import ConditionType, get_condition
from processing_operator.api.protocol import FETCH, UPLOAD
from processing_operator.api.reasons import Reason
from processing_operator.api.status import Restarts, State
from processing_operator.domain.actions import JobEvent
from processing_operator.domain.pods.resources import workspace_bytes
from processing_operator.domain.wording import join, with_next_step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processing_operator.api.status import JobStatus
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.container import ContainerFacts
    from processing_operator.domain.facts import PodFacts

CREATED: Final = "Created"
INPUTS_NOTICE: Final = "InputsNotice"
RESTARTED: Final = "Restarted"
ATTEMPT_LOST: Final = "AttemptLost"
RESTART_RULES_DROPPED: Final = "RestartRulesDropped"
OUTPUTS_NOTICE: Final = "OutputsNotice"
WORKSPACE_LIMITED: Final = "WorkspaceLimited"
_LATCHED: Final = {
    ConditionType.RESTART_RULES: RESTART_RULES_DROPPED,
    ConditionType.SPEC_CHANGED: ConditionType.SPEC_CHANGED.value,
}


def tell_changes(job: ProcessingJob, after: JobStatus, pod: PodFacts | None) -> Iterator[JobEvent]:
    """One Event for each thing that has happened."""
    before = job.status
    if after.attempts > before.attempts:
        yield JobEvent("Normal", CREATED, f"attempt {after.attempts}: created Pod {after.instances[0].pod}")
        if pod is not None and pod.storage_bound is not None and pod.storage_bound < workspace_bytes(job):
            yield JobEvent("Warning", WORKSPACE_LIMITED, _limited(job, pod.storage_bound))
    for kind, reason in _LATCHED.items():
        condition = get_condition(after.conditions, kind)
        if condition is not None and get_condition(before.conditions, kind) is None:
            yield JobEvent("Warning", reason, condition.message)
    if pod is not None:
        yield from _tell_of_pod(before, after, pod)
    if after.attempt_history[-1:] != before.attempt_history[-1:]:
        yield JobEvent("Warning", ATTEMPT_LOST, after.attempt_history[-1].message or "")
    yield from _tell_of_state(before, after)


def _limited(job: ProcessingJob, bound: int) -> str:
    return (
        f"the Pod may fill {bound} bytes of the node's disk, less than spec.workspace.size, {job.spec.workspace.size}: "
        "its containers' limits for ephemeral-storage, of spec.resources or of a LimitRange of the namespace, added "
        "up. The script is stopped before that, and its outputs are uploaded"
    )


def _tell_of_pod(before: JobStatus, after: JobStatus, pod: PodFacts) -> Iterator[JobEvent]:
    if after.inputs and not before.inputs and (notice := _notice(pod.fetch)):
        yield JobEvent("Warning", INPUTS_NOTICE, f"container {FETCH}: {notice}")
    if after.outputs and not before.outputs and (notice := _notice(pod.upload)):
        yield JobEvent("Warning", OUTPUTS_NOTICE, f"container {UPLOAD}: {notice}")
    if _kills(after) > _kills(before):
        yield JobEvent("Warning", Reason.OUT_OF_MEMORY, with_next_step(after.message or "", Reason.OUT_OF_MEMORY))
    none = Restarts()
    if (after.restarts or none).upload > 0 == (before.restarts or none).upload:
        yield JobEvent("Warning", RESTARTED, after.message or "")


def _kills(status: JobStatus) -> int:
    return 0 if status.progress is None else status.progress.oom_kills or 0


def _notice(container: ContainerFacts) -> str:
    """What a container that has done its work has noticed: siblings by name, links that were not followed."""
    result = container.result
    return "" if result is None or result.reason else join(result.message, *result.errors)


def _tell_of_state(before: JobStatus, after: JobStatus) -> Iterator[JobEvent]:
    """The end, a stop that was asked for, or what the job waits for."""
    message = after.message or ""
    if after.completion_time is not None:
        kind: Literal["Normal", "Warning"] = "Warning" if after.state is State.FAILED else "Normal"
        yield JobEvent(kind, after.reason or str(after.state), message)
        return
    stop = ConditionType.STOP_REQUESTED
    if get_condition(after.conditions, stop) is not None and get_condition(before.conditions, stop) is None:
        yield JobEvent("Normal", Reason.STOP_REQUESTED, message)
    lost = after.attempt_history[-1:] != before.attempt_history[-1:]  # that is told of already
    if after.reason is not None and after.reason != before.reason and not lost:
        yield JobEvent("Normal" if after.reason == Reason.INPUT_JOB_PENDING else "Warning", after.reason, message)
