"""How an instance's Pod ended, by the containers' statuses (docs/internals/protocol.md, "How the end is judged")."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from processing_operator.api.protocol import FAILED_FOR_GOOD, FETCH, FINAL_CODES, SCRIPT, UPLOAD, asks_to_stop
from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain.facts import Cause, Seen
from processing_operator.domain.verdict.advice import eviction_step, start_error
from processing_operator.domain.verdict.end import End, tell
from processing_operator.domain.verdict.script import CUT_OFF, judge_script
from processing_operator.domain.wording import code_text, container_ended, is_stop_requested, join

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import PodFacts, Verdict

_STORE: Final = (Reason.STORE_UNAVAILABLE, Reason.DOWNLOAD_TIMEOUT)
# Source: Kubernetes, "Disruptions", "Pod disruption conditions".
_BY_CONDITION: Final[dict[str, Reason]] = {
    "PreemptionByScheduler": Reason.PREEMPTED,
    "EvictionByEvictionAPI": Reason.EVICTED,
    "TerminationByKubelet": Reason.EVICTED,
    "DeletionByTaintManager": Reason.NODE_LOST,
    "DeletionByPodGC": Reason.NODE_LOST,
}
_BY_POD_REASON: Final[dict[str, Reason]] = {
    "Evicted": Reason.EVICTED,
    "Preempting": Reason.PREEMPTED,
    "Terminated": Reason.NODE_LOST,
    "NodeShutdown": Reason.NODE_LOST,
    "NodeLost": Reason.NODE_LOST,
}
_WHAT_HAPPENED: Final[dict[str, str]] = {
    Reason.PREEMPTED: "was removed in favour of a Pod of higher priority",
    Reason.EVICTED: "was evicted",
    Reason.NODE_LOST: "was lost with its sandbox or node",
    Reason.POD_DELETED: "was deleted",
}


def judge(job: ProcessingJob, pod: PodFacts, seen: Seen) -> Verdict | None:
    """How this Pod ended; None while it has not."""
    end = _judge(job, pod, seen)
    return None if end is None else tell(job, pod, end)


def lost(job: ProcessingJob, pod: PodFacts, seen: Seen) -> Verdict:
    """Its script was running, or nobody knows whether it had started."""
    return tell(job, pod, _lost(pod, seen))


def _judge(job: ProcessingJob, pod: PodFacts, seen: Seen) -> End | None:
    if not pod.script.started and pod.record is None:
        return _judge_unstarted(pod, seen)
    if _both_ended(pod, seen):
        return _judge_both(job, pod, seen)
    return _lost(pod, seen) if seen is Seen.GONE or pod.terminal else None


def _never_runs(pod: PodFacts, seen: Seen) -> bool:
    """The script has not started and cannot start any more.

    A Pod that is not bound to a node never ran. One that is: the kubelet tells of every container before it gives the
    Pod its last phase, but the collector of dead nodes' Pods (DeletionByPodGC) and a forced deletion do not wait for
    the kubelet's word. And the kubelet tells of fetch's end before it starts the script, and starts nothing in a Pod
    that is being deleted.
    """
    if pod.script.started:
        return False
    gone = seen is Seen.GONE
    if not pod.node:
        return gone or pod.terminal or pod.deleting is not None
    if pod.terminal:
        return pod.disruption is None or pod.disruption.reason != "DeletionByPodGC"
    return pod.deleting is not None and not gone and pod.fetch.exit_code != 0


def _judge_unstarted(pod: PodFacts, seen: Seen) -> End | None:
    if _fetch_gave_up(pod):
        return _staging_failed(pod, FETCH)
    if pod.script.start_failed and pod.upload.end is not None:
        return _not_started(pod, seen)
    if _never_runs(pod, seen):
        return _lost_before_start(pod, seen)
    return _lost(pod, seen) if seen is Seen.GONE or pod.terminal else None


def _fetch_gave_up(pod: PodFacts) -> bool:
    """It ended by its own decision, or with nobody to start it again. One that was cut off has no reason to give."""
    code, result = pod.fetch.exit_code, pod.fetch.result
    if code == FAILED_FOR_GOOD:
        has_reason = result is not None and result.reason not in ("", "Terminated")
        return has_reason or not pod.taken_away
    return code not in (None, 0) and pod.terminal and not pod.restart_rules and not pod.taken_away


def _both_ended(pod: PodFacts, seen: Seen) -> bool:
    """The script has ended, and the uploader for good.

    What ends with another code is started again, unless the Pod has ended or has no restart rules.
    """
    if pod.script.end is None or pod.upload.end is None:
        return False
    final = seen is Seen.GONE or pod.terminal or not pod.restart_rules
    return final or pod.upload.exit_code in FINAL_CODES


def _judge_both(job: ProcessingJob, pod: PodFacts, seen: Seen) -> End:
    if pod.never_started:
        return _stopped_before_start(pod) if is_stop_requested(job) else _not_started(pod, seen)
    if _upload_gave_up_first(pod):
        return _staging_failed(pod, UPLOAD)
    script = judge_script(job, pod)
    if script is None or (script.state is not State.FAILED and _upload_was_cut_off(pod)):
        return _lost(pod, seen)
    uploaded = pod.upload.exit_code == 0
    if script.state is State.FAILED:
        also = "" if uploaded else join("its outputs were not all uploaded", pod.upload.said)
        return replace(script, text=join(script.text, also), log=SCRIPT)
    return script if uploaded else _staging_failed(pod, UPLOAD)


def _upload_gave_up_first(pod: PodFacts) -> bool:
    """The script was told to end for that; so it does not matter how it did, and nobody has read its record."""
    upload, script = pod.upload.end, pod.script.end
    if upload is None or script is None or upload.exit_code != FAILED_FOR_GOOD or pod.record is not None:
        return False
    return asks_to_stop(pod.signal) and not script.was_before(upload)


def _upload_was_cut_off(pod: PodFacts) -> bool:
    """Left alone, it would have been started again."""
    return pod.upload.exit_code not in FINAL_CODES and (pod.restart_rules or pod.taken_away)


def _staging_failed(pod: PodFacts, container: str) -> End:
    """Fetch or upload has given up, and said why."""
    facts = pod.fetch if container == FETCH else pod.upload
    result, code = facts.result, facts.exit_code or 0
    fallback = Reason.SCRIPT_NOT_STARTED if container == FETCH else Reason.UPLOAD_FAILED
    reason = result.reason if result is not None and result.reason else fallback
    if reason == Reason.STOP_REQUESTED:
        return _stopped_before_start(pod)
    said = "it left no readable result" if result is None else join(result.message, *result.errors)
    cause = Cause.STORE if container == UPLOAD or reason in _STORE else Cause.INPUT
    return End(State.FAILED, reason, f"{container_ended(pod, container, code)}: {said}", cause, log=container)


def _stopped_before_start(pod: PodFacts) -> End:
    text = f"attempt {pod.attempt}: stopped before the script started"
    return End(State.STOPPED, Reason.STOP_REQUESTED, text, Cause.STOP)


def _not_started(pod: PodFacts, seen: Seen) -> End:
    """The script's container has ended without it: the runtime or the launcher could not start it, and says why."""
    end = pod.script.end
    assert end is not None  # noqa: S101 - by the callers
    text = f"{container_ended(pod, SCRIPT, end.exit_code)} before the script started"
    if end.start_failed:
        reason, hint, step = start_error(end.message)
        return End(State.FAILED, reason, join(f"{text}: {end.reason}", hint, end.message), Cause.SCRIPT, step)
    if pod.taken_away and end.exit_code in CUT_OFF:
        return _lost(pod, seen)
    if end.reason == "OOMKilled":
        return End(State.FAILED, Reason.OUT_OF_MEMORY, f"{text}: it was killed for want of memory", Cause.SCRIPT)
    said = pod.launcher_said or pod.upload.said
    return End(State.FAILED, Reason.SCRIPT_NOT_STARTED, join(text, said), Cause.INFRASTRUCTURE, log=SCRIPT)


# -- lost


def _lost(pod: PodFacts, seen: Seen) -> End:
    """Its script was running, or nobody knows whether it had started."""
    reason, text = _loss_reason(pod, seen), join(_loss_message(pod, seen, _when(pod)), pod.upload.said)
    step = eviction_step(pod.taken_for) if reason is Reason.EVICTED else None
    return End(State.FAILED, reason, text, Cause.INFRASTRUCTURE, step)


def _lost_before_start(pod: PodFacts, seen: Seen) -> End:
    """Its script has never run: another attempt makes it good."""
    message = _loss_message(pod, seen, f"before container {SCRIPT} started")
    return End(State.FAILED, _loss_reason(pod, seen), message, Cause.BEFORE_START)


def _loss_reason(pod: PodFacts, seen: Seen) -> Reason:
    if pod.disruption is not None and pod.disruption.reason in _BY_CONDITION:
        return _BY_CONDITION[pod.disruption.reason]
    if pod.reason in _BY_POD_REASON:
        return _BY_POD_REASON[pod.reason]
    rebooted = pod.record is not None and pod.record.rebooted
    if pod.sandbox_lost or rebooted or (pod.deleting is None and (seen is Seen.LIVE or pod.terminal)):
        return Reason.NODE_LOST
    return Reason.POD_DELETED


def _loss_message(pod: PodFacts, seen: Seen, when: str) -> str:
    happened = f"attempt {pod.attempt}: Pod {pod.name} {_WHAT_HAPPENED[_loss_reason(pod, seen)]}"
    return join(f"{happened} {when}", pod.taken_for)


def _when(pod: PodFacts) -> str:
    if pod.script.end is not None:
        return f"after container {SCRIPT} had ended with {code_text(pod.script.end.exit_code)}"
    if pod.script.started:
        return f"while container {SCRIPT} was running"
    return f"and nobody knows whether container {SCRIPT} had started"
