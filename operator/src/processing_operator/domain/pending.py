"""The clock of all waiting before the script: `status.pendingSince`, against `spec.timeouts.pendingSeconds`.

It starts with the first wait and is not reset by another reason or another Pod. It stands still while a download runs,
which has a limit of its own, and behind the scheduling gates of others (a queue's).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from processing_operator.api.conditions import ConditionType, get_condition
from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain.actions import Decision

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import PodFacts, Verdict
    from processing_operator.domain.wording import Headline

STANDS: Final = (State.DOWNLOADING.value, Reason.SCHEDULING_GATED)
"""Reasons of Reconciling for whose time the clock stands still."""


def pending_since(job: ProcessingJob, now: datetime, head: Headline, pod: PodFacts | None) -> datetime:
    """When the waiting began; moved on by the time that the clock stood still, once that is over."""
    told = get_condition(job.status.conditions, ConditionType.RECONCILING)
    if told is not None and told.reason in STANDS and told.reason == (head.reason or head.state.value):
        return job.status.pending_since or now
    return _counts_from(job, now, pod)


def pending_deadline(job: ProcessingJob, now: datetime, pod: PodFacts | None = None) -> datetime:
    """When the waiting, which counts now, is over for good."""
    return _counts_from(job, now, pod) + timedelta(seconds=job.spec.timeouts.pending_seconds)


def _counts_from(job: ProcessingJob, now: datetime, pod: PodFacts | None) -> datetime:
    since, told = job.status.pending_since, get_condition(job.status.conditions, ConditionType.RECONCILING)
    if since is None:
        return now
    if told is not None and told.reason in STANDS:
        return since + max(now - (told.last_transition_time or now), timedelta())
    told_of = any(phase.name is State.DOWNLOADING for phase in job.status.phases)
    return since if pod is None or told_of else since + _downloaded(pod)


def _downloaded(pod: PodFacts) -> timedelta:
    """How long a download took that no status has told of: the operator was down, or it was quick."""
    end = pod.fetch.end
    if end is None or end.exit_code != 0 or end.started_at is None or end.finished_at is None:
        return timedelta()
    return max(end.finished_at - end.started_at, timedelta())


def wait(job: ProcessingJob, now: datetime, why: Headline, end: Verdict, again_at: datetime | None = None) -> Decision:
    """Nothing but wait, until it is over: then that is the end."""
    deadline = pending_deadline(job, now)
    return Decision(end=end) if now >= deadline else Decision(say=why, again_at=min(again_at or deadline, deadline))


def too_long(job: ProcessingJob) -> str:
    """The limit, for a sentence about waiting."""
    return f"for longer than spec.timeouts.pendingSeconds, {job.spec.timeouts.pending_seconds}"
