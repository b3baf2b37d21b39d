"""The three containers: fetch, upload, script; their compute resources and rights."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from processing_operator.api import protocol
from processing_operator.api.quantity import parse_quantity
from processing_operator.domain.pods import volumes
from processing_operator.domain.pods.env import escape, script_env, staging_env

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import OperatorDefaults

RESTART_RULES = [{"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [0, 64]}}]
"""Anything but 0 (done) and 64 (failed for good) starts the container again, on the same volumes (KEP-5307)."""
_STAGING_REQUESTS = {"cpu": "50m", "memory": "64Mi"}
_STAGING_CPU_WHERE_GUARANTEED = "500m"


def fetch_container(job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, Any]:
    """S3 to the workspace; an init container."""
    return _staging_container(protocol.FETCH, job, defaults, volumes.fetch_mounts(job))


def upload_container(job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, Any]:
    """The workspace to S3. A regular container: a sidecar has the grace period only, once the script has ended."""
    return _staging_container(protocol.UPLOAD, job, defaults, volumes.upload_mounts(job))


def script_container(job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, Any]:
    """The user's image, with the launcher as its first process. Never started twice."""
    spec = job.spec
    container = {
        "name": protocol.SCRIPT,
        "image": spec.image,
        "imagePullPolicy": None if spec.image_pull_policy is None else spec.image_pull_policy.value,
        "command": _command(job),
        "workingDir": spec.working_dir,
        "env": script_env(job),
        "restartPolicy": "Never",
        "resources": _script_resources(job, defaults),
        "securityContext": _security(read_only_root=False),
        "volumeMounts": volumes.script_mounts(),
    }
    return {key: value for key, value in container.items() if value is not None}


def _staging_container(
    name: str, job: ProcessingJob, defaults: OperatorDefaults, mounts: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "name": name,
        "image": defaults.agent_image,
        "imagePullPolicy": defaults.agent_image_pull_policy,
        "command": [*protocol.AGENT, name],
        "env": staging_env(job),
        "restartPolicy": "Never",
        "restartPolicyRules": deepcopy(RESTART_RULES),
        "securityContext": _security(read_only_root=True),
        "resources": _staging_resources(name, job, defaults),
        "volumeMounts": mounts,
    }


def _command(job: ProcessingJob) -> list[str]:
    spec = job.spec
    return [
        protocol.LAUNCHER,
        "run",
        f"--max-runtime={spec.timeouts.run_seconds}",
        f"--stop-grace={spec.timeouts.stop_grace_seconds}",
        f"--workspace-bytes={volumes.workspace_bytes(job)}",
        "--",
        *(escape(word) for word in (*spec.command, *spec.args)),
    ]


def _script_resources(job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, Any]:
    """The job's own, or the operator's default where the job has none."""
    own = job.spec.resources
    if own is None:
        return {kind: dict(amounts) for kind, amounts in defaults.script_resources.items()}
    resources = {"requests": own.requests, "limits": own.limits}
    return {kind: dict(amounts) for kind, amounts in resources.items() if amounts}


def _staging_resources(container: str, job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, Any]:
    """Upload runs beside the script: what it reserves is added to the Pod.

    Fetch runs before the script, so what the script has reserved costs it nothing.
    """
    script = _script_resources(job, defaults)
    if not _is_guaranteed(script):
        return {"requests": dict(_STAGING_REQUESTS), "limits": {"memory": defaults.agent_memory_limit}}
    reserved = script["limits"]["cpu"] if container == protocol.FETCH else _STAGING_CPU_WHERE_GUARANTEED
    cpu = max(reserved, _STAGING_CPU_WHERE_GUARANTEED, key=parse_quantity)
    amounts = {"cpu": cpu, "memory": defaults.agent_memory_limit}
    return {"requests": dict(amounts), "limits": dict(amounts)}


def _is_guaranteed(resources: dict[str, Any]) -> bool:
    """Whether the script alone would have the QoS class Guaranteed, which the staging containers must not spoil then.

    Source of the rule: Kubernetes, "Pod Quality of Service Classes": cpu and memory limits are set and equal the
    requests, which the limits are taken for where there are none.
    """
    limits, requests = resources.get("limits", {}), resources.get("requests", {})
    return all(
        kind in limits and parse_quantity(requests.get(kind, limits[kind])) == parse_quantity(limits[kind])
        for kind in ("cpu", "memory")
    )


def _security(*, read_only_root: bool) -> dict[str, Any]:
    """Of Pod Security "restricted"."""
    root = {"readOnlyRootFilesystem": True} if read_only_root else {}
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, **root}
