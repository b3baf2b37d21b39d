"""The three containers: fetch, upload, script."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from processing_operator.domain import names
from processing_operator.domain.pods import resources, volumes
from processing_operator.domain.pods.env import escape, script_env, staging_env
from processing_operator.domain.pods.security import container_security

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import OperatorDefaults

RESTART_RULES = [{"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [0, 64]}}]
"""Anything but 0 (done) and 64 (failed for good) starts the container again, on the same volumes (KEP-5307)."""


def fetch_container(job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, Any]:
    """S3 to the workspace; an init container."""
    return {
        **_staging_container(names.FETCH, job, defaults),
        "resources": resources.fetch_resources(job, defaults),
        "volumeMounts": volumes.fetch_mounts(job),
    }


def upload_container(job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, Any]:
    """The workspace to S3. A regular container: a sidecar has the grace period only, once the script has ended."""
    return {
        **_staging_container(names.UPLOAD, job, defaults),
        "resources": resources.upload_resources(job, defaults),
        "volumeMounts": volumes.upload_mounts(job),
    }


def script_container(job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, Any]:
    """The user's image, with the launcher as its first process. Never started twice."""
    spec = job.spec
    container = {
        "name": names.SCRIPT,
        "image": spec.image,
        "imagePullPolicy": None if spec.image_pull_policy is None else spec.image_pull_policy.value,
        "command": _command(job),
        "workingDir": spec.working_dir,
        "env": script_env(job),
        "restartPolicy": "Never",
        "resources": resources.script_resources(job, defaults),
        "securityContext": container_security(read_only_root=False),
        "volumeMounts": volumes.script_mounts(),
    }
    return {key: value for key, value in container.items() if value is not None}


def _staging_container(name: str, job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, Any]:
    return {
        "name": name,
        "image": defaults.agent_image,
        "imagePullPolicy": defaults.agent_image_pull_policy,
        "command": [*names.AGENT, name],
        "env": staging_env(job),
        "restartPolicy": "Never",
        "restartPolicyRules": deepcopy(RESTART_RULES),
        "securityContext": container_security(read_only_root=True),
    }


def _command(job: ProcessingJob) -> list[str]:
    spec = job.spec
    return [
        names.LAUNCHER,
        "run",
        f"--max-runtime={spec.max_runtime_seconds}",
        f"--stop-grace={spec.stop_grace_seconds}",
        f"--workspace-bytes={volumes.workspace_bytes(job)}",
        "--",
        *(escape(word) for word in (*spec.command, *spec.args)),
    ]
