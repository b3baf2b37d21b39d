"""The script's own end: the kubelet's word for the code, the launcher's record for the why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain import names
from processing_operator.domain.wording import clip, container_ended, join, with_next_step

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.observe import PodFacts
    from processing_operator.domain.results import ExitRecord

_SIGKILL: Final = 9
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127
_CUT_OFF: Final = (137, 143)  # SIGKILL, SIGTERM
_MIB: Final = 1024**2


@dataclass(frozen=True)
class ScriptEnd:
    """How the script ended. `lost`: it did not end by itself; the Pod was taken from it."""

    state: State
    reason: str = ""
    message: str = ""
    lost: bool = False


def judge_script(job: ProcessingJob, pod: PodFacts) -> ScriptEnd:
    """The verdict on a script that has ended. Its outputs are another matter."""
    record = exit_record(pod)
    reason = "" if record is None else record.reason
    if reason == "Terminated" or (record is None and _was_cut_off(pod)):
        return ScriptEnd(State.FAILED, lost=True)
    if reason in (Reason.STOP_REQUESTED, Reason.MAX_RUNTIME_EXCEEDED):
        return _stopped(job, pod, Reason(reason))
    if reason in (Reason.WORKSPACE_FULL, Reason.COMMAND_NOT_FOUND):
        return _failed(pod, Reason(reason), _detail(job, pod, Reason(reason)))
    return _judge_code(job, pod)


def _was_cut_off(pod: PodFacts) -> bool:
    """No record tells of its end, and its Pod was lost: the signal came from there."""
    if pod.sandbox_lost:
        return pod.script.exit_code != 0
    return pod.taken_away and pod.script.exit_code in _CUT_OFF and not _is_out_of_memory(pod)


def exit_record(pod: PodFacts) -> ExitRecord | None:
    """The launcher's record, as the uploader passed it on."""
    result = pod.upload.last_result
    return None if result is None else result.exit


def _judge_code(job: ProcessingJob, pod: PodFacts) -> ScriptEnd:
    code = pod.script.exit_code or 0
    if code == 0:
        return ScriptEnd(State.COMPLETED, message=f"the script ended with exit code 0 (attempt {pod.attempt})")
    if _is_out_of_memory(pod):
        return _failed(pod, Reason.OUT_OF_MEMORY, _memory(job, pod))
    if code in (_NOT_EXECUTABLE, _NOT_FOUND):
        return _failed(pod, Reason.COMMAND_NOT_FOUND, _detail(job, pod, Reason.COMMAND_NOT_FOUND))
    return _failed(pod, Reason.SCRIPT_FAILED, _said(pod))


def _is_out_of_memory(pod: PodFacts) -> bool:
    """With code 0 it is no failure: on cgroup v1 the kubelet says OOMKilled when only a child was killed, too."""
    record, end = exit_record(pod), pod.script.end
    killed = record is not None and record.oom_kills > 0 and record.signal == _SIGKILL
    return killed or (end is not None and end.reason == "OOMKilled")


def _memory(job: ProcessingJob, pod: PodFacts) -> str:
    limits = None if job.spec.resources is None else job.spec.resources.limits
    limit = (limits or {}).get("memory")
    record = exit_record(pod)
    peak = "" if record is None or not record.peak_memory else f"its peak was {record.peak_memory // _MIB} MiB"
    return join("it was killed for want of memory", f"its limit is {limit}" if limit else "", peak)


def _stopped(job: ProcessingJob, pod: PodFacts, reason: Reason) -> ScriptEnd:
    why = "it was asked to stop"
    if reason is Reason.MAX_RUNTIME_EXCEEDED:
        why = f"it ran longer than spec.maxRuntimeSeconds, {job.spec.max_runtime_seconds}"
    text = f"{container_ended(pod, names.SCRIPT, pod.script.exit_code or 0)}: {why}"
    return ScriptEnd(State.STOPPED, reason, with_next_step(text, reason))


def _detail(job: ProcessingJob, pod: PodFacts, reason: Reason) -> str:
    if reason is Reason.COMMAND_NOT_FOUND:
        return join(f"the command is {job.spec.command[0]!r}", _said(pod))
    return join(f"the workspace of {job.spec.workspace.size} was full", _said(pod))


def _said(pod: PodFacts) -> str:
    """The launcher's words."""
    record = exit_record(pod)
    return "" if record is None else record.message


def _failed(pod: PodFacts, reason: Reason, detail: str) -> ScriptEnd:
    text = container_ended(pod, names.SCRIPT, pod.script.exit_code or 0)
    return ScriptEnd(State.FAILED, reason, clip(f"{text}: {detail}" if detail else text))
