"""How a Pod ended, and the sentence that it becomes: what happened, kills for want of memory, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain.facts import Cause, Verdict
from processing_operator.domain.wording import NEXT_STEP, join, killed_for_memory, logs_command, with_next_step

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import PodFacts


@dataclass(frozen=True)
class End:
    """What is judged, before it is told.

    Attributes:
        text: what happened.
        step: what to do, where the reason's own step does not fit.
        log: the container whose log tells more.
    """

    state: State
    reason: str = ""
    text: str = ""
    cause: Cause | None = None
    step: str | None = None
    log: str = ""


def tell(job: ProcessingJob, pod: PodFacts, end: End) -> Verdict:
    """The verdict, with its sentence. What another attempt makes good needs no next step."""
    if end.cause is Cause.BEFORE_START:
        return Verdict(end.state, end.reason, end.text, end.cause)
    kills = "" if end.reason == Reason.OUT_OF_MEMORY else _counted_kills(job, pod)
    step = NEXT_STEP.get(end.reason, "") if end.step is None else end.step
    step = _with_memory(end, step) if kills else step
    log = logs_command(job, pod, end.log) if end.log else ""
    message = with_next_step(join(end.text, kills), end.reason, step=step, log=log)
    return Verdict(end.state, end.reason, message, end.cause)


def _counted_kills(job: ProcessingJob, pod: PodFacts) -> str:
    """What the launcher has counted; without a count, the kubelet's word: it says so too when a child was killed."""
    record, script = pod.record, pod.script.end
    if record is not None and record.oom_kills > 0:
        return killed_for_memory(job, record.oom_kills)
    if script is not None and script.reason == "OOMKilled":
        return f"the kubelet says OOMKilled: {killed_for_memory(job, 1)}"
    return ""


def _with_memory(end: End, step: str) -> str:
    """Whoever was killed may be why it ended so: the memory comes first."""
    memory = NEXT_STEP[Reason.OUT_OF_MEMORY]
    if end.state is State.COMPLETED:
        return f"see whether the outputs are whole, else {memory}"
    if end.reason == Reason.MAX_RUNTIME_EXCEEDED:
        return f"{memory}: it may have waited for the process that was killed; only if it needs longer, {step}"
    return f"{memory}; {step}" if step else memory
