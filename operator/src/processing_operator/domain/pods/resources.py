"""Compute resources of the containers, and how much disk space the Pod may fill."""

from __future__ import annotations

from copy import deepcopy
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from processing_operator.api import protocol
from processing_operator.api.quantity import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.defaults import OperatorDefaults

Amounts = dict[str, dict[str, str]]
"""`requests` and `limits`, as a container has them."""

STORAGE: Final = "ephemeral-storage"
_STAGING_STORAGE: Final = "256Mi"
"""Logs, journals and lists of fetch or upload, where they need a limit."""
_RESERVED_CPU: Final = "500m"
_GIB, _MIB = 1024**3, 1024**2


def workspace_bytes(job: ProcessingJob) -> int:
    """What the script may fill."""
    return ceil(parse_quantity(job.spec.workspace.size))


def volume_bytes(job: ProcessingJob) -> int:
    """The volume's own limit, above the launcher's: the kubelet deletes everything when this one is passed."""
    return workspace_bytes(job) * 11 // 10 + _GIB


def script_resources(job: ProcessingJob, defaults: OperatorDefaults) -> Amounts:
    """The job's own, or the operator's default where the job has none; and the disk space.

    A limit for that is set only where fetch and upload have one: the kubelet holds the whole Pod against the sum of
    the limits that are set.
    """
    amounts = _given(job, defaults)
    limits, requests = amounts.get("limits", {}), amounts.get("requests", {})
    if STORAGE not in limits and _staging_is_limited(defaults):
        limits = {**limits, STORAGE: str(volume_bytes(job) + 256 * _MIB)}
    if STORAGE not in requests:
        requests = {**requests, STORAGE: _least(_storage_request(job, defaults), limits.get(STORAGE))}
    return {kind: found for kind, found in (("requests", requests), ("limits", limits)) if found}


def staging_resources(container: str, job: ProcessingJob, defaults: OperatorDefaults) -> Amounts:
    """Of fetch or upload: the operator's settings.

    Where the script alone would be Guaranteed they must not spoil it, and reserve what they may use.
    """
    given = defaults.fetch_resources if container == protocol.FETCH else defaults.upload_resources
    requests, limits = dict(given.get("requests", {})), dict(given.get("limits", {}))
    script = _given(job, defaults)
    if _is_guaranteed(script):
        if "cpu" in limits:
            limits["cpu"] = _reserved_cpu(container, script, limits["cpu"])
        requests |= {kind: limits[kind] for kind in ("cpu", "memory") if kind in limits}
    if STORAGE in script.get("limits", {}):
        limits.setdefault(STORAGE, _STAGING_STORAGE)
    return {kind: found for kind, found in (("requests", requests), ("limits", limits)) if found}


def without_storage_requests(pod: Mapping[str, Any], job: ProcessingJob) -> dict[str, Any]:
    """The Pod without what it asks for of the node's disk, but for what the job itself asks for.

    For namespaces whose LimitRange gives containers a smaller limit by default.
    """
    own = job.spec.workspace.request or ((job.spec.resources and job.spec.resources.requests) or {}).get(STORAGE)
    slim: dict[str, Any] = deepcopy(dict(pod))
    for container in (*slim["spec"]["initContainers"], *slim["spec"]["containers"]):
        if container["name"] != protocol.SCRIPT or own is None:
            container["resources"].get("requests", {}).pop(STORAGE, None)
    return slim


def storage_bound(spec: Mapping[str, Any]) -> int | None:
    """Bytes of the node's disk at which the kubelet evicts the Pod: its containers' limits; None: they have none.

    Source: Kubernetes, `PodLimits` of component-helpers: of containers that run one after the other the largest counts.
    """
    alone, beside = 0, 0
    for container in spec.get("initContainers") or []:
        limit = _storage_limit(container)
        if container.get("restartPolicy") == "Always":
            beside += limit
        alone = max(alone, beside if container.get("restartPolicy") == "Always" else beside + limit)
    total = beside + sum(_storage_limit(container) for container in spec.get("containers") or [])
    return max(total, alone) or None


def script_bound(spec: Mapping[str, Any]) -> int | None:
    """Bytes at which the kubelet evicts the Pod for what the script's container holds outside of volumes."""
    script = (one for one in spec.get("containers") or [] if one.get("name") == protocol.SCRIPT)
    return next((_storage_limit(container) for container in script), 0) or None


def _storage_limit(container: Mapping[str, Any]) -> int:
    text = ((container.get("resources") or {}).get("limits") or {}).get(STORAGE, "0")
    try:
        return ceil(parse_quantity(text))
    except ValueError:  # of a form that the API server takes and we do not
        return 0


def _given(job: ProcessingJob, defaults: OperatorDefaults) -> Amounts:
    own = job.spec.resources
    if own is None:
        return {kind: dict(amounts) for kind, amounts in defaults.script_resources.items()}
    resources = {"requests": own.requests, "limits": own.limits}
    return {kind: dict(amounts) for kind, amounts in resources.items() if amounts}


def _reserved_cpu(container: str, script: Amounts, limit: str) -> str:
    """Upload runs beside the script: what it reserves is added to the Pod. Fetch runs before it, and may have as much.

    A small script must not ask for a large node because of them.
    """
    wanted = script["limits"]["cpu"] if container == protocol.FETCH else _RESERVED_CPU
    return _least(limit, max(wanted, _RESERVED_CPU, key=parse_quantity))


def _storage_request(job: ProcessingJob, defaults: OperatorDefaults) -> str:
    return job.spec.workspace.request or _least(defaults.workspace_request, job.spec.workspace.size)


def _least(amount: str, *others: str | None) -> str:
    amounts: Iterable[str] = (amount, *(other for other in others if other is not None))
    return min(amounts, key=parse_quantity)


def _staging_is_limited(defaults: OperatorDefaults) -> bool:
    return any(STORAGE in given.get("limits", {}) for given in (defaults.fetch_resources, defaults.upload_resources))


def _is_guaranteed(resources: Amounts) -> bool:
    """Whether the script alone would have the QoS class Guaranteed, which the staging containers must not spoil then.

    Source of the rule: Kubernetes, "Pod Quality of Service Classes": cpu and memory limits are set and equal the
    requests, which the limits are taken for where there are none.
    """
    limits, requests = resources.get("limits", {}), resources.get("requests", {})
    return all(
        kind in limits and parse_quantity(requests.get(kind, limits[kind])) == parse_quantity(limits[kind])
        for kind in ("cpu", "memory")
    )
