"""The whole status, made anew: what the Pod shows is read there, the rest is kept from the status before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from processing_operator.api.status import AttemptRecord, JobStatus, State
from processing_operator.domain.conditions import ended_conditions, ongoing_conditions
from processing_operator.domain.containers import FAILED_FOR_GOOD
from processing_operator.domain.counts import read_inputs, read_outputs
from processing_operator.domain.instances import read_instance, script_exit_code
from processing_operator.domain.phases import read_phases
from processing_operator.domain.wording import clip

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.headline import Headline
    from processing_operator.domain.observe import PodFacts
    from processing_operator.domain.outcome import Outcome

HISTORY_LENGTH: Final = 10
EXIT_MESSAGE_BYTES: Final = 1024
_REASON_LENGTH: Final = 253
_MOVES_DATA: Final = (State.DOWNLOADING, State.UPLOADING)


def ongoing(job: ProcessingJob, now: datetime, head: Headline, pod: PodFacts | None = None) -> JobStatus:
    """The job goes on."""
    return _change(
        job,
        **_seen(job, pod),
        state=head.state,
        message=_keep_amount(job.status, head),
        conditions=ongoing_conditions(job, now, head, pod),
    )


def begun(job: ProcessingJob, now: datetime, head: Headline, pod: PodFacts) -> JobStatus:
    """An attempt begins with this Pod; the one before is history."""
    return _change(
        job,
        state=head.state,
        message=clip(head.message),
        start_time=job.status.start_time or pod.created_at or now,
        attempts=pod.attempt,
        phases=(),
        inputs=(),
        outputs=(),
        exit_code=None,
        exit_message=None,
        instances=(read_instance(pod),),
        conditions=ongoing_conditions(job, now, head, pod),
    )


def closed(job: ProcessingJob, now: datetime, head: Headline, pod: PodFacts, outcome: Outcome) -> JobStatus:
    """The attempt was lost before its script started; another will follow."""
    record = AttemptRecord(
        attempt=pod.attempt,
        reason=clip(outcome.reason, _REASON_LENGTH),
        message=clip(outcome.message),
        start_time=pod.created_at,
        end_time=now,
    )
    history = (*job.status.attempt_history, record)[-HISTORY_LENGTH:]
    return ongoing(job, now, head, pod).model_copy(update={"attempt_history": history})


def doomed(job: ProcessingJob, now: datetime, head: Headline, pod: PodFacts) -> JobStatus:
    """The job will fail for this reason, as soon as its Pod, which must not start the script any more, is gone."""
    return ongoing(job, now, head, pod).model_copy(update={"failure_reason": head.reason})


def ended(job: ProcessingJob, now: datetime, outcome: Outcome, pod: PodFacts | None = None) -> JobStatus:
    """The job has ended: written once."""
    return _change(
        job,
        **_seen(job, pod),
        state=outcome.state,
        message=clip(outcome.message),
        completion_time=_end_time(pod) or now,
        failure_reason=clip(outcome.reason, _REASON_LENGTH) or None,
        conditions=ended_conditions(job, now, outcome, pod),
    )


def _change(job: ProcessingJob, **changes: Any) -> JobStatus:
    kept = {name: getattr(job.status, name) for name in JobStatus.model_fields}
    return JobStatus(**{**kept, "observed_generation": job.metadata.generation, **changes})


def _seen(job: ProcessingJob, pod: PodFacts | None) -> dict[str, Any]:
    """What the Pod shows. A Pod that is gone without a word leaves the status as it was."""
    if pod is None:
        return {}
    before = job.status
    code, message = script_exit_code(pod), _exit_message(pod)
    return {
        "phases": read_phases(pod, before.phases),
        "inputs": read_inputs(job, pod, before.inputs),
        "outputs": read_outputs(job, pod, before.outputs),
        "instances": (read_instance(pod),),
        "exit_code": before.exit_code if code is None else code,
        "exit_message": before.exit_message if message is None else message,
    }


def _exit_message(pod: PodFacts) -> str | None:
    """What the script left in /opt/ml/output/message: the launcher has made it its termination message."""
    end = pod.script.end
    if end is None or not end.ran or not end.message:
        return None
    return end.message.encode(errors="replace")[:EXIT_MESSAGE_BYTES].decode(errors="ignore")


def _keep_amount(before: JobStatus, head: Headline) -> str:
    """How far the transfer is, is not known at each look: what was said last stays, instead of coming and going."""
    said = before.message or ""
    same = before.state == head.state and head.state in _MOVES_DATA
    return said if same and said.startswith(head.message) else clip(head.message)


def _end_time(pod: PodFacts | None) -> datetime | None:
    """When the last of the containers ended, if all that were started have; None where they did not end the job."""
    if pod is None or not (pod.script_started or pod.fetch.exit_code == FAILED_FOR_GOOD):
        return None
    started = [container for container in (pod.fetch, pod.script, pod.upload) if container.started]
    times = [container.end.finished_at for container in started if container.end is not None]
    known = [time for time in times if time is not None]
    return max(known) if known and len(known) == len(started) else None
