"""Attempts that go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processing_operator.domain import status
from processing_operator.domain.attempts import current_pod, is_open
from processing_operator.domain.containers import FAILED_FOR_GOOD
from processing_operator.domain.headline import headline
from processing_operator.domain.plan import Plan, SignalPod

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import Facts
    from processing_operator.domain.observe import PodFacts


def cut_short(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    """One of script and upload cannot do its part any more: the other is told to end."""
    pod = current_pod(job, facts)
    if pod is None or pod.gone or pod.deleting is not None or pod.signal == "stop":
        return None
    if not (_cannot_start(pod) or _has_no_uploader(pod)):
        return None
    going_on = status.ongoing(job, now, headline(job, pod, facts.progress), pod)
    return Plan(signals=(SignalPod(pod.target, "stop"),), status=going_on)


def _cannot_start(pod: PodFacts) -> bool:
    """The runtime could not execute the script's command; the uploader would wait for it."""
    return pod.script.end is not None and pod.script.end.start_failed and pod.upload.end is None


def _has_no_uploader(pod: PodFacts) -> bool:
    """What the script still does would go nowhere."""
    final = pod.upload.exit_code == FAILED_FOR_GOOD or (pod.upload.end is not None and not pod.restart_rules)
    return pod.script.running and final


def goes_on(job: ProcessingJob, facts: Facts, now: datetime) -> Plan | None:
    """Tell how far it is."""
    pod = current_pod(job, facts)
    if pod is None or not is_open(job.status):
        return None
    return Plan(status=status.ongoing(job, now, headline(job, pod, facts.progress), pod))
