"""When each phase of the current attempt began and ended, by the containers' own times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processing_operator.api.status import PhaseStatus, State
from processing_operator.domain.containers import FINAL_CODES, WAITS_OUTSIDE

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.domain.observe import PodFacts

Span = tuple["datetime | None", "datetime | None"]


def read_phases(pod: PodFacts, previous: tuple[PhaseStatus, ...]) -> tuple[PhaseStatus, ...]:
    """Downloading, Running, Uploading, as far as they have come.

    What was seen once stays: in a new sandbox containers start anew.
    """
    seen = {phase.name: phase for phase in previous}
    if _looked_in_vain(pod):
        seen.pop(State.DOWNLOADING, None)
    spans = {State.DOWNLOADING: _downloading(pod), State.RUNNING: _running(pod), State.UPLOADING: _uploading(pod)}
    phases = (_merge(name, span, seen.get(name)) for name, span in spans.items())
    return tuple(phase for phase in phases if phase is not None)


def _merge(name: State, span: Span, seen: PhaseStatus | None) -> PhaseStatus | None:
    start, end = span
    if seen is not None:
        start, end = seen.start_time or start, seen.end_time or end
    return None if start is None else PhaseStatus(name=name, start_time=start, end_time=end)


def _downloading(pod: PodFacts) -> Span:
    if pod.sandbox_lost and pod.fetch.last_end is not None:
        return pod.fetch.last_end.started_at, pod.fetch.last_end.finished_at
    end = pod.fetch.end
    start = pod.fetch.started_at if _looked_in_vain(pod) else pod.fetch.first_start
    if end is not None and end.exit_code == WAITS_OUTSIDE:
        return None, None
    return start, None if end is None or end.exit_code not in FINAL_CODES else end.finished_at


def _looked_in_vain(pod: PodFacts) -> bool:
    """Fetch's last run has only found that something is missing: it has not downloaded anything."""
    last = pod.fetch.last_end
    return not pod.script_started and last is not None and last.exit_code == WAITS_OUTSIDE


def _running(pod: PodFacts) -> Span:
    if not pod.script_started:
        return None, None
    return pod.script.first_start, None if pod.script.end is None else pod.script.end.finished_at


def _uploading(pod: PodFacts) -> Span:
    """From the script's end: before that, the uploader waits."""
    _, script_ended = _running(pod)
    end = pod.upload.end
    if script_ended is None:
        return None, None
    uploaded = None if end is None or end.exit_code not in FINAL_CODES else end.finished_at
    return script_ended, uploaded if uploaded is None else max(uploaded, script_ended)
