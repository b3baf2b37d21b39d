"""Jobs whose inputs are other jobs' outputs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from processing_operator.api.conditions import ConditionType, is_true
from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.api.v1alpha1 import UploadOn
from processing_operator.domain import status
from processing_operator.domain.attempts import candidate, is_open
from processing_operator.domain.headline import Headline
from processing_operator.domain.outcome import Outcome
from processing_operator.domain.plan import Plan
from processing_operator.domain.pods.sources import find_output
from processing_operator.domain.wording import with_next_step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from processing_operator.api.v1alpha1 import Input, JobSource, ProcessingJob
    from processing_operator.domain.facts import Facts


@dataclass(frozen=True)
class _Verdict:
    """About one input: nothing to wait for (no text), to be waited for, or hopeless."""

    text: str = ""
    hopeless: bool = False


def awaiting(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    """Waits until every job named by `from` has completed; fails at once where that cannot help."""
    if is_open(job.status) or candidate(job, facts) is not None:
        return None
    verdicts = list(_judge_inputs(job, facts))
    if hopeless := [verdict.text for verdict in verdicts if verdict.hopeless]:
        return _failed(job, now, Reason.INPUT_JOB_FAILED, hopeless[0])
    if not (waiting := [verdict.text for verdict in verdicts if verdict.text]):
        return None
    text = f"waiting for {', and for '.join(dict.fromkeys(waiting))}"
    deadline = _waits_since(job, now) + timedelta(seconds=job.spec.pending_timeout_seconds)
    if now >= deadline:
        since = f"{text}, for longer than spec.pendingTimeoutSeconds, {job.spec.pending_timeout_seconds}"
        return _failed(job, now, Reason.PENDING_TIMEOUT, since)
    return Plan(status=status.ongoing(job, now, Headline(State.WAITING, text)), requeue_at=deadline)


def _waits_since(job: ProcessingJob, now: datetime) -> datetime:
    """From the job's creation; a later attempt from the end of the one before."""
    history = job.status.attempt_history
    return (history[-1].end_time if history else job.metadata.creation_timestamp) or now


def _judge_inputs(job: ProcessingJob, facts: Facts) -> Iterator[_Verdict]:
    for source in job.spec.inputs:
        if source.from_ is not None:
            yield _judge_input(job, source, source.from_, facts.awaited.get(source.from_.job))


def _judge_input(job: ProcessingJob, source: Input, wanted: JobSource, other: ProcessingJob | None) -> _Verdict:
    where = f"input {source.name}: job {wanted.job}"
    if wanted.job == job.metadata.name:
        return _Verdict(f"{where} is this job itself", hopeless=True)
    if other is None:
        return _Verdict(f"job {wanted.job} to be created (input {source.name})")
    if (refusal := _refuse(job, wanted, other)) is not None:
        return _Verdict(f"{where} {refusal}", hopeless=True)
    return _judge_end(where, source, other)


def _refuse(job: ProcessingJob, wanted: JobSource, other: ProcessingJob) -> str | None:
    """Why the other job can never give that output to this one."""
    output = find_output(other, wanted.output)
    if output is None:
        names = ", ".join(output.name for output in other.spec.outputs) or "none"
        return f"has no output named {wanted.output} (it has: {names})"
    if output.s3.upload_on is UploadOn.ON_FAILURE:
        return f"uploads its output {wanted.output} only when it fails"
    mine, theirs = _endpoint(job), _endpoint(other)
    if mine != theirs:
        return f"has another store: its spec.s3.endpoint is {theirs}, that of this job is {mine}"
    return None


def _judge_end(where: str, source: Input, other: ProcessingJob) -> _Verdict:
    """By the conditions: the state is for people."""
    conditions = other.status.conditions
    if is_true(conditions, ConditionType.COMPLETE):
        return _Verdict()
    for kind in (ConditionType.FAILED, ConditionType.STOPPED):
        if is_true(conditions, kind):
            said = other.status.message or other.status.failure_reason or ""
            return _Verdict(f"{where} has {kind.lower()}: {said}", hopeless=True)
    return _Verdict(f"job {other.metadata.name} to complete (input {source.name})")


def _endpoint(job: ProcessingJob) -> str:
    endpoint = job.spec.s3.endpoint
    return "AWS" if endpoint is None else endpoint.rstrip("/")


def _failed(job: ProcessingJob, now: datetime, reason: Reason, text: str) -> Plan:
    return Plan(status=status.ended(job, now, Outcome(State.FAILED, reason, with_next_step(text, reason))))
