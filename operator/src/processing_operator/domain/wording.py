"""Sentences for people. A failure names the attempt, the container, the code, and what to do next."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from processing_operator.api.conditions import ConditionType, is_true
from processing_operator.api.protocol import FETCH, SCRIPT, UPLOAD
from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.domain.facts import Verdict

if TYPE_CHECKING:
    from datetime import timedelta

    from processing_operator.api.status import TransferProgress
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.container import ContainerFacts
    from processing_operator.domain.facts import Cause, PodFacts

MESSAGE_LIMIT: Final = 4096
END_LIMIT: Final = 2048
"""What a condition holds: an end that is decided is read back from one."""
_SIGNAL_BASE: Final = 128

_SECOND, _MINUTE, _HOUR, _DAY = (1, "s"), (60, "m"), (3600, "h"), (86400, "d")
_DURATIONS: Final = (
    (120, _SECOND, None),
    (600, _MINUTE, _SECOND),
    (3 * 3600, _MINUTE, None),
    (8 * 3600, _HOUR, _MINUTE),
    (48 * 3600, _HOUR, None),
    (8 * 86400, _DAY, _HOUR),
    (float("inf"), _DAY, None),
)
"""Below so many seconds: the unit, and the smaller one that is told with it."""

RUN_AGAIN: Final = "run the job again (kubectl replace --force)"
"""Applying a job that has ended changes nothing."""

_CREDENTIALS: Final = "the keys (the Secret of spec.s3.secretName, or the role of spec.serviceAccountName)"

NEXT_STEP: Final[dict[str, str]] = {
    Reason.SCRIPT_FAILED: "read the script's log",
    Reason.COMMAND_NOT_FOUND: "correct spec.command, or use an image that has the program",
    Reason.OUT_OF_MEMORY: "raise spec.resources.limits.memory, or let the script use less",
    Reason.WORKSPACE_FULL: "raise spec.workspace.size, or let the script write less below /opt/ml",
    Reason.SCRIPT_NOT_STARTED: "read the container's log",
    Reason.IMAGE_PATH_CONFLICT: (
        "give the input or output another path, or use an image that has a directory there, or nothing"
    ),
    Reason.INPUT_NOT_FOUND: "correct the input's address in spec.inputs, or put the objects there",
    Reason.INPUT_ACCESS_DENIED: f"check {_CREDENTIALS} and what they may read",
    Reason.INPUT_ARCHIVED: f"restore the object in the store first, then {RUN_AGAIN}",
    Reason.UNSAFE_KEY: "rename the object, or leave it out of the input's prefix",
    Reason.KEY_COLLISION: "give the inputs paths of their own, or rename one of the objects",
    Reason.INPUT_TOO_LARGE: "raise spec.workspace.size",
    Reason.CHECKSUM_MISMATCH: "upload the object anew: its content is not what its checksum says",
    Reason.SECRET_NOT_FOUND: f"create the Secret, or correct its name, and {RUN_AGAIN}",
    Reason.CONFIG_MAP_NOT_FOUND: f"create the ConfigMap, or correct its name, and {RUN_AGAIN}",
    Reason.SERVICE_ACCOUNT_NOT_FOUND: f"create the ServiceAccount, or correct its name, and {RUN_AGAIN}",
    Reason.INPUT_JOB_FAILED: f"see to that job first, then {RUN_AGAIN}",
    Reason.OUTPUT_MISSING: "let the script write it, or take `required` off the output",
    Reason.INVALID_POD: f"correct the job, or have the policy changed that refuses its Pod, and {RUN_AGAIN}",
    Reason.IMAGE_PULL_FAILED: "correct the image's name, or give spec.imagePullSecrets",
    Reason.BAD_PLAN: "give the operator and the agent's image one version (the chart's image and agent.image)",
    Reason.NAME_CONFLICT: "delete that Pod, or give the job another name",
    Reason.STORE_UNAVAILABLE: "see whether the store at spec.s3.endpoint answers",
    Reason.DOWNLOAD_TIMEOUT: "raise spec.timeouts.downloadSeconds",
    Reason.UPLOAD_DENIED: f"check {_CREDENTIALS} and what they may write",
    Reason.UPLOAD_TIMEOUT: "raise spec.timeouts.uploadSeconds",
    Reason.UPLOAD_FAILED: "read the uploader's log",
    Reason.DISK_FULL: "raise spec.workspace.size, or give the node a larger disk",
    Reason.QUOTA_EXCEEDED: "raise the namespace's quota, or ask for less in spec.resources",
    Reason.PENDING_TIMEOUT: "remove what it waits for, or raise spec.timeouts.pendingSeconds",
    Reason.EVICTED: f"{RUN_AGAIN}; see the node's disk and memory pressure",
    Reason.NODE_LOST: RUN_AGAIN,
    Reason.PREEMPTED: f"{RUN_AGAIN}, with a higher priority",
    Reason.POD_DELETED: RUN_AGAIN,
    Reason.EXIT_UNKNOWN: f"see whether the outputs are whole, else {RUN_AGAIN}",
    Reason.MAX_RUNTIME_EXCEEDED: "raise spec.timeouts.runSeconds if it needs longer",
}


@dataclass(frozen=True)
class Headline:
    """What the job is doing: one word, one sentence, and why it does not get on (a reason; empty where it does)."""

    state: State
    message: str
    reason: str = ""


def headline(job: ProcessingJob, pod: PodFacts, progress: TransferProgress | None = None) -> Headline:
    """What the Pod is doing."""
    state, message = _doing(job, pod, progress)
    if pod.deleting is not None:
        return Headline(State.STOPPING, join(f"{message}: its Pod {pod.name} is being deleted", pod.taken_for))
    if is_stop_requested(job):
        return Headline(State.STOPPING, f"{message}: a stop was requested")
    return Headline(state, message, Reason.SCRIPT_NOT_STARTED if pod.never_started else "")


def what_goes_on(job: ProcessingJob, pod: PodFacts) -> State:
    """What the Pod is doing, whether or not it is asked to stop."""
    return _doing(job, pod, None)[0]


def is_stop_requested(job: ProcessingJob) -> bool:
    """By the spec, or by the condition that remembers it: a GitOps tool that sets `spec.stop` back changes nothing."""
    return job.spec.stop or is_true(job.status.conditions, ConditionType.STOP_REQUESTED)


def _doing(job: ProcessingJob, pod: PodFacts, progress: TransferProgress | None) -> tuple[State, str]:
    attempt = f"(attempt {pod.attempt})"
    if pod.never_started:
        text = f"container {SCRIPT} has not started the script {attempt}; container {UPLOAD} ends"
        return State.PENDING, join(text, pod.launcher_said)
    if pod.script.started and pod.script.end is not None:
        amount = _amount(progress, State.UPLOADING)
        return State.UPLOADING, join(f"uploading {attempt}", _restarts(UPLOAD, pod.upload), amount)
    if pod.script.started:
        kills = 0 if progress is None else progress.oom_kills or 0
        killed = killed_for_memory(job, kills) if kills else ""
        return State.RUNNING, join(f"script is running {attempt}", _restarts(UPLOAD, pod.upload), killed)
    if pod.fetch.exit_code == 0:
        return State.PENDING, f"inputs are in place; container {SCRIPT} is being started {attempt}"
    if pod.fetch.started:
        amount = _amount(progress, State.DOWNLOADING)
        return State.DOWNLOADING, join(f"downloading {attempt}", _restarts(FETCH, pod.fetch), amount)
    return State.PENDING, f"Pod {pod.name} is being started {attempt}"


def _restarts(container: str, facts: ContainerFacts) -> str:
    """Nothing, for a container that was never started again."""
    end = facts.last_end or facts.end
    if facts.restarts == 0 or end is None:
        return ""
    said = "" if end.result is None else end.result.message
    return join(f"container {container} was restarted, {facts.restarts} in all, after {code_text(end.exit_code)}", said)


def _amount(progress: TransferProgress | None, phase: State) -> str:
    """Nothing, if it is of another phase."""
    if progress is None or progress.phase is not phase:
        return ""
    objects, size = _of(progress.objects, progress.total_objects), _of(progress.bytes, progress.total_bytes)
    trouble = f"{progress.retries} retries, last error: {progress.last_error}" if progress.last_error else ""
    return join(f"{objects} objects, {size} bytes", trouble)


def _of(part: int, total: int | None) -> str:
    return str(part) if total is None else f"{part} of {total}"


def code_text(code: int) -> str:
    """An exit code, with the signal that it stands for."""
    try:
        return f"exit code {code} ({signal.Signals(code - _SIGNAL_BASE).name})"
    except ValueError:
        return f"exit code {code}"


def container_ended(pod: PodFacts, container: str, code: int) -> str:
    """The beginning of every sentence about a container's end."""
    return f"attempt {pod.attempt}: container {container} ended with {code_text(code)}"


def memory_limit(job: ProcessingJob) -> str:
    """The script's, as the job gives it; empty where it gives none."""
    limits = None if job.spec.resources is None else job.spec.resources.limits
    return str((limits or {}).get("memory", ""))


def killed_for_memory(job: ProcessingJob, kills: int) -> str:
    """For a script that goes on, or ends otherwise, although the kernel has killed processes of it."""
    limit = memory_limit(job)
    processes = "one of its processes" if kills == 1 else f"{kills} of its processes"
    return f"the kernel killed {processes} for want of memory{f' (its limit is {limit})' if limit else ''}"


def logs_command(job: ProcessingJob, pod: PodFacts, container: str) -> str:
    """What shows the container's log."""
    return f"kubectl logs -n {job.metadata.namespace} {pod.name} -c {container}"


def failed(reason: str, text: str, cause: Cause | None = None, *, log: str = "") -> Verdict:
    """A failure that says what to do about it; `log`: the command that shows more."""
    return Verdict(State.FAILED, reason, with_next_step(text, reason, log=log), cause)


def with_next_step(text: str, reason: str, *, step: str | None = None, log: str = "") -> str:
    """The sentence and what to do about it (None: the reason's own step); the log's part is a command to copy."""
    steps = [NEXT_STEP.get(reason, "") if step is None else step, log]
    step = ": ".join(part for part in steps if part)
    tail = f". Next: {step}" if step else ""
    return f"{clip(text.rstrip('. ') if step else text, END_LIMIT - len(tail))}{tail}"


def join(*parts: str) -> str:
    """Parts that are there, as one sentence."""
    return "; ".join(part.strip().rstrip(".") for part in parts if part.strip())


def human_duration(time: timedelta) -> str:
    """As `kubectl get jobs` writes it: 45s, 7m12s, 95m, 5h3m, 26h, 3d4h (apimachinery's duration.HumanDuration)."""
    seconds = max(int(time.total_seconds()), 0)
    _, (large, name), small = next(row for row in _DURATIONS if seconds < row[0])
    whole = f"{seconds // large}{name}"
    rest = 0 if small is None else seconds % large // small[0]
    return f"{whole}{rest}{small[1]}" if small is not None and rest else whole


def clip(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """The text, cut to what the status holds."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
