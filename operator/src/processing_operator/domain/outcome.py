"""How an attempt ended, by the containers' statuses (docs/internals/protocol.md, "How the end is judged")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain import names
from processing_operator.domain.containers import FAILED_FOR_GOOD, FINAL_CODES
from processing_operator.domain.loss import loss_message, loss_reason
from processing_operator.domain.script_end import judge_script
from processing_operator.domain.wording import container_ended, join, logs_command, with_next_step

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.observe import PodFacts


@dataclass(frozen=True)
class Outcome:
    """The end of an attempt.

    Attributes:
        state: Completed, Failed or Stopped.
        reason: empty where the job completed.
        before_start: the Pod was lost before its script started: a new attempt makes it good.
    """

    state: State
    reason: str = ""
    message: str = ""
    before_start: bool = False


def judge(job: ProcessingJob, pod: PodFacts) -> Outcome | None:
    """How this Pod's attempt ended; None while it has not."""
    if not pod.script_started:
        return _judge_unstarted(job, pod)
    if _both_ended(pod):
        return _judge_both(job, pod)
    if pod.gone or pod.terminal:
        return _lost(pod)
    return None


def _judge_unstarted(job: ProcessingJob, pod: PodFacts) -> Outcome | None:
    if _fetch_gave_up(pod):
        return _staging_failed(job, pod, names.FETCH)
    if pod.script.end is not None and pod.script.end.start_failed and pod.upload.end is not None:
        return _start_failed(pod)
    if pod.never_runs:
        return _lost(pod, before_start=True)
    if pod.gone or pod.terminal:
        return _lost(pod)
    return None


def _fetch_gave_up(pod: PodFacts) -> bool:
    """It ended by its own decision, or with nobody to start it again. One that was cut off has no reason to give."""
    code, result = pod.fetch.exit_code, pod.fetch.result
    if code == FAILED_FOR_GOOD:
        has_reason = result is not None and result.reason not in ("", "Terminated")
        return has_reason or not pod.taken_away
    return code not in (None, 0) and pod.terminal and not pod.restart_rules and not pod.taken_away


def _both_ended(pod: PodFacts) -> bool:
    """The script has ended, and the uploader for good.

    What ends with another code is started again, unless the Pod has ended or has no restart rules.
    """
    if pod.script.end is None or pod.upload.end is None:
        return False
    final = pod.gone or pod.terminal or not pod.restart_rules
    return final or pod.upload.exit_code in FINAL_CODES


def _judge_both(job: ProcessingJob, pod: PodFacts) -> Outcome:
    script = judge_script(job, pod)
    uploaded = pod.upload.exit_code == 0
    if script.lost or (script.state is not State.FAILED and _upload_was_cut_off(pod)):
        return _lost(pod)
    if script.state is State.FAILED:
        also = "" if uploaded else join("its outputs were not all uploaded", _upload_message(pod))
        message = with_next_step(join(script.message, also), script.reason, log=logs_command(job, pod, names.SCRIPT))
        return Outcome(State.FAILED, script.reason, message)
    if not uploaded:
        return _staging_failed(job, pod, names.UPLOAD)
    return Outcome(script.state, script.reason, script.message)


def _upload_was_cut_off(pod: PodFacts) -> bool:
    """Left alone, it would have been started again."""
    return pod.upload.exit_code not in FINAL_CODES and (pod.restart_rules or pod.taken_away)


def _upload_message(pod: PodFacts) -> str:
    result = pod.upload.result
    return "" if result is None else result.message


def _staging_failed(job: ProcessingJob, pod: PodFacts, container: str) -> Outcome:
    """Fetch or upload has given up, and said why."""
    facts = pod.fetch if container == names.FETCH else pod.upload
    result, code = facts.result, facts.exit_code or 0
    fallback = Reason.SCRIPT_NOT_STARTED if container == names.FETCH else Reason.UPLOAD_FAILED
    reason = result.reason if result is not None and result.reason else fallback
    said = "it left no readable result" if result is None else join(result.message, *result.errors)
    text = f"{container_ended(pod, container, code)}: {said}"
    if reason == Reason.STOP_REQUESTED:
        return Outcome(
            State.STOPPED, Reason.STOP_REQUESTED, f"attempt {pod.attempt}: stopped before the script started"
        )
    return Outcome(State.FAILED, reason, with_next_step(text, reason, log=logs_command(job, pod, container)))


def _start_failed(pod: PodFacts) -> Outcome:
    end = pod.script.end
    assert end is not None  # noqa: S101 - by the caller
    text = f"{container_ended(pod, names.SCRIPT, end.exit_code)} before it ran: {join(end.reason, end.message)}"
    reason = Reason.COMMAND_NOT_FOUND
    return Outcome(State.FAILED, reason, with_next_step(text, reason))


def _lost(pod: PodFacts, *, before_start: bool = False) -> Outcome:
    reason = loss_reason(pod)
    text = loss_message(pod, before_start=before_start)
    if before_start:
        return Outcome(State.FAILED, reason, text, before_start=True)
    return Outcome(State.FAILED, reason, with_next_step(join(text, _upload_message(pod)), reason))
