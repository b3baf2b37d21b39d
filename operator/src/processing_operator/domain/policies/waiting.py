"""Attempts whose script has not started, and containers that do not come to their end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from processing_operator.api.protocol import FAILED_FOR_GOOD, FETCH, SCRIPT, UPLOAD, WAITS_OUTSIDE
from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain.actions import LOOK_AGAIN, Decision
from processing_operator.domain.conditions import waits_since
from processing_operator.domain.pending import STANDS, pending_deadline, too_long
from processing_operator.domain.policies.ends import fail
from processing_operator.domain.problems import Problem, find_problem
from processing_operator.domain.wording import Headline, container_ended, headline, join

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import Attempt, Facts, PodFacts

GLANCE: Final = timedelta(seconds=5)
"""How long fetch, started again, may take to look for what it found missing."""
MARGIN: Final = timedelta(minutes=10)
"""How long after its own limit a container that cannot keep it (it crashes at once, say) is given up."""


def waiting(job: ProcessingJob, attempt: Attempt, _facts: Facts, now: datetime) -> Decision | None:
    """The script has not started."""
    pod = next((pod for pod in attempt.live if _waits(pod, now)), None)
    if pod is None:
        return None
    if pod.fetch.running:  # it looks again for what it found missing: the status does not flicker
        return Decision(again_at=now + LOOK_AGAIN)
    problem = find_problem(pod)
    if pod.upload.exit_code == FAILED_FOR_GOOD:
        return _given_up(pod, problem, now)
    if problem is not None and problem.reason in STANDS:
        return Decision(say=_head(pod, problem))
    return _wait(job, pod, problem, now)


def _waits(pod: PodFacts, now: datetime) -> bool:
    """It waits for the cluster or for the user. While it downloads it does not, nor while it is on its way out."""
    if pod.terminal or pod.deleting is not None or pod.script.started or pod.script.end is not None:
        return False
    if not pod.fetch.running:
        return not pod.fetch.started or pod.fetch.latest_code in (0, WAITS_OUTSIDE)
    began = pod.fetch.started_at or now
    return pod.fetch.latest_code == WAITS_OUTSIDE and -GLANCE < now - began < GLANCE


def _head(pod: PodFacts, problem: Problem) -> Headline:
    return Headline(State.PENDING, f"attempt {pod.attempt}: {problem.message}", problem.reason)


def _wait(job: ProcessingJob, pod: PodFacts, problem: Problem | None, now: datetime) -> Decision:
    wake = [pending_deadline(job, now, pod)]
    if now >= wake[0]:
        return _timed_out(job, pod, problem, now)
    if problem is None:
        return Decision(say=headline(job, pod), again_at=wake[0])
    if problem.patience is not None:
        hopeless = (waits_since(job, problem.reason) or now) + problem.patience
        if now >= hopeless:
            return fail(pod, problem.hopeless, problem.message, now)
        wake.append(hopeless)
    return Decision(say=_head(pod, problem), again_at=min(wake))


def _timed_out(job: ProcessingJob, pod: PodFacts, problem: Problem | None, now: datetime) -> Decision:
    if problem is None:
        what, container = (SCRIPT, pod.script) if pod.fetch.exit_code == 0 else (FETCH, pod.fetch)
        waits = f"container {what} waits for its volumes, its image or its sandbox: {container.reason or 'no status'}"
        return fail(pod, Reason.PENDING_TIMEOUT, join(waits, too_long(job)), now)
    return fail(pod, problem.final_reason, join(problem.message, too_long(job)), now)


def _given_up(pod: PodFacts, problem: Problem | None, now: datetime) -> Decision:
    """The uploader has ended because the script did not start; without it the script must not."""
    reason = Reason.SCRIPT_NOT_STARTED if problem is None else problem.final_reason
    ended = container_ended(pod, UPLOAD, FAILED_FOR_GOOD)
    return fail(pod, reason, join("" if problem is None else problem.message, ended, pod.upload.said), now)


def overdue(job: ProcessingJob, attempt: Attempt, _facts: Facts, now: datetime) -> Decision | None:
    """Fetch and upload keep their own limits; this is for one that never comes to it."""
    pod = attempt.pod
    if pod is None or pod not in attempt.live or pod.deleting is not None:
        return None
    if pod.never_started:
        since = waits_since(job, Reason.SCRIPT_NOT_STARTED)
        late, container, reason = since is not None and now >= since + MARGIN, UPLOAD, Reason.SCRIPT_NOT_STARTED
    elif pod.script.started:
        late = _is_late(job, State.UPLOADING, job.spec.timeouts.upload_seconds, now)
        container, reason = UPLOAD, Reason.UPLOAD_TIMEOUT
    else:
        late = _is_late(job, State.DOWNLOADING, job.spec.timeouts.download_seconds, now)
        container, reason = FETCH, Reason.DOWNLOAD_TIMEOUT
    text = f"container {container} has not come to its end in time"
    return fail(pod, reason, join(text, headline(job, pod).message), now) if late else None


def _stopped_at_the_latest(job: ProcessingJob) -> datetime | None:
    """When the script of a job that was asked to stop had to be over: such a job is told to be stopping, no more."""
    asked = waits_since(job, State.STOPPING.value)
    return None if asked is None else asked + timedelta(seconds=job.spec.timeouts.stop_grace_seconds)


def _is_late(job: ProcessingJob, phase: State, seconds: int, now: datetime) -> bool:
    """By the status: the kubelet forgets when a container that crashes again and again began.

    And by the operator's own clock as well: the node's may be another.
    """
    began = next((one.start_time for one in job.status.phases if one.name is phase), None)
    told = waits_since(job, phase.value) or _stopped_at_the_latest(job)
    limit = timedelta(seconds=seconds) + MARGIN
    return began is not None and told is not None and now >= max(began, told) + limit
