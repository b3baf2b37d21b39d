"""Raw Pods become facts: what the kubelet, the scheduler and whoever deletes Pods have said about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from processing_operator.api import names, protocol
from processing_operator.domain.container import ContainerEnd, ContainerFacts
from processing_operator.domain.facts import PodCondition, PodFacts
from processing_operator.domain.pods.resources import script_bound, storage_bound

RawPod = dict[str, Any]

_OURS: Final = (protocol.FETCH, protocol.UPLOAD, protocol.SCRIPT)
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_DEFAULT_GRACE: Final = 30  # Kubernetes' own
_LONGEST_GRACE: Final = 2 * 86400
"""Of any Pod that this operator makes; others may say what they like."""


def read_pod(pod: RawPod) -> PodFacts:
    """The facts of one Pod as the API server gives it."""
    meta, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    labels, annotations = meta.get("labels") or {}, meta.get("annotations") or {}
    conditions = {condition.get("type"): _read_condition(condition) for condition in status.get("conditions") or []}
    gates = [gate.get("name", "") for gate in spec.get("schedulingGates") or []]
    disruption = conditions.get("DisruptionTarget")
    # no two containers of a Pod have one name, whether they are init containers or not
    entries = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    statuses = {entry.get("name", ""): entry for entry in entries}
    fetch, upload, script = (read_container(statuses.pop(name, None)) for name in _OURS)
    return PodFacts(
        name=meta["name"],
        uid=meta["uid"],
        resource_version=meta["resourceVersion"],
        owner=owner_of(pod),
        attempt=_to_int(labels.get(names.LABEL_ATTEMPT)),
        index=_to_int(labels.get(names.LABEL_INDEX)),
        created_at=read_time(meta.get("creationTimestamp")),
        node=spec.get("nodeName") or "",
        phase=status.get("phase") or "Pending",
        reason=status.get("reason") or "",
        message=status.get("message") or "",
        signal=annotations.get(names.ANNOTATION_SIGNAL) or "",
        spec_digest=annotations.get(names.ANNOTATION_SPEC_DIGEST) or "",
        gated=protocol.GATE in gates,
        foreign_gates=tuple(gate for gate in gates if gate != protocol.GATE),
        storage_bound=storage_bound(spec),
        script_bound=script_bound(spec),
        grace=_grace(spec.get("terminationGracePeriodSeconds")),
        scheduled=conditions.get("PodScheduled"),
        disruption=disruption if disruption is not None and disruption.status == "True" else None,
        deleting=read_time(meta.get("deletionTimestamp")),
        restart_rules=_has_restart_rules(spec),
        fetch=fetch,
        upload=upload,
        script=script,
        others_running=any("running" in (other.get("state") or {}) for other in statuses.values()),
    )


def owner_of(pod: RawPod) -> str:
    """The uid of the job that controls the Pod; empty where no job does."""
    references = pod["metadata"].get("ownerReferences") or []
    owners = (one["uid"] for one in references if one.get("controller") and one.get("kind") == names.KIND)
    return next(owners, "")


def read_time(text: Any) -> datetime | None:
    """A time as Kubernetes writes it; None for none, and for 1970, which a runtime gives for what never began."""
    if not isinstance(text, str) or not text:
        return None
    time = datetime.fromisoformat(text)
    return None if time <= _EPOCH else time


def read_container(status: dict[str, Any] | None) -> ContainerFacts:
    """The facts in an entry of the Pod's containerStatuses."""
    if status is None:
        return ContainerFacts()
    state, last = status.get("state") or {}, status.get("lastState") or {}
    seen = ContainerFacts(last_end=_read_end(last.get("terminated")), restarts=status.get("restartCount") or 0)
    if (end := _read_end(state.get("terminated"))) is not None:
        return replace(seen, state="Terminated", started_at=end.started_at, end=end)
    if (running := state.get("running")) is not None:
        return replace(seen, state="Running", started_at=read_time(running.get("startedAt")))
    waiting = state.get("waiting") or {}
    return replace(seen, state="Waiting", reason=waiting.get("reason") or "", message=waiting.get("message") or "")


def _read_end(raw: dict[str, Any] | None) -> ContainerEnd | None:
    if raw is None:
        return None
    return ContainerEnd(
        exit_code=raw.get("exitCode") or 0,
        reason=raw.get("reason") or "",
        message=raw.get("message") or "",
        started_at=read_time(raw.get("startedAt")),
        finished_at=read_time(raw.get("finishedAt")),
    )


def _read_condition(raw: dict[str, Any]) -> PodCondition:
    return PodCondition(raw.get("status") or "", raw.get("reason") or "", raw.get("message") or "")


def _to_int(text: Any) -> int:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else 0


def _grace(seconds: Any) -> int:
    return min(seconds, _LONGEST_GRACE) if isinstance(seconds, int) else _DEFAULT_GRACE


def _has_restart_rules(spec: dict[str, Any]) -> bool:
    """Whether fetch and upload have theirs. An API server older than 1.35 drops them without a word."""
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    staging = [one for one in containers if one.get("name") in (protocol.FETCH, protocol.UPLOAD)]
    return all(container.get("restartPolicyRules") for container in staging)
