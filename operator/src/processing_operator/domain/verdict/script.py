"""How the script itself ended: by the launcher's record; where there is none, by the kubelet's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from processing_operator.api.protocol import SCRIPT
from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain.facts import Cause
from processing_operator.domain.verdict.advice import POD_LIMIT, script_step
from processing_operator.domain.verdict.end import End
from processing_operator.domain.wording import container_ended, is_stop_requested, join, memory_limit

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import PodFacts
    from processing_operator.domain.results import ExitRecord

_BY_ITSELF: Final = "Exited"
_BY_SIGNAL: Final = "Signaled"
_BY_WHAT_IT_DID: Final = ("SelfSignaled", "Hindered")
"""To process 1 of its container."""
_TAKEN: Final = "Terminated"
_SIGKILL: Final = 9
_KILLED: Final = 137
CUT_OFF: Final = (_KILLED, 143)
"""SIGKILL, SIGTERM."""
_MIB: Final = 1024**2


def judge_script(job: ProcessingJob, pod: PodFacts) -> End | None:
    """The end of a script that has ended; its outputs are another matter.

    None: it did not end by itself, its Pod was taken from it.
    """
    record = pod.record
    if record is None:
        return _without_record(job, pod)
    return None if record.rebooted or record.reason == _TAKEN else _by_record(job, pod, record)


def _by_record(job: ProcessingJob, pod: PodFacts, record: ExitRecord) -> End:
    if record.reason in (Reason.STOP_REQUESTED, Reason.MAX_RUNTIME_EXCEEDED):
        return _stopped(job, pod, record)
    if record.reason == Reason.WORKSPACE_FULL:
        other = POD_LIMIT in record.message
        full = "" if other else f"the workspace of {job.spec.workspace.size} was full"
        return _failed(pod, Reason.WORKSPACE_FULL, join(full, record.message))
    if record.reason == Reason.COMMAND_NOT_FOUND:
        return _failed(pod, Reason.COMMAND_NOT_FOUND, join(f"the command is {job.spec.command[0]!r}", record.message))
    if record.reason == _BY_ITSELF and record.code == 0:
        return _completed(pod)
    if record.reason in (_BY_ITSELF, _BY_SIGNAL) and _is_out_of_memory(pod):
        return _failed(pod, Reason.OUT_OF_MEMORY, _memory(job, pod))
    known = record.reason in (_BY_ITSELF, _BY_SIGNAL, *_BY_WHAT_IT_DID)
    strange = "" if known else f"the launcher says {record.reason or 'nothing'!r}"
    return _failed(pod, Reason.SCRIPT_FAILED, join(strange, record.message))


def _without_record(job: ProcessingJob, pod: PodFacts) -> End | None:
    """The uploader has told that there is none, or has left nothing readable at all."""
    told, code = pod.upload.last_result is not None, pod.exit_code or 0
    cut_off = pod.taken_away and code in CUT_OFF and not _is_out_of_memory(pod)
    if (pod.sandbox_lost and (told or code != 0)) or cut_off:
        return None
    if code != 0 and _is_out_of_memory(pod):
        return _failed(pod, Reason.OUT_OF_MEMORY, _memory(job, pod))
    if code == 0 and told:
        return _failed(pod, Reason.EXIT_UNKNOWN, "no record tells how the script ended", Cause.INFRASTRUCTURE)
    if code == 0:
        return _completed(pod)
    who = "it was killed by signal 9, by whom is not known" if code == _KILLED else ""
    return _failed(pod, Reason.SCRIPT_FAILED, who)


def _is_out_of_memory(pod: PodFacts) -> bool:
    """With code 0 it is no failure: on cgroup v1 the kubelet says OOMKilled when only a child was killed, too.

    A shell passes the end of what it has called on as its own code.
    """
    record, end = pod.record, pod.script.end
    if record is not None and record.oom_kills > 0 and (record.signal == _SIGKILL or record.code == _KILLED):
        return True
    return end is not None and end.reason == "OOMKilled"


def _memory(job: ProcessingJob, pod: PodFacts) -> str:
    limit, used = memory_limit(job), 0 if pod.record is None else pod.record.peak_memory
    peak = f"its peak was {used // _MIB} MiB" if used else ""
    return join("it was killed for want of memory", f"its limit is {limit}" if limit else "", peak)


def _completed(pod: PodFacts) -> End:
    return End(State.COMPLETED, text=f"the script ended with exit code 0 (attempt {pod.attempt})")


def _stopped(job: ProcessingJob, pod: PodFacts, record: ExitRecord) -> End:
    """A stop that the job was not asked for came from the operator: the launcher had let the time pass."""
    limit = job.spec.timeouts.run_seconds
    overran = record.milliseconds >= limit * 1000 and not is_stop_requested(job)
    reason = Reason.MAX_RUNTIME_EXCEEDED if overran else Reason(record.reason)
    too_long = f"it ran longer than spec.timeouts.runSeconds, {limit}"
    why = "it was asked to stop" if reason is Reason.STOP_REQUESTED else too_long
    return End(State.STOPPED, reason, f"{container_ended(pod, SCRIPT, pod.exit_code or 0)}: {why}", Cause.STOP)


def _failed(pod: PodFacts, reason: Reason, detail: str, cause: Cause = Cause.SCRIPT) -> End:
    text, code = container_ended(pod, SCRIPT, pod.exit_code or 0), pod.exit_code or 0
    hint, step = script_step(reason, code, pod.record)
    return End(State.FAILED, reason, join(f"{text}: {detail}" if detail else text, hint), cause, step)
