"""The second line behind the launcher, which ends scripts itself: for one that is frozen, or does not hear.

By the operator's clock alone: since when the job is told to be running, and since when to be stopping.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from processing_operator.api.conditions import ConditionType, get_condition
from processing_operator.api.protocol import SCRIPT, asks_to_stop
from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain.actions import Decision
from processing_operator.domain.policies.ends import fail
from processing_operator.domain.wording import Headline, is_stop_requested

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import Attempt, Facts, PodFacts

MARGIN: Final = timedelta(minutes=2)
"""What the launcher is given beyond the job's own times: it may be slow where the node is short of everything."""


def overrun(job: ProcessingJob, attempt: Attempt, _facts: Facts, now: datetime) -> Decision | None:
    """A script that should have ended long ago: a signal first, then its Pod's deletion."""
    pod = next((pod for pod in attempt.live if pod.script.running and pod.deleting is None), None)
    if pod is None:
        return None
    patience = timedelta(seconds=job.spec.timeouts.stop_grace_seconds) + MARGIN
    doing = get_condition(job.status.conditions, ConditionType.RECONCILING)
    if doing is None or (since := doing.last_transition_time) is None:
        return None
    if doing.reason != State.RUNNING:
        if asks_to_stop(pod.signal) and now >= since + patience:
            return _delete(job, pod, doing.reason, now)
        return _signal(job, pod, since + patience) if doing.reason == Reason.MAX_RUNTIME_EXCEEDED else None
    limit = timedelta(seconds=job.spec.timeouts.run_seconds) + patience
    return _signal(job, pod, now + patience) if now >= since + limit else None


def _signal(job: ProcessingJob, pod: PodFacts, again_at: datetime) -> Decision:
    text = f"attempt {pod.attempt}: {_too_long(job)}, and its launcher has not ended it: it is asked to stop"
    head = Headline(State.STOPPING, text, Reason.MAX_RUNTIME_EXCEEDED)
    return Decision(say=head, stop=() if asks_to_stop(pod.signal) else (pod.target,), again_at=again_at)


def _delete(job: ProcessingJob, pod: PodFacts, told: str, now: datetime) -> Decision:
    """`told`: why it was asked to stop: by the user, for its time, or since its uploader had given up."""
    asked = f"container {SCRIPT} was asked to stop"
    why = f"{_too_long(job)}, and was asked to stop" if told == Reason.MAX_RUNTIME_EXCEEDED else asked
    text = (
        f"{why}; its launcher did not act within spec.timeouts.stopGraceSeconds, "
        f"{job.spec.timeouts.stop_grace_seconds}, and {int(MARGIN.total_seconds())} s: Pod {pod.name} is deleted, and "
        f"what it has not uploaded by its own grace of {pod.grace} s is lost"
    )
    return fail(pod, Reason.STOP_REQUESTED if is_stop_requested(job) else told, text, now)


def _too_long(job: ProcessingJob) -> str:
    return f"container {SCRIPT} runs longer than spec.timeouts.runSeconds, {job.spec.timeouts.run_seconds}"
