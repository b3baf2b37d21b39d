"""The three containers: fetch, upload, script; their compute resources and rights."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from processing_operator.api import protocol
from processing_operator.domain.pods import volumes
from processing_operator.domain.pods.env import escape, script_env, staging_env
from processing_operator.domain.pods.resources import script_resources, staging_resources, workspace_bytes

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.defaults import OperatorDefaults

RESTART_RULES = [{"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [0, 64]}}]
"""Anything but 0 (done) and 64 (failed for good) starts the container again, on the same volumes (KEP-5307)."""


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
        "resources": script_resources(job, defaults),
        "securityContext": _security(read_only_root=False),
        "volumeMounts": volumes.script_mounts(job),
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
        "env": staging_env(job, defaults.agent_env),
        "restartPolicy": "Never",
        "restartPolicyRules": deepcopy(RESTART_RULES),
        "securityContext": _security(read_only_root=True),
        "resources": staging_resources(name, job, defaults),
        "volumeMounts": mounts,
    }


def _command(job: ProcessingJob) -> list[str]:
    spec = job.spec
    return [
        protocol.LAUNCHER,
        "run",
        f"--max-runtime={spec.timeouts.run_seconds}",
        f"--stop-grace={spec.timeouts.stop_grace_seconds}",
        f"--workspace-bytes={workspace_bytes(job)}",
        *(f"--workspace={protocol.WORKSPACE_DIR}/{directory}" for directory in volumes.mounted(job)),
        "--",
        *(escape(word) for word in (*spec.command, *spec.args)),
    ]


def _security(*, read_only_root: bool) -> dict[str, Any]:
    """Of Pod Security "restricted"."""
    root = {"readOnlyRootFilesystem": True} if read_only_root else {}
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, **root}
