"""Attempts that have ended."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain import status
from processing_operator.domain.attempts import current_pod, is_open
from processing_operator.domain.conditions import reconciling_since
from processing_operator.domain.headline import Headline, headline
from processing_operator.domain.instances import lost_instance
from processing_operator.domain.outcome import Outcome, judge
from processing_operator.domain.plan import DeletePod, Plan
from processing_operator.domain.stopping import is_stop_requested
from processing_operator.domain.wording import with_next_step

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import Facts
    from processing_operator.domain.observe import PodFacts

WATCH_LAG: Final = timedelta(seconds=5)
"""How long a Pod that is not listed any more is given for the watch to tell how it was when it went."""


def judged(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    """The attempt's Pod tells how it ended."""
    pod = current_pod(job, facts)
    outcome = judge(job, pod) if pod is not None and is_open(job.status) else None
    if pod is None or outcome is None:
        return None
    if outcome.state is State.COMPLETED:
        return Plan(status=status.ended(job, now, outcome, pod))
    if (doom := _doom(job)) is not None:
        over = pod.gone or pod.terminal or not outcome.before_start
        return Plan(status=status.ended(job, now, doom, pod)) if over else None
    if not outcome.before_start:
        return Plan(status=status.ended(job, now, outcome, pod))
    if is_stop_requested(job):
        return _stopped_before_start(job, now, pod)
    return _lost_before_start(job, now, pod, outcome)


def vanished(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    """The attempt's Pod is gone, and nobody saw it go. Its script may have run: the Pod is never made again."""
    if not is_open(job.status) or current_pod(job, facts) is not None:
        return None
    if (doom := _doom(job)) is not None:
        return Plan(status=status.ended(job, now, doom))
    ran = any(phase.name is State.RUNNING for phase in job.status.phases)
    if is_stop_requested(job) and not ran:
        return Plan(status=status.ended(job, now, _stopped(job, certain=False)))
    since = reconciling_since(job, Reason.POD_DELETED)
    if since is not None and now >= since + WATCH_LAG:
        return Plan(status=status.ended(job, now, _gone(job, ran=ran)))
    return _await_the_watch(job, now, since or now)


def _await_the_watch(job: ProcessingJob, now: datetime, since: datetime) -> Plan:
    message = f"attempt {job.status.attempts}: Pod {_pod_name(job)} is gone"
    head = Headline(job.status.state or State.PENDING, message, Reason.POD_DELETED)
    lost = tuple(lost_instance(instance) for instance in job.status.instances)
    waiting = status.ongoing(job, now, head).model_copy(update={"instances": lost})
    return Plan(status=waiting, requeue_at=since + WATCH_LAG)


def _doom(job: ProcessingJob) -> Outcome | None:
    """The end that was decided already; it only had to wait for the Pod's."""
    reason = job.status.failure_reason
    return None if reason is None else Outcome(State.FAILED, reason, job.status.message or "")


def _stopped(job: ProcessingJob, *, certain: bool) -> Outcome:
    started = "started" if certain else "was seen to start"
    text = f"attempt {job.status.attempts}: stopped before container script {started}"
    return Outcome(State.STOPPED, Reason.STOP_REQUESTED, text)


def _gone(job: ProcessingJob, *, ran: bool) -> Outcome:
    when = "after container script had started" if ran else "and nobody knows whether container script had started"
    text = f"attempt {job.status.attempts}: Pod {_pod_name(job)} was deleted {when}; exit code unknown"
    return Outcome(State.FAILED, Reason.POD_DELETED, with_next_step(text, Reason.POD_DELETED))


def _pod_name(job: ProcessingJob) -> str:
    return next((instance.pod or "" for instance in job.status.instances), "")


def _stopped_before_start(job: ProcessingJob, now: datetime, pod: PodFacts) -> Plan:
    """Stopped once the Pod is really gone."""
    if pod.gone or pod.terminal:
        return Plan(status=status.ended(job, now, _stopped(job, certain=True), pod))
    return Plan(status=status.ongoing(job, now, headline(job, pod, None), pod))


def _lost_before_start(job: ProcessingJob, now: datetime, pod: PodFacts, outcome: Outcome) -> Plan:
    """Made good by another attempt, once the Pod is really gone."""
    head = Headline(State.PENDING, f"{outcome.message}; another attempt follows")
    over = not pod.gone and pod.deleting is None
    return Plan(
        status=status.closed(job, now, head, pod, outcome),
        deletions=(DeletePod(pod.target),) if over else (),
        requeue_at=now + timedelta(seconds=1),
    )
