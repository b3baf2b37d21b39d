"""Sentences for people. A failure names the attempt, the container, the code, and what to do next."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

from processing_operator.api.reasons import Reason

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.observe import PodFacts

MESSAGE_LIMIT: Final = 4096
_SIGNAL_BASE: Final = 128

RUN_AGAIN: Final = "run the job again (kubectl replace --force)"
"""Applying a job that has ended changes nothing."""

_CREDENTIALS: Final = "the keys (the Secret of spec.s3.secretName, or the role of spec.s3.serviceAccountName)"

NEXT_STEP: Final[dict[str, str]] = {
    Reason.SCRIPT_FAILED: "read the script's log",
    Reason.COMMAND_NOT_FOUND: "correct spec.command, or use an image that has the program",
    Reason.OUT_OF_MEMORY: "raise spec.resources.limits.memory, or let the script use less",
    Reason.WORKSPACE_FULL: "raise spec.workspace.size, or let the script write less below /opt/ml",
    Reason.SCRIPT_NOT_STARTED: "read the container's log",
    Reason.INPUT_NOT_FOUND: "correct the input's address in spec.inputs, or put the objects there",
    Reason.INPUT_ACCESS_DENIED: f"check {_CREDENTIALS} and what they may read",
    Reason.UNSAFE_KEY: "rename the object, or leave it out of the input's prefix",
    Reason.KEY_COLLISION: "give the inputs paths of their own, or rename one of the objects",
    Reason.INPUT_TOO_LARGE: "raise spec.workspace.size",
    Reason.CHECKSUM_MISMATCH: "upload the object anew: its content is not what its checksum says",
    Reason.SECRET_NOT_FOUND: f"create the Secret, or correct its name, and {RUN_AGAIN}",
    Reason.CONFIG_MAP_NOT_FOUND: f"create the ConfigMap, or correct its name, and {RUN_AGAIN}",
    Reason.SERVICE_ACCOUNT_NOT_FOUND: f"create the ServiceAccount, or correct its name, and {RUN_AGAIN}",
    Reason.INPUT_JOB_FAILED: f"see to that job first, then {RUN_AGAIN}",
    Reason.OUTPUT_MISSING: "let the script write it, or take `required` off the output",
    Reason.INVALID_POD: f"correct the job and {RUN_AGAIN}",
    Reason.IMAGE_PULL_FAILED: "correct the image's name, or give spec.imagePullSecrets",
    Reason.BAD_PLAN: "give the operator and the agent's image one version (the chart's image and agent.image)",
    Reason.NAME_CONFLICT: "delete that Pod, or give the job another name",
    Reason.STORE_UNAVAILABLE: "see whether the store at spec.s3.endpoint answers",
    Reason.DOWNLOAD_TIMEOUT: "raise spec.downloadTimeoutSeconds",
    Reason.UPLOAD_DENIED: f"check {_CREDENTIALS} and what they may write",
    Reason.UPLOAD_TIMEOUT: "raise spec.upload.timeoutSeconds",
    Reason.UPLOAD_FAILED: "read the uploader's log",
    Reason.DISK_FULL: "raise spec.workspace.size, or give the node a larger disk",
    Reason.QUOTA_EXCEEDED: "raise the namespace's quota, or ask for less in spec.resources",
    Reason.PENDING_TIMEOUT: "remove what it waits for, or raise spec.pendingTimeoutSeconds",
    Reason.EVICTED: f"{RUN_AGAIN}; see the node's disk and memory pressure",
    Reason.NODE_LOST: RUN_AGAIN,
    Reason.PREEMPTED: f"{RUN_AGAIN}, with a higher priority",
    Reason.POD_DELETED: RUN_AGAIN,
    Reason.MAX_RUNTIME_EXCEEDED: "raise spec.maxRuntimeSeconds if it needs longer",
}


def code_text(code: int) -> str:
    """An exit code, with the signal that it stands for."""
    name = _signal_name(code - _SIGNAL_BASE)
    return f"exit code {code} ({name})" if name else f"exit code {code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""


def container_ended(pod: PodFacts, container: str, code: int) -> str:
    """The beginning of every sentence about a container's end."""
    return f"attempt {pod.attempt}: container {container} ended with {code_text(code)}"


def logs_command(job: ProcessingJob, pod: PodFacts, container: str) -> str:
    """What shows the container's log."""
    return f"kubectl logs -n {job.metadata.namespace} {pod.name} -c {container}"


def with_next_step(text: str, reason: str, *, log: str = "") -> str:
    """The sentence and what to do about it; a part of the job's log is a command to copy."""
    steps = [NEXT_STEP.get(reason, ""), log]
    step = ": ".join(part for part in steps if part)
    return clip(f"{text.rstrip('. ')}. Next: {step}" if step else text)


def join(*parts: str) -> str:
    """Parts that are there, as one sentence."""
    return "; ".join(part.strip().rstrip(".") for part in parts if part.strip())


def clip(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """The text, cut to what the status holds."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
