"""The beginning of an attempt, and what stands against it: a Pod is created gated, entered in the status, released.

An attempt begins when the job's status enters the uid of its Pod, and only then the Pod is released: its scheduling
gate is taken away. So

- a gated Pod whose uid is not in the status has never run, whoever made it, and can be deleted;
- an attempt whose Pod is in the status is never given another Pod, whatever became of that one;
- a script starts at most once per attempt, and attempts are counted by writes that carry the job's resourceVersion.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from processing_operator.api.protocol import FETCH, UPLOAD, pod_name
from processing_operator.api.reasons import Reason
from processing_operator.api.status import Retries, State
from processing_operator.domain.actions import LAST_WORDS, LOOK_AGAIN, Decision
from processing_operator.domain.facts import Seen, targets
from processing_operator.domain.pending import too_long, wait
from processing_operator.domain.pods.build import build, identity
from processing_operator.domain.pods.plan_annotation import PlanTooLargeError
from processing_operator.domain.pods.resources import STORAGE, without_storage_requests
from processing_operator.domain.verdict.attempt import lost
from processing_operator.domain.wording import Headline, failed, join

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from processing_operator.api.status import JobStatus
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.actions import PodManifest
    from processing_operator.domain.facts import Facts, PodFacts, PodTarget, Refusal

FIRST_DELAY: Final = timedelta(seconds=2)
LONGEST_DELAY: Final = timedelta(minutes=5)
_DOUBLINGS: Final = 8  # until that is reached
ORPHAN_AGE: Final = timedelta(seconds=10)
"""Longer than from a Pod's creation to its claim, with a fault or two between."""
RETRY: Final = timedelta(seconds=30)
"""Neither quotas nor ServiceAccounts nor policies are watched."""

_FINAL: Final = {"Conflict": Reason.NAME_CONFLICT, "Invalid": Reason.INVALID_POD}
_WAITING: Final = {
    "Quota": (Reason.QUOTA_EXCEEDED, Reason.PENDING_TIMEOUT),
    "Account": (Reason.SERVICE_ACCOUNT_NOT_FOUND, Reason.SERVICE_ACCOUNT_NOT_FOUND),
    "Policy": (Reason.INVALID_POD, Reason.INVALID_POD),
}
"""The reason meanwhile, and the one once spec.timeouts.pendingSeconds are over."""
_ABOVE_LIMIT: Final = re.compile(f"must be less than or equal to {STORAGE} limit")
"""Source: Kubernetes, validation of a container's resources, here after a LimitRange has set the limit."""
_ASKS_FOR_RESOURCES: Final = re.compile(r"must specify |usage per (?:Container|Pod) is |limit to request ratio per ")
"""Source: Kubernetes, the admission plugins ResourceQuota and LimitRanger."""
_WHO_SETS_RESOURCES: Final = (
    f"the script's resources are spec.resources; those of {FETCH} and {UPLOAD} are an administrator's to set: "
    "agent.fetch.resources and agent.upload.resources of the operator's chart"
)


def clear_orphans(facts: Facts, now: datetime) -> tuple[PodTarget, ...]:
    """Gated Pods that nobody has claimed for some time. They never ran, and never will."""
    return targets(pod for pod in facts.orphans if _claimable_until(pod, now) <= now)


def _claimable_until(pod: PodFacts, now: datetime) -> datetime:
    """Where the API server's clock is ahead of ours its age cannot be told: then nothing is waited for."""
    created = pod.created_at or now
    return created + ORPHAN_AGE if created <= now else now


def orphaned(job: ProcessingJob, facts: Facts, now: datetime) -> Decision | None:
    """Made by another operator, or by this one before it was started anew: left to who made it, then deleted."""
    name = pod_name(job, job.status.attempts + 1)
    pod = next((pod for pod in facts.orphans if pod.name == name), None)
    if pod is None:
        return None
    due = _claimable_until(pod, now)
    if now < due + LAST_WORDS:
        return Decision(again_at=due if now < due else now + LOOK_AGAIN)
    return _stuck(job, pod, f"Pod {name}, which nobody has claimed,", Reason.POD_TERMINATING, now)


def predecessor(job: ProcessingJob, facts: Facts, now: datetime) -> Decision | None:
    """A Pod of a deleted job of this name may still upload, to the same place. It has its own grace to end."""
    if not facts.predecessors:
        return None
    pod, whose = facts.predecessors[0], "of a deleted job of this name"
    time = timedelta(seconds=pod.grace) + LAST_WORDS
    own = (job.status.pending_since or now) + time
    if pod.deleting is not None:
        own = min(own, pod.deleting + LAST_WORDS)
    if now >= own:
        return _stuck(job, pod, f"Pod {pod.name} {whose}", Reason.PREDECESSOR_UPLOADS, now)
    text = f"Pod {pod.name} {whose} is still uploading (at most {int(time.total_seconds())} s)"
    return Decision(say=Headline(State.WAITING, text, Reason.PREDECESSOR_UPLOADS), again_at=own)


def _stuck(job: ProcessingJob, pod: PodFacts, whose: str, reason: str, now: datetime) -> Decision:
    """It should have gone long ago. Waited for until the pending clock is over."""
    force = "" if pod.deleting is None else " --force"
    text = f"{whose} has not gone: kubectl delete pod -n {job.metadata.namespace} {pod.name}{force}"
    end = failed(Reason.PENDING_TIMEOUT, join(text, too_long(job)))
    return wait(job, now, Headline(State.WAITING, text, reason), end)


def backoff(job: ProcessingJob, facts: Facts, now: datetime) -> Decision | None:
    """After an attempt that was lost before its script started: the old Pod has to be gone, and some time to pass."""
    if not job.status.attempt_history:
        return None
    if facts.belated is not None:
        return Decision(end=lost(job, facts.belated, Seen.LIVE))
    if facts.leaving:
        return _leave(job, facts.leaving, now)
    due = _due(job.status, now)
    return Decision(again_at=due) if now < due else None


def _leave(job: ProcessingJob, leaving: tuple[PodFacts, ...], now: datetime) -> Decision:
    over = targets(leaving)
    stuck = next((pod for pod in leaving if pod.deleting is not None and now >= pod.deleting + LAST_WORDS), None)
    if stuck is None or over:
        return Decision(delete=over, again_at=now + LOOK_AGAIN)
    return _stuck(job, stuck, f"Pod {stuck.name} of attempt {stuck.attempt}", Reason.POD_TERMINATING, now)


def _due(before: JobStatus, now: datetime) -> datetime:
    """Two seconds after the first loss, then twice as long each time, up to five minutes."""
    losses = max((before.retries or Retries()).before_start, 1)
    delay: timedelta = min(FIRST_DELAY * 2 ** min(losses - 1, _DOUBLINGS), LONGEST_DELAY)
    lost_at = before.attempt_history[-1].end_time
    return now if lost_at is None else lost_at + delay


def claim(_job: ProcessingJob, facts: Facts, now: datetime) -> Decision | None:
    """The Pod was created by this process: it becomes the attempt's only one, and may run."""
    if not facts.unclaimed:
        return None
    pod = facts.unclaimed[0]
    head = Headline(State.PENDING, f"Pod {pod.name} is being started (attempt {pod.attempt})")
    return Decision(say=head, begin=pod, first=True, release=(pod.release,), again_at=now + LOOK_AGAIN)


def create(job: ProcessingJob, facts: Facts, now: datetime) -> Decision | None:
    """Nothing stands against it, but for a plan that is too large for its annotation."""
    try:
        return Decision(create=build(job, job.status.attempts + 1, facts), again_at=now + LOOK_AGAIN)
    except PlanTooLargeError as error:
        return Decision(end=failed(Reason.INVALID_POD, str(error)))


def root_refused(job: ProcessingJob, facts: Facts, _now: datetime) -> Decision | None:
    """Root, and root's group, are the cluster administrator's to allow."""
    roots = [name for name, number in identity(job, facts.defaults).items() if number == 0]
    if facts.defaults.allow_root or not roots:
        return None
    own = set() if job.spec.security_context is None else job.spec.security_context.dump().keys()
    found = "; ".join(f"{_where(name, own)}: must not be 0 ({_WHOSE[name]})" for name in roots)
    text = f"{found}: use another number, or have the operator installed with security.allowRoot: true"
    return Decision(end=failed(Reason.INVALID_POD, text))


_WHOSE: Final = {"runAsUser": "root", "runAsGroup": "root's group", "fsGroup": "root's group"}
_SETTINGS: Final = {"runAsUser": "RUN_AS_USER", "runAsGroup": "RUN_AS_GROUP", "fsGroup": "FS_GROUP"}


def _where(name: str, own: AbstractSet[str]) -> str:
    if name in own:
        return f"spec.securityContext.{name}"
    return f"the operator's setting PROCESSING_{_SETTINGS[name]} (chart: jobs.{name})"


def _asking_less(job: ProcessingJob, refusal: Refusal) -> PodManifest | None:
    """The Pod without the operator's own requests for disk space, which a namespace's LimitRange may not allow."""
    if refusal.pod is None or refusal.kind != "Invalid" or not _ABOVE_LIMIT.search(refusal.message):
        return None
    slim = without_storage_requests(refusal.pod, job)
    return None if slim == refusal.pod else slim


def pod_refused(job: ProcessingJob, facts: Facts, now: datetime) -> Decision | None:
    """The API server has just refused the Pod: for good, or until somebody has mended what it names."""
    refusal = facts.refusal
    if refusal is None:
        return None
    if (slim := _asking_less(job, refusal)) is not None:
        return Decision(create=slim, again_at=now + LOOK_AGAIN)
    text = f"Pod {pod_name(job, job.status.attempts + 1)} cannot be created: {refusal.message}"
    if refusal.kind == "Account":
        text = f"spec.serviceAccountName: there is no ServiceAccount {job.spec.service_account_name} (yet): {text}"
    if refusal.kind in _FINAL:
        return Decision(end=failed(_FINAL[refusal.kind], text))
    if _ASKS_FOR_RESOURCES.search(refusal.message):
        text = join(text, _WHO_SETS_RESOURCES)
    reason, final = _WAITING[refusal.kind]
    end = failed(final, join(text, too_long(job)))
    return wait(job, now, Headline(State.WAITING, text, reason), end, again_at=now + RETRY)
