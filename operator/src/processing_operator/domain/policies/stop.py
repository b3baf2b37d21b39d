"""A stop that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain import status
from processing_operator.domain.attempts import candidate, current_pod, is_open, live_pods
from processing_operator.domain.headline import Headline, headline
from processing_operator.domain.outcome import Outcome
from processing_operator.domain.plan import DeletePod, Plan, SignalPod
from processing_operator.domain.stopping import is_stop_requested

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import Facts
    from processing_operator.domain.observe import PodFacts


def stop(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    """Remembered first. A running script is told by a signal, and its outputs are uploaded; no other is started."""
    if not is_stop_requested(job):
        return None
    pod = current_pod(job, facts)
    if is_open(job.status) and pod is not None:
        return _stop_pod(job, now, pod)
    return _stop_without_pod(job, facts, now)


def _stop_without_pod(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    unclaimed = candidate(job, facts)
    if unclaimed is not None and not unclaimed.gated:
        return None
    if not (left := live_pods(facts)):
        text = "stopped before a Pod was created" if not job.status.attempts else "stopped between two attempts"
        return Plan(status=status.ended(job, now, Outcome(State.STOPPED, Reason.STOP_REQUESTED, text)))
    latched = status.ongoing(job, now, Headline(State.STOPPING, "a stop was requested: the Pod is being deleted"))
    return Plan(claim=latched, deletions=tuple(DeletePod(pod.target) for pod in left if pod.deleting is None))


def _stop_pod(job: ProcessingJob, now: datetime, pod: PodFacts) -> Plan | None:
    """The deletion holds for the Pod as it was seen: if its script has started meanwhile, it does not happen."""
    latched = status.ongoing(job, now, headline(job, pod, None), pod)
    if pod.deleting is not None:
        return Plan(status=latched)
    if not pod.script_started and not pod.script.end:
        return Plan(claim=latched, deletions=(DeletePod(pod.target),))
    if pod.script.running and pod.signal != "stop":
        return Plan(claim=latched, signals=(SignalPod(pod.target, "stop"),))
    return None
