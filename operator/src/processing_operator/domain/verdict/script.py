"""How the script itself ended: by the launcher's record; where there is none, by the kubelet's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from processing_operator.api.protocol import SCRIPT
from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain.facts import Cause, Verdict
from processing_operator.domain.wording import container_ended, join, with_next_step

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import PodFacts
    from processing_operator.domain.results import ExitRecord

_BY_ITSELF: Final = "Exited"
_SIGKILL: Final = 9
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127
_KILLED: Final = 137
_CUT_OFF: Final = (_KILLED, 143)  # SIGKILL, SIGTERM
_MIB: Final = 1024**2


def judge_script(job: ProcessingJob, pod: PodFacts) -> Verdict | None:
    """The verdict on a script that has ended; its outputs are another matter.

    None: it did not end by itself, its Pod was taken from it.
    """
    record = pod.record
    if record is None:
        return _without_record(job, pod)
    taken = record.rebooted or record.reason == "Terminated"
    return None if taken else _by_record(job, pod, record)


def _by_record(job: ProcessingJob, pod: PodFacts, record: ExitRecord) -> Verdict:
    reason = record.reason
    if reason in (Reason.STOP_REQUESTED, Reason.MAX_RUNTIME_EXCEEDED):
        return _stopped(job, pod, Reason(reason))
    if reason == Reason.WORKSPACE_FULL:
        detail = join(f"the workspace of {job.spec.workspace.size} was full", record.message)
        return _failed(pod, Reason.WORKSPACE_FULL, detail)
    if reason == Reason.COMMAND_NOT_FOUND or record.code in (_NOT_EXECUTABLE, _NOT_FOUND):
        return _failed(pod, Reason.COMMAND_NOT_FOUND, join(f"the command is {job.spec.command[0]!r}", record.message))
    if record.code == 0:
        return _completed(pod) if reason == _BY_ITSELF else _unknown(pod, f"the launcher says {reason or 'nothing'!r}")
    if _is_out_of_memory(pod):
        return _failed(pod, Reason.OUT_OF_MEMORY, _memory(job, pod))
    return _failed(pod, Reason.SCRIPT_FAILED, record.message)


def _without_record(job: ProcessingJob, pod: PodFacts) -> Verdict | None:
    """The uploader has told that there is none, or has left nothing readable at all."""
    told, code = pod.upload.last_result is not None, pod.exit_code or 0
    cut_off = pod.taken_away and code in _CUT_OFF and not _is_out_of_memory(pod)
    if (pod.sandbox_lost and (told or code != 0)) or cut_off:
        return None
    if code != 0 and _is_out_of_memory(pod):
        return _failed(pod, Reason.OUT_OF_MEMORY, _memory(job, pod))
    if code == 0 and told:
        return _unknown(pod, "no record tells how the script ended")
    if code == 0:
        return _completed(pod)
    who = "it was killed by signal 9, by whom is not known" if code == _KILLED else ""
    return _failed(pod, Reason.SCRIPT_FAILED, who)


def _is_out_of_memory(pod: PodFacts) -> bool:
    """With code 0 it is no failure: on cgroup v1 the kubelet says OOMKilled when only a child was killed, too."""
    record, end = pod.record, pod.script.end
    killed = record is not None and record.oom_kills > 0 and record.signal == _SIGKILL
    return killed or (end is not None and end.reason == "OOMKilled")


def _memory(job: ProcessingJob, pod: PodFacts) -> str:
    limits = None if job.spec.resources is None else job.spec.resources.limits
    limit = (limits or {}).get("memory")
    used = 0 if pod.record is None else pod.record.peak_memory
    peak = f"its peak was {used // _MIB} MiB" if used else ""
    return join("it was killed for want of memory", f"its limit is {limit}" if limit else "", peak)


def _completed(pod: PodFacts) -> Verdict:
    return Verdict(State.COMPLETED, message=f"the script ended with exit code 0 (attempt {pod.attempt})")


def _unknown(pod: PodFacts, detail: str) -> Verdict:
    return _failed(pod, Reason.EXIT_UNKNOWN, detail, Cause.INFRASTRUCTURE)


def _stopped(job: ProcessingJob, pod: PodFacts, reason: Reason) -> Verdict:
    why = "it was asked to stop"
    if reason is Reason.MAX_RUNTIME_EXCEEDED:
        why = f"it ran longer than spec.timeouts.runSeconds, {job.spec.timeouts.run_seconds}"
    text = f"{container_ended(pod, SCRIPT, pod.exit_code or 0)}: {why}"
    return Verdict(State.STOPPED, reason, with_next_step(text, reason), Cause.STOP)


def _failed(pod: PodFacts, reason: Reason, detail: str, cause: Cause = Cause.SCRIPT) -> Verdict:
    text = container_ended(pod, SCRIPT, pod.exit_code or 0)
    return Verdict(State.FAILED, reason, f"{text}: {detail}" if detail else text, cause)
