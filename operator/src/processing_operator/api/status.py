"""What the operator reports about a job."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from processing_operator.api.conditions import Condition
from processing_operator.api.model import ANY_WORD, FIRST_FIT, LongText, PreciseTime, SeenModel, ShortText, Time, Word
from processing_operator.api.rules import KeyedBy

Count = Annotated[int, Field(ge=0)]
Name = Annotated[str, Field(max_length=63)]


class State(StrEnum):
    """One word for people."""

    WAITING = "Waiting"
    PENDING = "Pending"
    DOWNLOADING = "Downloading"
    RUNNING = "Running"
    UPLOADING = "Uploading"
    STOPPING = "Stopping"
    """A stop was asked for."""
    FAILING = "Failing"
    """The end is decided, and its Pod is going."""
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"

    @property
    def terminal(self) -> bool:
        """Whether the job has ended for good."""
        return self in (State.COMPLETED, State.FAILED, State.STOPPED)


StateWord = Annotated[State | Word, FIRST_FIT, ANY_WORD]


def has_ended(state: State | Word | None) -> bool:
    """Whether a job in that state has ended for good."""
    return isinstance(state, State) and state.terminal


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
    """A phase and its times, to the millisecond."""

    name: StateWord
    """Downloading, Running or Uploading."""
    start_time: PreciseTime | None = None
    """When the phase began."""
    end_time: PreciseTime | None = None
    """When the phase ended; absent while it lasts."""


class InputStatus(SeenModel):
    """The counts of one input."""

    name: Name
    """The input's name."""
    objects: Count | None = None
    """How many files have landed."""
    bytes: Count | None = None
    """How many bytes they hold."""
    seconds: Annotated[float, Field(ge=0)] | None = None
    """How long it took."""


class OutputStatus(SeenModel):
    """The counts of one output, and what became of it."""

    name: Name
    """The output's name."""
    uri: Annotated[str, Field(max_length=1280)] | None = None
    """Where it is: the prefix, which ends in a slash; or the archive, which is one object."""
    objects: Count | None = None
    """How many objects were written."""
    bytes: Count | None = None
    """How many bytes they hold."""
    seconds: Annotated[float, Field(ge=0)] | None = None
    """How long it took."""
    upload: Annotated[UploadState | Word, FIRST_FIT, ANY_WORD] | None = None
    """Complete (also when the directory was empty), Failed, Skipped (by `uploadOn`) or NotReached."""


class InstanceStatus(SeenModel):
    """A Pod and what it is doing."""

    index: Count
    """The instance: 0 is `algo-1`."""
    pod: Word | None = None
    """The Pod's name."""
    pod_uid: Word | None = None
    """The Pod's uid: entered before the Pod may run, so that it is never made twice."""
    node: Word | None = None
    """The node that it runs on."""
    state: Annotated[InstanceState | Word, FIRST_FIT, ANY_WORD] | None = None
    """Pending, Running, Succeeded, Failed or Lost."""
    exit_code: int | None = None
    """The script's exit code."""


class AttemptRecord(SeenModel):
    """Its times, its reason and the script's exit code."""

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


class Retries(SeenModel):
    """How many attempts were repeated, by cause."""

    script: Count = 0
    """Because the script had failed."""
    infrastructure: Count = 0
    """Because the cluster had failed, after the script's start."""
    before_start: Count = 0
    """Because the attempt was lost before the script's start."""


class TransferProgress(SeenModel):
    """How far the current attempt is."""

    phase: StateWord
    """Downloading, Running or Uploading."""
    objects: Count
    """How many objects are done."""
    bytes: Count
    """How many bytes are done."""
    total_objects: Count | None = None
    """How many objects there are; absent while that is not known."""
    total_bytes: Count | None = None
    """How many bytes there are; absent while that is not known."""
    retries: Count = 0
    """How many requests were made again."""
    last_error: ShortText | None = None
    """Why the last of them was made again."""
    oom_kills: Count | None = None
    """How many of the script's processes the kernel has killed for want of memory; absent for none."""
    time: Time | None = None
    """When it was that far."""


class Restarts(SeenModel):
    """How often containers of the current attempt were started again."""

    fetch: Count = 0
    """Container fetch, the download."""
    upload: Count = 0
    """Container upload."""


class JobStatus(SeenModel):
    """What the operator reports. Written by the operator alone."""

    observed_generation: int | None = None
    """The generation of the spec that this status is about; -1: nobody has looked at the job yet."""
    state: StateWord | None = None
    """Waiting, Pending, Downloading, Running, Uploading, Stopping, Failing; at last Completed, Failed or Stopped."""
    message: LongText | None = None
    """What is going on, or how it ended, in a sentence."""
    reason: Word | None = None
    """What the job waits for, or why it failed or was stopped, in one word."""
    start_time: Time | None = None
    """When the first Pod was created."""
    completion_time: Time | None = None
    """When the job ended."""
    duration: Word | None = None
    """How long it took from startTime to completionTime, as `kubectl get jobs` writes it; absent until the job ends."""
    pending_since: Time | None = None
    """When the waiting for the script's start began, which timeouts.pendingSeconds limits."""
    attempts: Count = 0
    """How many attempts have begun; counted before the attempt's Pod may run."""
    attempt_history: Annotated[tuple[AttemptRecord, ...], Field(max_length=10)] = ()
    """The last ten attempts that have ended."""
    retries: Retries | None = None
    """How many attempts were repeated, by cause."""
    phases: Annotated[tuple[PhaseStatus, ...], Field(max_length=10)] = ()
    """When each phase of the current attempt began and ended."""
    progress: TransferProgress | None = None
    """How far the download or the upload is; while the script runs, how many of its processes were killed."""
    restarts: Restarts | None = None
    """How often containers of the current attempt were started again."""
    exit_code: int | None = None
    """The script's exit code; 128 + n if signal n ended it."""
    exit_message: ShortText | None = None
    """What the script wrote to /opt/ml/output/message, its first 1024 bytes."""
    inputs: Annotated[tuple[InputStatus, ...], Field(max_length=50)] = ()
    """What has landed, by input, once the download has ended."""
    outputs: Annotated[tuple[OutputStatus, ...], Field(max_length=50)] = ()
    """What was uploaded, by output, once the upload has ended."""
    instances: Annotated[tuple[InstanceStatus, ...], Field(max_length=20)] = ()
    """The Pods of the current attempt."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=10), KeyedBy("type")] = ()
    """Complete, Failed or Stopped at the end, for `kubectl wait`; Reconciling and Stalled, for Helm and Flux, while
    they are True. Besides, where they apply: StopRequested, FailureTarget (the end is decided and waits for its Pod),
    SpecChanged (after the start; it is ignored), RestartRules (False: Kubernetes is older than 1.35)."""
