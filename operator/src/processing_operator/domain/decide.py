"""The next step of a job: the first policy that has something to say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from processing_operator.api.status import JobStatus, State
from processing_operator.domain.attempts import candidate, current_pod, live_pods
from processing_operator.domain.events import tell_changes
from processing_operator.domain.plan import Plan
from processing_operator.domain.policies import awaiting, begin, final, judged, pending, refused, running, stop

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import Facts

    Policy = Callable[[ProcessingJob, Facts, datetime], Plan | None]

POLICIES: Final[tuple[Policy, ...]] = (
    final.deleted,
    final.finished,
    begin.clear,
    judged.judged,
    judged.vanished,
    refused.root_refused,
    pending.doomed,
    stop.stop,
    awaiting.awaiting,
    refused.create_refused,
    begin.between,
    begin.claim,
    begin.release,
    running.cut_short,
    pending.pending,
    pending.overdue,
    running.goes_on,
    refused.too_large,
    begin.create,
)

LAST_LOOK: Final = timedelta(seconds=5)
"""After the end: whether something of the Pod is left that runs for nothing."""
QUICK: Final = timedelta(seconds=2)
"""A phase that is over sooner is not written on its own, but together with the next."""


def decide(job: ProcessingJob, facts: Facts, now: datetime) -> Plan:
    """What to do about the job, by what was seen, at this time."""
    for policy in POLICIES:
        if (plan := policy(job, facts, now)) is not None:
            return _settle(job, facts, now, plan)
    return Plan.nothing()


def _settle(job: ProcessingJob, facts: Facts, now: datetime, plan: Plan) -> Plan:
    """Nothing is written that the job says already; each change is told of by its Events."""
    if plan.status is not None and (until := _quick_until(job.status, plan.status, now)) is not None:
        plan = replace(plan, status=None, requeue_at=min(until, plan.requeue_at or until))
    claim = None if plan.claim == job.status else plan.claim
    status = None if plan.status == job.status else plan.status
    pod = current_pod(job, facts) or candidate(job, facts)
    after = status or claim
    events = () if after is None else tell_changes(job.status, after, pod)
    plan = replace(plan, claim=claim, status=status, events=events)
    if (
        after is not None
        and after.state is not None
        and after.state.terminal
        and any(not pod.terminal for pod in live_pods(facts))
    ):
        return replace(plan, requeue_at=now + LAST_LOOK)
    return plan


def _quick_until(before: JobStatus, after: JobStatus, now: datetime) -> datetime | None:
    """Until when a change that says only how far the Pod is is held back. The kubelet's clock may not be ours."""
    since = _passing_since(before, after)
    if since is None or _conditions(before) != _conditions(after) or not -QUICK < now - since < QUICK:
        return None
    return since + QUICK


def _passing_since(before: JobStatus, after: JobStatus) -> datetime | None:
    """Since when data moves, or the script's container is being started; None for any other change."""
    phases = {phase.name: phase for phase in after.phases}
    if after.state in (State.DOWNLOADING, State.UPLOADING) and after.state != before.state:
        return None if after.state not in phases else phases[after.state].start_time
    if after.state is State.PENDING and State.DOWNLOADING in phases and before.state is not None:
        return phases[State.DOWNLOADING].end_time
    return None


def _conditions(status: JobStatus) -> list[tuple[str, str]]:
    """Types and reasons, but for the reason that is the state over again."""
    passing = {State.PENDING.value, State.DOWNLOADING.value, State.RUNNING.value, State.UPLOADING.value}
    return [(entry.type, "" if entry.reason in passing else entry.reason) for entry in status.conditions]
