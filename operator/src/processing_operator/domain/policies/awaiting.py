"""Jobs whose inputs are other jobs' outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processing_operator.api.conditions import ConditionType, is_true
from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.api.v1alpha1 import UploadOn
from processing_operator.domain.actions import Decision
from processing_operator.domain.facts import Cause
from processing_operator.domain.pending import too_long, wait
from processing_operator.domain.pods.plan_annotation import find_output
from processing_operator.domain.wording import Headline, failed

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.v1alpha1 import JobSource, ProcessingJob
    from processing_operator.domain.facts import Facts


def awaiting(job: ProcessingJob, facts: Facts, now: datetime) -> Decision | None:
    """Waits until every job named by `from` has completed; fails at once where that cannot help."""
    if facts.unclaimed:
        return None
    waiting = []
    for source in job.spec.inputs:
        if (wanted := source.from_) is None:
            continue
        other = facts.awaited.get(wanted.job)
        if other is not None and (refusal := _refuse(job, wanted, other)) is not None:
            text = f"input {source.name}: job {wanted.job} {refusal}"
            return Decision(end=failed(Reason.INPUT_JOB_FAILED, text, Cause.INPUT))
        if other is None or not is_true(other.status.conditions, ConditionType.COMPLETE):
            waiting.append(f"job {wanted.job} to {'be created' if other is None else 'complete'} (input {source.name})")
    if not waiting:
        return None
    text = f"waiting for {', and for '.join(waiting)}"
    end = failed(Reason.PENDING_TIMEOUT, f"{text}, {too_long(job)}", Cause.INPUT)
    return wait(job, now, Headline(State.WAITING, text, Reason.INPUT_JOB_PENDING), end)


def _refuse(job: ProcessingJob, wanted: JobSource, other: ProcessingJob) -> str | None:
    """Why the other job can never give that output to this one."""
    output = find_output(other, wanted.output)
    if output is None:
        names = ", ".join(output.name for output in other.spec.outputs) or "none"
        return f"has no output named {wanted.output} (it has: {names})"
    if output.upload_on is UploadOn.ON_FAILURE:
        return f"uploads its output {wanted.output} only when it fails"
    mine, theirs = _endpoint(job), _endpoint(other)
    if mine != theirs:
        return f"has another store: its spec.s3.endpoint is {theirs}, that of this job is {mine}"
    return _failure(other)


def _failure(other: ProcessingJob) -> str | None:
    """By the conditions: the state is for people."""
    kinds = (ConditionType.FAILED, ConditionType.STOPPED)
    kind = next((kind for kind in kinds if is_true(other.status.conditions, kind)), None)
    return None if kind is None else f"has {kind.lower()}: {other.status.message or other.status.reason or ''}"


def _endpoint(job: ProcessingJob) -> str:
    endpoint = job.spec.s3.endpoint
    return "AWS" if endpoint is None else endpoint.rstrip("/")
