"""The Pods of the current attempt, for the status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processing_operator.api.status import InstanceState, InstanceStatus
from processing_operator.domain.containers import FAILED_FOR_GOOD, FINAL_CODES

if TYPE_CHECKING:
    from processing_operator.domain.observe import PodFacts


def read_instance(pod: PodFacts) -> InstanceStatus:
    """The instance as its Pod stands."""
    return InstanceStatus(
        index=pod.index,
        pod=pod.name,
        pod_uid=pod.uid,
        node=_node(pod),
        state=_state(pod),
        exit_code=script_exit_code(pod),
    )


def script_exit_code(pod: PodFacts) -> int | None:
    """The script's code, once it has run and ended. One that could not be started has a code as well: the runtime's."""
    end = pod.script.end
    return end.exit_code if end is not None and (end.ran or end.start_failed) else None


def lost_instance(instance: InstanceStatus) -> InstanceStatus:
    """The instance, its Pod gone without a word."""
    return instance.model_copy(update={"state": InstanceState.LOST})


def _node(pod: PodFacts) -> str | None:
    """Told together with the first container's start: a write for the node alone would be one too many."""
    return (pod.node or None) if pod.fetch.started else None


def _state(pod: PodFacts) -> InstanceState:
    ended = pod.script.end is not None and pod.upload.end is not None
    if ended and pod.script.exit_code == 0 and pod.upload.exit_code == 0:
        return InstanceState.SUCCEEDED
    if pod.phase == "Failed" or pod.fetch.exit_code == FAILED_FOR_GOOD:
        return InstanceState.FAILED
    if ended and pod.upload.exit_code in FINAL_CODES:
        return InstanceState.FAILED
    if pod.gone:
        return InstanceState.LOST
    return InstanceState.RUNNING if pod.fetch.started else InstanceState.PENDING
