"""What the status says in one word and one sentence while the job goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from processing_operator.api.status import State
from processing_operator.domain import names
from processing_operator.domain.stopping import is_stop_requested
from processing_operator.domain.wording import code_text, join

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.containers import ContainerFacts
    from processing_operator.domain.facts import Progress
    from processing_operator.domain.observe import PodFacts


@dataclass(frozen=True)
class Headline:
    """State, sentence, and the reason of the condition Reconciling (by default the state)."""

    state: State
    message: str
    reason: str = ""


def headline(job: ProcessingJob, pod: PodFacts, progress: Progress | None) -> Headline:
    """What the Pod is doing."""
    state, message = _doing(pod, progress)
    if pod.deleting is not None:
        text = join(f"{message}: its Pod {pod.name} is being deleted", "" if pod.disruption is None else pod.message)
        return Headline(State.STOPPING, text)
    if is_stop_requested(job):
        return Headline(State.STOPPING, f"{message}: a stop was requested")
    return Headline(state, message)


def _doing(pod: PodFacts, progress: Progress | None) -> tuple[State, str]:
    attempt = f"(attempt {pod.attempt})"
    if pod.script_started and pod.script.end is not None:
        return State.UPLOADING, join(f"uploading {attempt}", _restarts(names.UPLOAD, pod.upload), _amount(progress))
    if pod.script_started:
        return State.RUNNING, join(f"script is running {attempt}", _restarts(names.UPLOAD, pod.upload))
    if pod.script.end is not None and pod.script.end.start_failed:
        return State.PENDING, f"container {names.SCRIPT} could not be started; container {names.UPLOAD} ends {attempt}"
    if pod.fetch.exit_code == 0:
        return State.PENDING, f"inputs are in place; container {names.SCRIPT} is being started {attempt}"
    if pod.fetch.started:
        return State.DOWNLOADING, join(f"downloading {attempt}", _restarts(names.FETCH, pod.fetch), _amount(progress))
    return State.PENDING, f"Pod {pod.name} is being started {attempt}"


def _restarts(container: str, facts: ContainerFacts) -> str:
    """Nothing, for a container that was never started again."""
    end = facts.last_end or facts.end
    if facts.restarts == 0 or end is None:
        return ""
    said = "" if facts.last_result is None else facts.last_result.message
    return join(f"container {container} was restarted, {facts.restarts} in all, after {code_text(end.exit_code)}", said)


def _amount(progress: Progress | None) -> str:
    """How far it is. Left out when it is not known: the status keeps what it said last."""
    if progress is None:
        return ""
    objects, size = _of(progress.objects, progress.total_objects), _of(progress.bytes, progress.total_bytes)
    trouble = f"{progress.retries} retries, last error: {progress.error}" if progress.error else ""
    return join(f"{objects} objects, {size} bytes", trouble)


def _of(part: int, total: int | None) -> str:
    return str(part) if total is None else f"{part} of {total}"
