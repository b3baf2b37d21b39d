"""What a Pod shows, for the status: phases, counts, instances, exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from processing_operator.api.protocol import FAILED_FOR_GOOD, FINAL_CODES, WAITS_OUTSIDE
from processing_operator.api.status import (
    InputStatus,
    InstanceState,
    InstanceStatus,
    OutputStatus,
    PhaseStatus,
    Restarts,
    State,
    UploadState,
)
from processing_operator.domain.facts import Seen
from processing_operator.domain.pods.plan_annotation import output_uri

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.status import JobStatus
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import Attempt, Instance, PodFacts
    from processing_operator.domain.results import Item, StageResult

    Span = tuple[datetime | None, datetime | None]

_EXIT_MESSAGE_BYTES: Final = 1024
_SCRIPTS: Final = [State.RUNNING, State.UPLOADING]
_UPLOAD_STATES: Final = {
    "C": UploadState.COMPLETE,
    "E": UploadState.COMPLETE,
    "F": UploadState.FAILED,
    "S": UploadState.SKIPPED,
    "W": UploadState.NOT_REACHED,
}


def report(job: ProcessingJob, attempt: Attempt | None) -> dict[str, Any]:
    """Fields of the status by name. No attempt, and a Pod that is gone without a word, leave them as they were."""
    if attempt is None:
        return {}
    pod, before = attempt.pod, job.status
    if pod is None:
        return {"instances": _read_instances(attempt, before)}
    restarts = Restarts(fetch=pod.fetch.restarts, upload=pod.upload.restarts)
    return {
        "phases": _read_phases(pod, before.phases),
        "inputs": _read_inputs(job, pod),
        "outputs": _read_outputs(job, pod),
        "instances": _read_instances(attempt, before),
        "restarts": restarts if restarts != Restarts() else None,
        "exit_code": before.exit_code if pod.exit_code is None else pod.exit_code,
        "exit_message": _exit_message(pod) or before.exit_message,
    }


def _exit_message(pod: PodFacts) -> str | None:
    """What the script left in /opt/ml/output/message: the launcher has made it its termination message."""
    end = pod.script.end
    if end is None or not end.ran or not end.message or pod.launcher_said:
        return None
    return end.message.encode(errors="replace")[:_EXIT_MESSAGE_BYTES].decode(errors="ignore")


# -- phases


def _read_phases(pod: PodFacts, previous: tuple[PhaseStatus, ...]) -> tuple[PhaseStatus, ...]:
    """Downloading, Running, Uploading, as far as they have come, by the containers' own times.

    What was seen once stays: in a new sandbox containers start anew.
    """
    seen = {phase.name: phase for phase in previous}
    for phase in [State.DOWNLOADING] if _looked_in_vain(pod) else _SCRIPTS if pod.never_started else []:
        seen.pop(phase, None)
    spans = {State.DOWNLOADING: _downloading(pod), State.RUNNING: _running(pod), State.UPLOADING: _uploading(pod)}
    phases = []
    for name, (start, end) in spans.items():
        told = seen.get(name) or PhaseStatus(name=name)
        if (began := told.start_time or start) is not None:
            phases.append(PhaseStatus(name=name, start_time=began, end_time=told.end_time or end))
    return tuple(phases)


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
    return not pod.script.started and last is not None and last.exit_code == WAITS_OUTSIDE


def _running(pod: PodFacts) -> Span:
    if not pod.script.started or pod.never_started:
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


# -- counts


def _read_inputs(job: ProcessingJob, pod: PodFacts) -> tuple[InputStatus, ...]:
    """From fetch's result. After the script has started fetch does nothing more, and its result says nothing."""
    items = () if pod.sandbox_lost else _items(pod.fetch.result, len(job.spec.inputs))
    pairs = zip(job.spec.inputs, items, strict=False)
    return tuple(InputStatus(name=source.name, **_counts(item)) for source, item in pairs) or job.status.inputs


def _read_outputs(job: ProcessingJob, pod: PodFacts) -> tuple[OutputStatus, ...]:
    items = _items(pod.upload.result, len(job.spec.outputs))
    read = (
        OutputStatus(name=output.name, uri=output_uri(output), upload=_UPLOAD_STATES.get(item.state), **_counts(item))
        for output, item in zip(job.spec.outputs, items, strict=False)
    )
    return tuple(read) or job.status.outputs


def _items(result: StageResult | None, expected: int) -> tuple[Item, ...]:
    """The items, if they are as many as they should be: they are told apart by their position alone."""
    return () if result is None or len(result.items) != expected else result.items


def _counts(item: Item) -> dict[str, Any]:
    return {"objects": item.objects, "bytes": item.bytes, "seconds": item.milliseconds / 1000}


# -- instances


def _read_instances(attempt: Attempt, before: JobStatus) -> tuple[InstanceStatus, ...]:
    """One whose Pod is gone without a word stays as it was: its uid must not be forgotten."""
    return tuple(
        told.model_copy(update={"state": InstanceState.LOST}) if one.pod is None else read_instance(one)
        for one, told in zip(attempt.instances, before.instances, strict=True)
    )


def read_instance(instance: Instance) -> InstanceStatus:
    """The instance as its Pod stands."""
    pod = instance.pod
    assert pod is not None  # noqa: S101 - by the callers
    return InstanceStatus(
        index=instance.index,
        pod=pod.name,
        pod_uid=pod.uid,
        # told together with the first container's start: a write for the node alone would be one too many
        node=(pod.node or None) if pod.fetch.started else None,
        state=_state(instance, pod),
        exit_code=pod.exit_code,
    )


def _state(instance: Instance, pod: PodFacts) -> InstanceState:
    failed = instance.verdict is not None and instance.verdict.state is State.FAILED
    ended = pod.script.end is not None and pod.upload.end is not None
    if ended and pod.exit_code == 0 and pod.upload.exit_code == 0 and not failed:
        return InstanceState.SUCCEEDED
    gave_up = pod.fetch.exit_code == FAILED_FOR_GOOD or (ended and pod.upload.exit_code in FINAL_CODES)
    if pod.phase == "Failed" or gave_up:
        return InstanceState.FAILED
    if instance.seen is Seen.GONE:
        return InstanceState.LOST
    return InstanceState.RUNNING if pod.fetch.started else InstanceState.PENDING
