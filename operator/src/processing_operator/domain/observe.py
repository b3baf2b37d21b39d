"""What was seen of a job becomes the facts that decisions are made by. Made once a look; nothing is read here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from processing_operator.api.protocol import FINAL_CODES
from processing_operator.api.status import State
from processing_operator.domain.facts import Attempt, Facts, Instance, PodFacts, Refusal, Seen
from processing_operator.domain.verdict.attempt import judge

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from processing_operator.api.status import JobStatus
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import Verdict


def observe(
    job: ProcessingJob,
    pods: Collection[PodFacts],
    *,
    gone: Collection[PodFacts] = (),
    created: Collection[str] = (),
    refusal: Refusal | None = None,
    **facts: Any,
) -> Facts:
    """Everything that a decision about the job looks at.

    Args:
        job: the job.
        pods: the Pods that carry the job's name in their label and exist, whoever controls them.
        gone: Pods as they were when they were seen to go. They prove that a script had not started, or how it ended;
            without them a Pod that vanished counts as having run.
        created: uids of the Pods that this process has created.
        refusal: why the API server has just refused the next attempt's Pod.
        facts: further fields of `Facts`, taken as they are.
    """
    own = [pod for pod in pods if pod.owner == job.metadata.uid]
    by_uid = {pod.uid: (pod, Seen.GONE) for pod in gone} | {pod.uid: (pod, Seen.LIVE) for pod in own}
    known = {one.pod_uid for one in job.status.instances}
    unknown = [pod for pod in own if pod.uid not in known]
    begun = [pod for uid, (pod, _) in by_uid.items() if uid in known]
    is_open = is_attempt_open(job.status)
    due = None if is_open else job.status.attempts + 1
    claimable = [pod for pod in unknown if pod.gated and pod.deleting is None and pod.attempt == due]
    unclaimed = sorted((pod for pod in claimable if pod.uid in created), key=lambda pod: pod.index)
    return Facts(
        attempt=_attempt(job, by_uid) if is_open else None,
        leaving=() if is_open else tuple(pod for pod in own if pod.uid in known),
        unclaimed=tuple(unclaimed),
        orphans=tuple(pod for pod in unknown if pod.gated and pod not in unclaimed),
        belated=None if is_open else next((pod for pod in begun if pod.script.started), None),
        predecessors=tuple(pod for pod in pods if pod.owner != job.metadata.uid and _may_upload(pod)),
        refusal=refusal or _conflict(unknown),
        **facts,
    )


def is_attempt_open(status: JobStatus) -> bool:
    """An attempt was begun and was not given up as lost."""
    history = status.attempt_history
    return status.attempts > 0 and not (history and history[-1].attempt == status.attempts)


def _attempt(job: ProcessingJob, by_uid: dict[str, tuple[PodFacts, Seen]]) -> Attempt:
    instances = []
    for one in job.status.instances:
        pod, seen = by_uid.get(one.pod_uid or "", (None, Seen.UNSEEN))
        verdict = None if pod is None else judge(job, pod, seen)
        instances.append(Instance(one.index, pod, seen, verdict))
    return Attempt(job.status.attempts, tuple(instances), _verdict([one.verdict for one in instances]))


def _verdict(verdicts: Sequence[Verdict | None]) -> Verdict | None:
    """The attempt has ended when every instance has; the first that did not complete gives the reason."""
    ended = [verdict for verdict in verdicts if verdict is not None]
    if not ended or len(ended) < len(verdicts):
        return None
    return next((verdict for verdict in ended if verdict.state is not State.COMPLETED), ended[0])


def _may_upload(pod: PodFacts) -> bool:
    """One that is gated has never run; one whose uploader has ended for good writes nothing any more."""
    over = pod.upload.exit_code in FINAL_CODES or (pod.upload.end is not None and not pod.restart_rules)
    return not (pod.gated or pod.terminal or over)


def _conflict(unknown: Sequence[PodFacts]) -> Refusal | None:
    """A Pod that was released although nobody has claimed it: forged, or the job's status was lost."""
    found = next((pod for pod in unknown if not pod.gated), None)
    return None if found is None else Refusal("Conflict", f"Pod {found.name!r} runs, and this operator has not made it")
