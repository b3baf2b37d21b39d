"""How an instance's Pod ended, by the containers' statuses (docs/internals/protocol.md, "How the end is judged")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from processing_operator.api.protocol import FAILED_FOR_GOOD, FETCH, FINAL_CODES, SCRIPT, UPLOAD
from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain.facts import Cause, Seen, Verdict
from processing_operator.domain.verdict.script import judge_script
from processing_operator.domain.wording import code_text, container_ended, failed, join, logs_command

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.container import ContainerEnd
    from processing_operator.domain.facts import PodFacts

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
    if not pod.script.started:
        return _judge_unstarted(job, pod, seen)
    if _both_ended(pod, seen):
        return _judge_both(job, pod, seen)
    if seen is Seen.GONE or pod.terminal:
        return lost(pod, seen, also=pod.upload.said)
    return None


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


def _judge_unstarted(job: ProcessingJob, pod: PodFacts, seen: Seen) -> Verdict | None:
    if _fetch_gave_up(pod):
        return _staging_failed(job, pod, FETCH)
    if (end := pod.script.end) is not None and end.start_failed and pod.upload.end is not None:
        return _start_failed(pod, end)
    if _never_runs(pod, seen):
        return _lost_before_start(pod, seen)
    if seen is Seen.GONE or pod.terminal:
        return lost(pod, seen, also=pod.upload.said)
    return None


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


def _judge_both(job: ProcessingJob, pod: PodFacts, seen: Seen) -> Verdict:
    script = judge_script(job, pod)
    if script is None or (script.state is not State.FAILED and _upload_was_cut_off(pod)):
        return lost(pod, seen, also=pod.upload.said)
    uploaded = pod.upload.exit_code == 0
    if script.state is State.FAILED:
        also = "" if uploaded else join("its outputs were not all uploaded", pod.upload.said)
        text = join(script.message, also)
        return failed(script.reason, text, script.cause, log=logs_command(job, pod, SCRIPT))
    return script if uploaded else _staging_failed(job, pod, UPLOAD)


def _upload_was_cut_off(pod: PodFacts) -> bool:
    """Left alone, it would have been started again."""
    return pod.upload.exit_code not in FINAL_CODES and (pod.restart_rules or pod.taken_away)


def _staging_failed(job: ProcessingJob, pod: PodFacts, container: str) -> Verdict:
    """Fetch or upload has given up, and said why."""
    facts = pod.fetch if container == FETCH else pod.upload
    result, code = facts.result, facts.exit_code or 0
    fallback = Reason.SCRIPT_NOT_STARTED if container == FETCH else Reason.UPLOAD_FAILED
    reason = result.reason if result is not None and result.reason else fallback
    if reason == Reason.STOP_REQUESTED:
        text = f"attempt {pod.attempt}: stopped before the script started"
        return Verdict(State.STOPPED, Reason.STOP_REQUESTED, text, Cause.STOP)
    said = "it left no readable result" if result is None else join(result.message, *result.errors)
    text = f"{container_ended(pod, container, code)}: {said}"
    cause = Cause.STORE if container == UPLOAD or reason in _STORE else Cause.INPUT
    return failed(reason, text, cause, log=logs_command(job, pod, container))


def _start_failed(pod: PodFacts, end: ContainerEnd) -> Verdict:
    text = f"{container_ended(pod, SCRIPT, end.exit_code)} before it ran: {join(end.reason, end.message)}"
    return failed(Reason.COMMAND_NOT_FOUND, text, Cause.SCRIPT)


# -- lost


def lost(pod: PodFacts, seen: Seen, *, also: str = "") -> Verdict:
    """Its script was running, or nobody knows whether it had started."""
    return failed(_loss_reason(pod, seen), join(_loss_message(pod, seen, _when(pod)), also), Cause.INFRASTRUCTURE)


def _lost_before_start(pod: PodFacts, seen: Seen) -> Verdict:
    """Its script has never run: another attempt makes it good."""
    message = _loss_message(pod, seen, f"before container {SCRIPT} started")
    return Verdict(State.FAILED, _loss_reason(pod, seen), message, Cause.BEFORE_START)


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
