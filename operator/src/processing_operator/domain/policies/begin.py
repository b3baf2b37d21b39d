"""The beginning of an attempt: create the Pod gated, enter its uid into the status, release it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from processing_operator.api.status import State
from processing_operator.domain import status
from processing_operator.domain.attempts import candidate, current_pod, is_open, live_pods, strays
from processing_operator.domain.headline import Headline
from processing_operator.domain.loss import loss_message, loss_reason
from processing_operator.domain.outcome import Outcome
from processing_operator.domain.plan import DeletePod, Plan, ReleasePod
from processing_operator.domain.pods.build import build
from processing_operator.domain.wording import with_next_step

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.status import JobStatus
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import Facts

LOOK_AGAIN: Final = timedelta(seconds=5)
FIRST_DELAY: Final = timedelta(seconds=2)
LONGEST_DELAY: Final = timedelta(minutes=5)


def between(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    """After an attempt that was lost before its script started: the old Pod has to be gone, and some time to pass."""
    if not job.status.attempt_history or is_open(job.status):
        return None
    old = current_pod(job, facts)
    if old is not None and old.script_started:
        text = with_next_step(loss_message(old, before_start=False), loss_reason(old))
        return Plan(status=status.ended(job, now, Outcome(State.FAILED, loss_reason(old), text), old))
    unclaimed = candidate(job, facts)
    if left := [pod for pod in live_pods(facts) if pod is not unclaimed]:
        over = [pod for pod in left if pod.terminal and pod.deleting is None]
        return Plan(deletions=tuple(DeletePod(pod.target) for pod in over), requeue_at=now + LOOK_AGAIN)
    due = _due(job.status, now)
    return Plan(requeue_at=due) if now < due and unclaimed is None else None


def _due(before: JobStatus, now: datetime) -> datetime:
    """Two seconds after the first loss, then twice as long each time, up to five minutes."""
    losses = len(before.attempt_history)
    delay: timedelta = min(FIRST_DELAY * 2 ** (losses - 1), LONGEST_DELAY)
    return (before.attempt_history[-1].end_time or now) + delay


def claim(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    """The next attempt's Pod exists: it becomes the attempt's only one, and may run."""
    pod = candidate(job, facts)
    if is_open(job.status) or pod is None:
        return None
    head = Headline(State.PENDING, f"Pod {pod.name} is being started (attempt {pod.attempt})")
    releases = (ReleasePod(pod.target),) if pod.gated else ()
    return Plan(claim=status.begun(job, now, head, pod), releases=releases, requeue_at=now + LOOK_AGAIN)


def release(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    """The Pod was claimed, and the operator died before it could release it."""
    pod = current_pod(job, facts)
    if pod is None or pod.gone or not pod.gated or pod.deleting is not None or not is_open(job.status):
        return None
    return Plan(releases=(ReleasePod(pod.target),), requeue_at=now + LOOK_AGAIN)


def clear(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    """Pods that an overtaken operator has made. They never ran, and never will."""
    over = [pod for pod in strays(job, facts) if pod.deleting is None]
    if not over:
        return None
    return Plan(deletions=tuple(DeletePod(pod.target) for pod in over), requeue_at=now + LOOK_AGAIN)


def create(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    """Nothing stands against it."""
    if is_open(job.status) or live_pods(facts):
        return None
    return Plan(create=build(job, job.status.attempts + 1, facts), requeue_at=now + LOOK_AGAIN)
