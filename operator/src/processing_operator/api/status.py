"""What the operator reports about a job."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from processing_operator.api.conditions import Condition
from processing_operator.api.model import LongText, PreciseTime, SeenModel, ShortText, Time
from processing_operator.api.rules import KeyedBy

Count = Annotated[int, Field(ge=0)]
Word = Annotated[str, Field(max_length=253)]
Name = Annotated[str, Field(max_length=63)]


class State(StrEnum):
    """One word for people."""

    WAITING = "Waiting"
    PENDING = "Pending"
    DOWNLOADING = "Downloading"
    RUNNING = "Running"
    UPLOADING = "Uploading"
    STOPPING = "Stopping"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"

    @property
    def terminal(self) -> bool:
        """Whether the job has ended for good."""
        return self in (State.COMPLETED, State.FAILED, State.STOPPED)


class UploadState(StrEnum):
    """What became of an output."""

    COMPLETE = "Complete"
    """All of it is in the store; nothing at all, if the directory was empty."""
    FAILED = "Failed"
    SKIPPED = "Skipped"
    """By `uploadOn`."""
    NOT_REACHED = "NotReached"


class InstanceState(StrEnum):
    """What one Pod of the job is doing."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    LOST = "Lost"
    """The Pod is gone and nobody knows how it ended."""


class PhaseStatus(SeenModel):
    """One phase of the current attempt."""

    name: State
    """Pending, Downloading, Running or Uploading."""
    start_time: PreciseTime | None = None
    """When the phase began."""
    end_time: PreciseTime | None = None
    """When the phase ended; absent while it lasts."""


class InputStatus(SeenModel):
    """One input, once it has landed."""

    name: Name
    """The input's name."""
    objects: Count | None = None
    """How many files have landed."""
    bytes: Count | None = None
    """How many bytes they hold."""
    seconds: Annotated[float, Field(ge=0)] | None = None
    """How long it took."""


class OutputStatus(SeenModel):
    """One output, once its upload has ended."""

    name: Name
    """The output's name."""
    objects: Count | None = None
    """How many objects were written."""
    bytes: Count | None = None
    """How many bytes they hold."""
    seconds: Annotated[float, Field(ge=0)] | None = None
    """How long it took."""
    upload: UploadState | None = None
    """Complete (also when the directory was empty), Failed, Skipped (by `uploadOn`) or NotReached."""


class InstanceStatus(SeenModel):
    """One Pod of the current attempt."""

    index: Count
    """The instance: 0 is `algo-1`."""
    pod: Word | None = None
    """The Pod's name."""
    pod_uid: Word | None = None
    """The Pod's uid: entered before the Pod may run, so that it is never made twice."""
    node: Word | None = None
    """The node that it runs on."""
    state: InstanceState | None = None
    """Pending, Running, Succeeded, Failed or Lost."""
    exit_code: int | None = None
    """The script's exit code."""


class AttemptRecord(SeenModel):
    """An attempt that has ended."""

    attempt: Annotated[int, Field(ge=1)]
    """Its number, from 1."""
    reason: Word | None = None
    """Why it ended."""
    message: ShortText | None = None
    """Why it ended, for people."""
    start_time: Time | None = None
    """When its Pod was created."""
    end_time: Time | None = None
    """When it ended."""
    exit_code: int | None = None
    """The script's exit code, if the script ran."""


class JobStatus(SeenModel):
    """What the operator reports. Written by the operator alone."""

    observed_generation: Count | None = None
    """The generation of the spec that this status is about."""
    state: State | None = None
    """Waiting, Pending, Downloading, Running, Uploading, Stopping; then, for good, Completed, Failed or Stopped."""
    message: LongText | None = None
    """What is going on, for people."""
    start_time: Time | None = None
    """When the first Pod was created."""
    completion_time: Time | None = None
    """When the job ended."""
    attempts: Count = 0
    """How often the job was started; written before the Pod is created."""
    attempt_history: Annotated[tuple[AttemptRecord, ...], Field(max_length=10)] = ()
    """The last ten attempts that have ended."""
    phases: Annotated[tuple[PhaseStatus, ...], Field(max_length=10)] = ()
    """When each phase of the current attempt began and ended."""
    exit_code: int | None = None
    """The script's exit code; 128 + n if signal n ended it."""
    exit_message: ShortText | None = None
    """What the script wrote to /opt/ml/output/message, its first 1024 bytes."""
    failure_reason: Word | None = None
    """Why the job failed or was stopped, in one word."""
    inputs: Annotated[tuple[InputStatus, ...], Field(max_length=50)] = ()
    """What has landed, by input."""
    outputs: Annotated[tuple[OutputStatus, ...], Field(max_length=50)] = ()
    """What was uploaded, by output."""
    instances: Annotated[tuple[InstanceStatus, ...], Field(max_length=20)] = ()
    """The Pods of the current attempt."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=10), KeyedBy("type")] = ()
    """Complete, Failed, Stopped: for `kubectl wait`. Reconciling, Stalled: for Helm, Flux and Argo CD."""
