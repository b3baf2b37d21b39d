"""Why a Pod was lost, in the words of whoever took it away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from processing_operator.api.reasons import Reason
from processing_operator.domain import names
from processing_operator.domain.wording import code_text, join

if TYPE_CHECKING:
    from processing_operator.domain.observe import PodFacts

# Source: Kubernetes, "Disruptions", "Pod disruption conditions".
_BY_CONDITION: Final[dict[str, Reason]] = {
    "PreemptionByScheduler": Reason.PREEMPTED,
    "EvictionByEvictionAPI": Reason.EVICTED,
    "TerminationByKubelet": Reason.EVICTED,
    "DeletionByTaintManager": Reason.NODE_LOST,
    "DeletionByPodGC": Reason.NODE_LOST,
}
_BY_POD_REASON: Final[dict[str, Reason]] = {
    "Evicted": Reason.EVICTED,
    "Preempting": Reason.PREEMPTED,
    "Terminated": Reason.NODE_LOST,
    "NodeShutdown": Reason.NODE_LOST,
    "NodeLost": Reason.NODE_LOST,
}
_WHAT_HAPPENED: Final[dict[str, str]] = {
    Reason.PREEMPTED: "was removed in favour of a Pod of higher priority",
    Reason.EVICTED: "was evicted",
    Reason.NODE_LOST: "was lost with its sandbox or node",
    Reason.POD_DELETED: "was deleted",
}


def loss_reason(pod: PodFacts) -> Reason:
    """The reason of the API."""
    if pod.disruption is not None and pod.disruption.reason in _BY_CONDITION:
        return _BY_CONDITION[pod.disruption.reason]
    if pod.reason in _BY_POD_REASON:
        return _BY_POD_REASON[pod.reason]
    if pod.sandbox_lost or (pod.deleting is None and not pod.gone):
        return Reason.NODE_LOST
    return Reason.POD_DELETED


def loss_message(pod: PodFacts, *, before_start: bool) -> str:
    """What happened to the Pod, and what state its script was in."""
    reason = loss_reason(pod)
    happened = f"attempt {pod.attempt}: Pod {pod.name} {_WHAT_HAPPENED[reason]} {_when(pod, before_start=before_start)}"
    why = pod.message or ("" if pod.disruption is None else pod.disruption.message)
    return join(happened, why)


def _when(pod: PodFacts, *, before_start: bool) -> str:
    if before_start:
        return f"before container {names.SCRIPT} started"
    if pod.script.end is not None:
        return f"after container {names.SCRIPT} had ended with {code_text(pod.script.end.exit_code)}"
    if pod.script_started:
        return f"while container {names.SCRIPT} was running"
    return f"and nobody knows whether container {names.SCRIPT} had started"
