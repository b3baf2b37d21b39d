"""Attempts that go on, and a stop that was asked for.

A stop is remembered first, by a condition that every status write sets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from processing_operator.api.protocol import FAILED_FOR_GOOD, FINAL_CODES, UPLOAD, asks_to_stop, tells_end
from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain.actions import LOOK_AGAIN, Decision
from processing_operator.domain.facts import Cause, Verdict, targets
from processing_operator.domain.wording import Headline, container_ended, headline, is_stop_requested, join

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.status import TransferProgress
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import Attempt, Facts, PodFacts


_AFTER_START: Final = (State.WAITING, State.RUNNING, State.UPLOADING)
"""What upload tells of (docs/internals/protocol.md, "Progress") once it has seen that the script has started."""


def stop_attempt(job: ProcessingJob, attempt: Attempt, _facts: Facts, _now: datetime) -> Decision | None:
    """A running script is told by a signal, and its outputs are uploaded; no other is started.

    The deletion holds for the Pod as it was seen: if its script has started meanwhile, it does not happen.
    """
    if not is_stop_requested(job) or not attempt.live:
        return None
    head = headline(job, attempt.live[0])
    if not targets(attempt.live):
        return Decision(say=head)
    if unstarted := targets(pod for pod in attempt.live if not pod.script.started and pod.script.end is None):
        return Decision(say=head, first=True, delete=unstarted)
    told = targets(pod for pod in attempt.live if pod.script.running and not asks_to_stop(pod.signal))
    return Decision(say=head, first=True, stop=told) if told else None


def stop_between(job: ProcessingJob, facts: Facts, _now: datetime) -> Decision | None:
    """Nothing runs: the job is stopped once no Pod of it is left."""
    if not is_stop_requested(job):
        return None
    delete = targets((*facts.leaving, *facts.unclaimed, *facts.orphans))
    if facts.leaving or delete:
        head = Headline(State.STOPPING, "a stop was requested: the Pod is being deleted")
        return Decision(say=head, first=True, delete=delete)
    text = "stopped between two attempts" if job.status.attempts else "stopped before a Pod was created"
    return Decision(end=Verdict(State.STOPPED, Reason.STOP_REQUESTED, text, Cause.STOP))


def release(_job: ProcessingJob, attempt: Attempt, _facts: Facts, now: datetime) -> Decision | None:
    """The Pod was claimed, and the operator died before it could release it."""
    gated = tuple(pod.release for pod in attempt.live if pod.gated and pod.deleting is None)
    return Decision(release=gated, again_at=now + LOOK_AGAIN) if gated else None


def cut_short(job: ProcessingJob, attempt: Attempt, facts: Facts, now: datetime) -> Decision | None:
    """One of script and upload cannot do its part any more: the other is told to end."""
    alive = [pod for pod in attempt.live if pod.deleting is None]
    over = targets(pod for pod in alive if _may_wait_in_vain(pod, facts.progress) and not tells_end(pod.signal))
    if over:
        return Decision(say=headline(job, alive[0], facts.progress), ended=over)
    pod = next((pod for pod in alive if _has_no_uploader(pod)), None)
    if pod is None or is_stop_requested(job):
        return None
    stop = () if asks_to_stop(pod.signal) else (pod.target,)
    return Decision(say=_for_nothing(pod), stop=stop, again_at=now + LOOK_AGAIN)


def _may_wait_in_vain(pod: PodFacts, told: TransferProgress | None) -> bool:
    """The script's container has ended, perhaps without having started the script: then upload waits for its start.

    A clean job is never told, nor one whose upload has said since that it saw the start.
    """
    if pod.script.exit_code in (None, 0) or pod.upload.exit_code in FINAL_CODES:
        return False
    return told is None or told.phase not in _AFTER_START


def _has_no_uploader(pod: PodFacts) -> bool:
    """What the script still does would go nowhere."""
    final = pod.upload.exit_code == FAILED_FOR_GOOD or (pod.upload.end is not None and not pod.restart_rules)
    return pod.script.running and final


def _for_nothing(pod: PodFacts) -> Headline:
    reason = "" if pod.upload.result is None else pod.upload.result.reason
    ended = container_ended(pod, UPLOAD, pod.upload.exit_code or 0)
    text = join(f"{ended}: {pod.upload.said}" if pod.upload.said else ended, "the script is told to end")
    return Headline(State.FAILING, text, reason or Reason.UPLOAD_FAILED)


def progress(job: ProcessingJob, attempt: Attempt, facts: Facts, _now: datetime) -> Decision | None:
    """Tell how far it is."""
    told = facts.progress or job.status.progress
    return None if attempt.pod is None else Decision(say=headline(job, attempt.pod, told))
