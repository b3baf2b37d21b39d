"""Which Pod is which.

An attempt begins when the job's status enters the uid of its Pod, and only then the Pod is released: its scheduling
gate is taken away. So

- a gated Pod whose uid is not in the status has never run, whoever made it, and can be claimed or deleted;
- an attempt whose Pod is in the status is never given another Pod, whatever became of that one;
- a script starts at most once per attempt, and attempts are counted by writes that carry the job's resourceVersion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from processing_operator.api.status import JobStatus
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import Facts
    from processing_operator.domain.observe import PodFacts


def current_pod(job: ProcessingJob, facts: Facts) -> PodFacts | None:
    """The Pod that the status knows: of the attempt that was begun last."""
    known = {instance.pod_uid for instance in job.status.instances}
    return next((pod for pod in facts.pods if pod.uid in known), None)


def candidate(job: ProcessingJob, facts: Facts) -> PodFacts | None:
    """A Pod of an attempt that the status does not count yet."""
    return next((pod for pod in facts.pods if not pod.gone and pod.attempt > job.status.attempts), None)


def strays(job: ProcessingJob, facts: Facts) -> tuple[PodFacts, ...]:
    """Gated Pods of attempts that have another Pod: made by an operator that had been overtaken. They never ran."""
    current, next_one = current_pod(job, facts), candidate(job, facts)
    return tuple(pod for pod in facts.pods if not pod.gone and pod.gated and pod not in (current, next_one))


def live_pods(facts: Facts) -> tuple[PodFacts, ...]:
    """The Pods that exist."""
    return tuple(pod for pod in facts.pods if not pod.gone)


def is_open(status: JobStatus) -> bool:
    """An attempt was begun and was not given up as lost."""
    history = status.attempt_history
    return status.attempts > 0 and not (history and history[-1].attempt == status.attempts)
