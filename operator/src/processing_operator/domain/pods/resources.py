"""Compute resources of the three containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from processing_operator.api.quantity import parse_quantity

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import OperatorDefaults

_STAGING_REQUESTS = {"cpu": "50m", "memory": "64Mi"}
_STAGING_CPU_WHERE_GUARANTEED = "500m"


def script_resources(job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, Any]:
    """The job's own, or the operator's default where the job has none."""
    own = job.spec.resources
    if own is None:
        return {kind: dict(amounts) for kind, amounts in defaults.script_resources.items()}
    resources = {"requests": own.requests, "limits": own.limits}
    return {kind: dict(amounts) for kind, amounts in resources.items() if amounts}


def fetch_resources(job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, Any]:
    """Fetch runs before the script, so what the script has reserved costs it nothing."""
    script = script_resources(job, defaults)
    if not is_guaranteed(script):
        return _staging_resources(defaults)
    cpu = max(script["limits"]["cpu"], _STAGING_CPU_WHERE_GUARANTEED, key=parse_quantity)
    return _guaranteed(cpu, defaults.agent_memory_limit)


def upload_resources(job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, Any]:
    """Upload runs beside the script: what it reserves is added to the Pod."""
    if not is_guaranteed(script_resources(job, defaults)):
        return _staging_resources(defaults)
    return _guaranteed(_STAGING_CPU_WHERE_GUARANTEED, defaults.agent_memory_limit)


def is_guaranteed(resources: dict[str, Any]) -> bool:
    """Whether the script alone would have the QoS class Guaranteed, which the staging containers must not spoil then.

    Source of the rule: Kubernetes, "Pod Quality of Service Classes": cpu and memory limits are set and equal the
    requests, which the limits are taken for where there are none.
    """
    limits, requests = resources.get("limits", {}), resources.get("requests", {})
    return all(
        kind in limits and parse_quantity(requests.get(kind, limits[kind])) == parse_quantity(limits[kind])
        for kind in ("cpu", "memory")
    )


def _staging_resources(defaults: OperatorDefaults) -> dict[str, Any]:
    return {"requests": dict(_STAGING_REQUESTS), "limits": {"memory": defaults.agent_memory_limit}}


def _guaranteed(cpu: str, memory: str) -> dict[str, Any]:
    amounts = {"cpu": cpu, "memory": memory}
    return {"requests": dict(amounts), "limits": dict(amounts)}
