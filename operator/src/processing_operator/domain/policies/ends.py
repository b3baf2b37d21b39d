"""Jobs and attempts that have ended, or whose end is decided."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from processing_operator.api.conditions import ConditionStatus, ConditionType, get_condition
from processing_operator.api.protocol import asks_to_stop, pod_name
from processing_operator.api.reasons import Reason
from processing_operator.api.status import Retries, State
from processing_operator.domain.actions import LAST_WORDS, LOOK_AGAIN, Decision
from processing_operator.domain.conditions import waits_since
from processing_operator.domain.facts import Cause, Seen, Verdict, targets
from processing_operator.domain.wording import Headline, failed, headline, is_stop_requested, join, with_next_step

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import Attempt, Facts, PodFacts

WATCH_LAG: Final = timedelta(seconds=5)
"""How long a Pod that is not there any more is given for the watch to tell how it was when it went."""
MOST_LOSSES: Final = 10
"""How often in a row an attempt may be lost before its script starts."""


def ended(job: ProcessingJob, attempt: Attempt, _facts: Facts, now: datetime) -> Decision | None:
    """Every Pod of the attempt tells how it ended."""
    verdict, target = attempt.verdict, failure_target(job)
    if verdict is None:
        return None
    if verdict.cause is not Cause.BEFORE_START:
        return _end(job, attempt, verdict, target)
    gone = all(pod.terminal for pod in attempt.live)
    if target is not None:
        return Decision(end=target) if gone else None
    if is_stop_requested(job):
        return Decision(end=_stopped(attempt, "started")) if gone else None
    return _lost(job, attempt, verdict, now)


def _end(job: ProcessingJob, attempt: Attempt, verdict: Verdict, target: Verdict | None) -> Decision:
    """A Pod that is lost is lost to what was decided; a script that was quicker than that speaks for itself."""
    started = any(one.pod is not None and one.pod.script.started for one in attempt.instances)
    lost = verdict.cause is Cause.INFRASTRUCTURE
    if target is not None and (lost or not started):
        return Decision(end=target)
    if lost and not started and is_stop_requested(job):
        return Decision(end=_stopped(attempt, "was seen to start"))
    return Decision(end=verdict, withdraw=True)


def _stopped(attempt: Attempt, when: str) -> Verdict:
    text = f"attempt {attempt.number}: stopped before container script {when}"
    return Verdict(State.STOPPED, Reason.STOP_REQUESTED, text, Cause.STOP)


def _lost(job: ProcessingJob, attempt: Attempt, lost: Verdict, now: datetime) -> Decision:
    """Made good by another attempt once the Pod is really gone; but not for ever."""
    if (job.status.retries or Retries()).before_start + 1 >= MOST_LOSSES:
        text = join(lost.message, f"{MOST_LOSSES} attempts in a row were lost before the script started")
        return Decision(end=failed(lost.reason, text, Cause.BEFORE_START))
    return Decision(
        say=Headline(State.PENDING, f"{lost.message}; another attempt follows", lost.reason),
        lost=lost,
        delete=targets(attempt.live),
        again_at=now + timedelta(seconds=1),
    )


def vanished(job: ProcessingJob, attempt: Attempt, _facts: Facts, now: datetime) -> Decision | None:
    """A Pod is gone, and nobody saw it go. Its script may have run: the Pod is never made again."""
    if attempt.instances and all(one.seen is not Seen.UNSEEN for one in attempt.instances):
        return None
    if (target := failure_target(job)) is not None:
        return Decision(end=target)
    ran = any(phase.name is State.RUNNING for phase in job.status.phases)
    if is_stop_requested(job) and not ran:
        return Decision(end=_stopped(attempt, "was seen to start"))
    name = next((one.pod for one in job.status.instances if one.pod), pod_name(job, attempt.number))
    since = waits_since(job, Reason.POD_DELETED)
    if since is not None and now >= since + WATCH_LAG:
        return Decision(end=_gone(attempt, name, ran=ran))
    state = job.status.state if isinstance(job.status.state, State) else State.PENDING
    head = Headline(state, f"attempt {attempt.number}: Pod {name} is gone", Reason.POD_DELETED)
    return Decision(say=head, again_at=(since or now) + WATCH_LAG)


def _gone(attempt: Attempt, name: str, *, ran: bool) -> Verdict:
    when = "after container script had started" if ran else "and nobody knows whether container script had started"
    text = f"attempt {attempt.number}: Pod {name} was deleted {when}; exit code unknown"
    return failed(Reason.POD_DELETED, text, Cause.INFRASTRUCTURE)


def terminating(job: ProcessingJob, attempt: Attempt, _facts: Facts, now: datetime) -> Decision | None:
    """A Pod should have gone long ago: its node is dead, most likely. It may last for ever; so it is said."""
    pod = next((pod for pod in attempt.live if pod.deleting is not None and now >= pod.deleting + LAST_WORDS), None)
    if pod is None:
        return None
    target, namespace = failure_target(job), job.metadata.namespace
    state = State.STOPPING if target is None else _while_going(target)
    text = (
        f"attempt {pod.attempt}: Pod {pod.name} should be gone since {pod.deleting:%Y-%m-%dT%H:%M:%SZ} and is still "
        f"there: its node {pod.node} does not answer, or a finalizer holds it. If the node is gone for good: "
        f"kubectl delete pod -n {namespace} {pod.name} --force (it only forgets the Pod: a script that still runs on "
        "that node goes on, and what was not uploaded is lost)"
    )
    head = Headline(state, join("" if target is None else target.message, text), Reason.POD_TERMINATING)
    return Decision(say=head)


def failing(job: ProcessingJob, attempt: Attempt, _facts: Facts, now: datetime) -> Decision | None:
    """The end is decided and waits for its Pod."""
    target = failure_target(job)
    if target is None or not attempt.live:
        return None
    # it is let run, since the deletion was refused; or it has obeyed at last
    if any(pod.deleting is None and pod.script.started and not _still_so(pod, target) for pod in attempt.live):
        return Decision(say=headline(job, attempt.live[0]), withdraw=True)
    head = Headline(_while_going(target), target.message, target.reason)
    return Decision(say=head, delete=targets(attempt.live), again_at=now + LOOK_AGAIN)


def _still_so(pod: PodFacts, target: Verdict) -> bool:
    """What the end was decided for: no script, an upload that is too late, or a script that does not stop."""
    return (
        pod.never_started or target.reason == Reason.UPLOAD_TIMEOUT or (pod.script.running and asks_to_stop(pod.signal))
    )


def _while_going(target: Verdict) -> State:
    return State.STOPPING if target.state is State.STOPPED else State.FAILING


def failure_target(job: ProcessingJob) -> Verdict | None:
    """The end that was decided already; it only has to wait for the Pod's."""
    condition = get_condition(job.status.conditions, ConditionType.FAILURE_TARGET)
    if condition is None or condition.status is not ConditionStatus.TRUE:
        return None
    return _decided(condition.reason, condition.message)


def _decided(reason: str, message: str) -> Verdict:
    stopped = reason in (Reason.STOP_REQUESTED, Reason.MAX_RUNTIME_EXCEEDED)
    return Verdict(State.STOPPED if stopped else State.FAILED, reason, message, Cause.STOP if stopped else None)


def fail(pod: PodFacts, reason: str, text: str, now: datetime) -> Decision:
    """The end is written down before the Pod is deleted; that it has come is written once the Pod is gone.

    The deletion holds for the Pod as it was seen: a script that has started meanwhile is let run.
    """
    target = _decided(reason, with_next_step(f"attempt {pod.attempt}: {text}", reason))
    head = Headline(_while_going(target), target.message, reason)
    return Decision(say=head, target=target, delete=(pod.target,), first=True, again_at=now + LOOK_AGAIN)


def finished(facts: Facts) -> Decision:
    """The status is never written again. What would still run for nothing is taken away."""
    lingering = (pod for pod in facts.live if _lingers(pod))
    return Decision(delete=targets((*facts.orphans, *facts.unclaimed, *lingering)))


def _lingers(pod: PodFacts) -> bool:
    """The Pod goes on, but not with our containers: an injected one runs, or the script might still start.

    A Pod whose containers have all ended does not: the kubelet says so of them first and of the Pod a moment later, and
    its logs are the user's.
    """
    if pod.terminal:
        return False
    ours_run = pod.script.running or pod.upload.running or pod.fetch.running
    might_start = not pod.script.started and pod.script.end is None and pod.fetch.exit_code in (None, 0)
    return might_start or (pod.others_running and not ours_run)
