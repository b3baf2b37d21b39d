"""Jobs that are over: deleted, or ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processing_operator.domain.attempts import candidate, current_pod, strays
from processing_operator.domain.conditions import is_finished
from processing_operator.domain.plan import DeletePod, Plan

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import Facts
    from processing_operator.domain.observe import PodFacts


def deleted(job: ProcessingJob, _facts: Facts, _now: datetime) -> Plan | None:
    """The collector deletes the Pods, and their own grace is the time for the upload."""
    return None if job.metadata.deletion_timestamp is None else Plan.nothing()


def finished(job: ProcessingJob, facts: Facts, _now: datetime) -> Plan | None:
    """The status is never written again. What would still run for nothing is taken away."""
    if not is_finished(job):
        return None
    current, unclaimed = current_pod(job, facts), candidate(job, facts)
    over = [*strays(job, facts)]
    if unclaimed is not None and unclaimed.gated:
        over.append(unclaimed)
    if current is not None and _lingers(current):
        over.append(current)
    return Plan(deletions=tuple(DeletePod(pod.target) for pod in over))


def _lingers(pod: PodFacts) -> bool:
    """The Pod goes on, but not with our containers: an injected one runs, or the script might still start.

    A Pod whose containers have all ended does not: the kubelet says so of them first and of the Pod a moment later, and
    its logs are the user's.
    """
    if pod.gone or pod.terminal or pod.deleting is not None:
        return False
    ours_run = pod.script.running or pod.upload.running or pod.fetch.running
    return (pod.others_running and not ours_run) or _might_start(pod)


def _might_start(pod: PodFacts) -> bool:
    return not pod.script_started and pod.script.end is None and pod.fetch.exit_code in (None, 0)
