"""Pods whose script has not started: what they wait for, and for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain import names, status
from processing_operator.domain.attempts import current_pod, is_open
from processing_operator.domain.conditions import reconciling_since
from processing_operator.domain.containers import FAILED_FOR_GOOD, WAITS_OUTSIDE
from processing_operator.domain.headline import Headline, headline
from processing_operator.domain.plan import DeletePod, Plan
from processing_operator.domain.problems import Problem, find_problem
from processing_operator.domain.wording import container_ended, join, with_next_step

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import Facts
    from processing_operator.domain.observe import PodFacts

GLANCE: Final = timedelta(seconds=5)
"""How long fetch, started again after it had found something missing, needs to find it missing again."""
MARGIN: Final = timedelta(minutes=10)
"""How long after its own limit a container that cannot keep it (it crashes at once, say) is given up."""


def doomed(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    """The end is decided, and waits for the Pod to go."""
    pod = current_pod(job, facts)
    if job.status.failure_reason is None or pod is None or not is_open(job.status):
        return None
    over = not pod.gone and pod.deleting is None
    return Plan(deletions=(DeletePod(pod.target),) if over else (), requeue_at=now + GLANCE)


def pending(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    """The script has not started."""
    pod = current_pod(job, facts)
    if pod is None or not _waits(pod, now):
        return None
    if pod.fetch.running:  # it looks again for what it found missing: the status does not flicker
        return Plan(requeue_at=(pod.fetch.started_at or now) + GLANCE)
    problem = find_problem(pod)
    if pod.upload.exit_code == FAILED_FOR_GOOD:
        return _given_up(job, now, pod, problem)
    deadline = _waits_since(pod, now) + timedelta(seconds=job.spec.pending_timeout_seconds)
    if now >= deadline:
        return _timed_out(job, now, pod, problem)
    if problem is None:
        return Plan(status=status.ongoing(job, now, headline(job, pod, None), pod), requeue_at=deadline)
    return _wait(job, now, pod, problem, deadline)


def _waits(pod: PodFacts, now: datetime) -> bool:
    """It waits for the cluster or for the user. While it downloads it does not, nor while it is on its way out."""
    if pod.gone or pod.terminal or pod.deleting is not None or pod.script_started or pod.script.end is not None:
        return False
    if not pod.fetch.running:
        return not pod.fetch.started or _fetch_left(pod) in (0, WAITS_OUTSIDE)
    began = pod.fetch.started_at or now
    return _fetch_left(pod) == WAITS_OUTSIDE and now < began + GLANCE


def _fetch_left(pod: PodFacts) -> int | None:
    end = pod.fetch.latest_end
    return None if end is None else end.exit_code


def _waits_since(pod: PodFacts, now: datetime) -> datetime:
    """From the Pod's creation until fetch starts, and again from fetch's end."""
    if pod.fetch.exit_code == 0 and pod.fetch.end is not None:
        return pod.fetch.end.finished_at or now
    return pod.created_at or now


def _wait(job: ProcessingJob, now: datetime, pod: PodFacts, problem: Problem, deadline: datetime) -> Plan:
    wake = [deadline]
    if problem.patience is not None:
        hopeless = (reconciling_since(job, problem.reason) or now) + problem.patience
        if now >= hopeless:
            return _doom(job, now, pod, Reason.IMAGE_PULL_FAILED, problem.message)
        wake.append(hopeless)
    head = Headline(State.PENDING, f"attempt {pod.attempt}: {problem.message}", problem.reason)
    return Plan(status=status.ongoing(job, now, head, pod), requeue_at=min(wake))


def _timed_out(job: ProcessingJob, now: datetime, pod: PodFacts, problem: Problem | None) -> Plan:
    seconds = f"longer than spec.pendingTimeoutSeconds, {job.spec.pending_timeout_seconds}"
    if problem is None:
        what = names.SCRIPT if pod.fetch.exit_code == 0 else names.FETCH
        container = pod.script if what == names.SCRIPT else pod.fetch
        waits = f"container {what} waits for its volumes, its image or its sandbox: {container.reason or 'no status'}"
        return _doom(job, now, pod, Reason.PENDING_TIMEOUT, join(waits, seconds))
    return _doom(job, now, pod, problem.final_reason, join(problem.message, seconds))


def _given_up(job: ProcessingJob, now: datetime, pod: PodFacts, problem: Problem | None) -> Plan:
    """The uploader has ended because the script did not start; without it the script must not."""
    result = pod.upload.result
    said = "" if result is None else result.message
    reason = Reason.SCRIPT_NOT_STARTED if problem is None else problem.final_reason
    ended = container_ended(pod, names.UPLOAD, FAILED_FOR_GOOD)
    return _doom(job, now, pod, reason, join("" if problem is None else problem.message, ended, said))


def overdue(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    """Fetch and upload keep their own limits; this is for one that never comes to it."""
    pod = current_pod(job, facts)
    if pod is None or pod.gone or pod.deleting is not None:
        return None
    if pod.script_started:
        ended = None if pod.script.end is None else pod.script.end.finished_at
        late = _is_late(ended, job.spec.upload.timeout_seconds, now)
        container, reason = names.UPLOAD, Reason.UPLOAD_TIMEOUT
    else:
        late = _is_late(pod.fetch.first_start, job.spec.download_timeout_seconds, now)
        container, reason = names.FETCH, Reason.DOWNLOAD_TIMEOUT
    text = f"container {container} has not come to its end in time"
    return _doom(job, now, pod, reason, join(text, headline(job, pod, None).message)) if late else None


def _is_late(since: datetime | None, seconds: int, now: datetime) -> bool:
    return since is not None and now >= since + timedelta(seconds=seconds) + MARGIN


def _doom(job: ProcessingJob, now: datetime, pod: PodFacts, reason: Reason, text: str) -> Plan:
    """The end is written down before the Pod is deleted; that it has come is written once the Pod is gone.

    The deletion holds for the Pod as it was seen: a script that has started meanwhile is let run.
    """
    head = Headline(State.STOPPING, with_next_step(f"attempt {pod.attempt}: {text}", reason), reason)
    return Plan(claim=status.doomed(job, now, head, pod), deletions=(DeletePod(pod.target),), requeue_at=now + GLANCE)
