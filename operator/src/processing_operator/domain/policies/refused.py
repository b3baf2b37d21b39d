"""Jobs that cannot have a Pod: the operator's settings, or the API server, refuse it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain import status
from processing_operator.domain.attempts import is_open
from processing_operator.domain.conditions import reconciling_since
from processing_operator.domain.headline import Headline
from processing_operator.domain.names import pod_name
from processing_operator.domain.outcome import Outcome
from processing_operator.domain.plan import Plan
from processing_operator.domain.pods.plan_annotation import PlanTooLargeError, plan_annotation
from processing_operator.domain.pods.security import user_of
from processing_operator.domain.wording import with_next_step

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import Facts

RETRY: Final = timedelta(seconds=30)
"""Neither quotas nor ServiceAccounts are watched."""


def root_refused(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    """Root is the cluster administrator's to allow."""
    if is_open(job.status) or facts.defaults.allow_root or user_of(job, facts.defaults).uid != 0:
        return None
    text = "spec.securityContext.runAsUser: must not be 0, unless the operator is installed with security.allowRoot"
    return _failed(job, now, Reason.INVALID_POD, text)


def too_large(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    """The plan has to fit into an annotation."""
    if is_open(job.status):
        return None
    try:
        plan_annotation(job, job.status.attempts + 1, 0, facts.awaited)
    except PlanTooLargeError as error:
        return _failed(job, now, Reason.INVALID_POD, str(error))
    return None


def create_refused(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    """The API server has just refused the Pod: for good, or until the quota has room or the ServiceAccount is there."""
    failure = facts.create_failure
    if failure is None or is_open(job.status):
        return None
    text = f"Pod {pod_name(job, job.status.attempts + 1)} cannot be created: {failure.message}"
    if failure.kind == "Quota":
        return _wait(job, now, text, Reason.QUOTA_EXCEEDED, Reason.PENDING_TIMEOUT)
    if failure.kind == "Account":
        text = (
            f"spec.s3.serviceAccountName: there is no ServiceAccount {job.spec.s3.service_account_name} (yet): {text}"
        )
        return _wait(job, now, text, Reason.SERVICE_ACCOUNT_NOT_FOUND, Reason.SERVICE_ACCOUNT_NOT_FOUND)
    reason = Reason.NAME_CONFLICT if failure.kind == "Conflict" else Reason.INVALID_POD
    return _failed(job, now, reason, text)


def _wait(job: ProcessingJob, now: datetime, text: str, reason: Reason, final: Reason) -> Plan:
    """Try again from time to time; fail with `final` when pendingTimeoutSeconds are over."""
    since = reconciling_since(job, reason) or now
    deadline = since + timedelta(seconds=job.spec.pending_timeout_seconds)
    if now >= deadline:
        return _failed(job, now, final, text)
    head = Headline(State.WAITING, text, reason)
    return Plan(status=status.ongoing(job, now, head), requeue_at=min(now + RETRY, deadline))


def _failed(job: ProcessingJob, now: datetime, reason: Reason, text: str) -> Plan:
    outcome = Outcome(State.FAILED, reason, with_next_step(text, reason))
    return Plan(status=status.ended(job, now, outcome))
