"""What was seen of one job and its Pods: gathered by `observe`, read by the policies. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, Literal

from processing_operator.api import protocol
from processing_operator.api.protocol import LAUNCHER_SAYS
from processing_operator.api.reasons import Reason
from processing_operator.domain.defaults import OperatorDefaults

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from processing_operator.api.status import State, TransferProgress
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.container import ContainerFacts
    from processing_operator.domain.results import ExitRecord


@dataclass(frozen=True)
class PodCondition:
    """A condition of the Pod."""

    status: str
    reason: str
    message: str


@dataclass(frozen=True)
class PodTarget:
    """A Pod as it was seen. Writes to it carry uid and resourceVersion: they never hit another or a changed one."""

    name: str
    uid: str
    resource_version: str


@dataclass(frozen=True)
class Release:
    """A Pod that may run now, and what its launcher is told of the limits that it was admitted with."""

    target: PodTarget
    bounds: str


@dataclass(frozen=True)
class PodFacts:
    """One Pod, of all that the API server tells what decisions are made by.

    Attributes:
        owner: the uid of the job that controls it; empty where none does.
        signal: the value of its signal annotation.
        spec_digest: of the spec that it was built from.
        gated: it was not released yet: nothing of it has ever run.
        foreign_gates: the scheduling gates of others (a queue's).
        storage_bound: bytes of the node's disk at which the kubelet evicts it; None: no container has a limit.
        script_bound: the same, of what the script's container holds outside of volumes.
        grace: seconds from its deletion to SIGKILL.
        scheduled: the condition PodScheduled.
        disruption: the condition DisruptionTarget, if it is True: why Kubernetes itself takes the Pod away.
        deleting: when it is to be gone (its deletionTimestamp).
        restart_rules: False where the API server has dropped the containers' restart rules.
        others_running: a container that is none of ours (an injected one) is running.
    """

    name: str
    uid: str
    resource_version: str
    owner: str
    attempt: int
    index: int
    created_at: datetime | None
    node: str
    phase: str
    reason: str
    message: str
    signal: str
    spec_digest: str
    gated: bool
    foreign_gates: tuple[str, ...]
    storage_bound: int | None
    script_bound: int | None
    grace: int
    scheduled: PodCondition | None
    disruption: PodCondition | None
    deleting: datetime | None
    restart_rules: bool
    fetch: ContainerFacts
    upload: ContainerFacts
    script: ContainerFacts
    others_running: bool = False

    @property
    def target(self) -> PodTarget:
        """The Pod as it was seen, for a write that must not hit a changed one."""
        return PodTarget(self.name, self.uid, self.resource_version)

    @property
    def release(self) -> Release:
        """The Pod as it was seen, with what only its admission has told."""
        return Release(self.target, protocol.bounds(self.storage_bound, self.script_bound))

    @property
    def terminal(self) -> bool:
        """The Pod's phase says that nothing of it runs or will run."""
        return self.phase in ("Succeeded", "Failed")

    @property
    def taken_away(self) -> bool:
        """Somebody deletes, evicts or preempts it."""
        return self.deleting is not None or self.disruption is not None or bool(self.reason)

    @property
    def taken_for(self) -> str:
        """Why it is taken away, in the words of whoever does it."""
        return self.message or ("" if self.disruption is None else self.disruption.message)

    @property
    def sandbox_lost(self) -> bool:
        """Fetch was started once more after the script had started: only a new sandbox does that."""
        fetched, ran = self.fetch.started_at, self.script.first_start
        return fetched is not None and ran is not None and self.fetch.restarts > 0 and fetched > ran

    @property
    def record(self) -> ExitRecord | None:
        """The launcher's record of the script's end, as the uploader passed it on."""
        result = self.upload.last_result
        return None if result is None else result.exit

    @property
    def launcher_said(self) -> str:
        """The launcher's own words, where it ended and has left no record; any others are the script's."""
        end = self.script.end
        return end.message if end is not None and self.record is None and end.message.startswith(LAUNCHER_SAYS) else ""

    @property
    def never_started(self) -> bool:
        """The script's container has ended without the script: so says the runtime, the launcher, or the uploader."""
        script, upload = self.script.end, self.upload.end
        if script is None or self.record is not None:
            return False
        if script.start_failed or self.launcher_said:
            return True
        if upload is None or upload.result is None or upload.was_before(script):
            return False
        return upload.result.reason == Reason.SCRIPT_NOT_STARTED

    @property
    def exit_code(self) -> int | None:
        """The script's code, once it has run and ended: the record's, if it is of this boot, else the container's.

        A script that could not be started has a code as well: the runtime's.
        """
        end, record = self.script.end, self.record
        if end is None or not (end.ran or end.start_failed):
            return None
        return end.exit_code if record is None or record.rebooted else record.code


def targets(pods: Iterable[PodFacts]) -> tuple[PodTarget, ...]:
    """For a write to each of these Pods that is not being deleted already."""
    return tuple(pod.target for pod in pods if pod.deleting is None)


class Seen(Enum):
    """What is known of an instance's Pod."""

    LIVE = "live"
    """It exists."""
    GONE = "gone"
    """It exists no more; how it was when it went is known."""
    UNSEEN = "unseen"
    """It is not there, and nobody saw it go: its script may have run."""


class Cause(StrEnum):
    """Whose an end is: what it can be made good by."""

    SCRIPT = "Script"
    BEFORE_START = "BeforeStart"
    """The Pod was lost before its script started: another attempt makes it good."""
    INFRASTRUCTURE = "Infrastructure"
    STORE = "Store"
    INPUT = "Input"
    STOP = "Stop"


@dataclass(frozen=True)
class Verdict:
    """How an attempt, or the job, ended.

    Attributes:
        state: Completed, Failed or Stopped.
        reason: one of the API's reasons; empty where the job completed.
        message: a sentence for people.
        cause: None where the job completed or never began.
    """

    state: State
    reason: str = ""
    message: str = ""
    cause: Cause | None = None


@dataclass(frozen=True)
class Instance:
    """One Pod of the attempt. `pod` is None exactly when it is unseen."""

    index: int
    pod: PodFacts | None
    seen: Seen
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Attempt:
    """The attempt that the status has begun. It has the Pods that the status names, and never others.

    Attributes:
        verdict: how it ended, once every instance's Pod tells.
    """

    number: int
    instances: tuple[Instance, ...]
    verdict: Verdict | None = None

    @property
    def pod(self) -> PodFacts | None:
        """The first instance's Pod: what phases, counts and exit code of the status are about."""
        return self.instances[0].pod if self.instances else None

    @property
    def live(self) -> tuple[PodFacts, ...]:
        """Its Pods that exist."""
        return tuple(one.pod for one in self.instances if one.pod is not None and one.seen is Seen.LIVE)


@dataclass(frozen=True)
class Refusal:
    """Why the next attempt's Pod was not created.

    `Conflict`: a Pod of that name exists and is not this job's. `Invalid`: refused for good, in the API server's own
    words. `Policy`: refused by an admission policy of the cluster or the namespace. `Quota`: by a ResourceQuota.
    `Account`: the ServiceAccount does not exist. The last three are waited for: somebody else can mend them.

    Attributes:
        pod: what was refused; None where it was not the API server that did.
    """

    kind: Literal["Account", "Conflict", "Invalid", "Policy", "Quota"]
    message: str
    pod: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Facts:
    """Everything that one decision looks at besides the job itself.

    Attributes:
        attempt: the attempt that was begun and not given up as lost.
        leaving: Pods of the attempt before, which was given up as lost before its script started, that still exist.
        belated: a Pod of that attempt, gone or not, that shows that its script had started all the same.
        unclaimed: gated Pods of the next attempt that this process has created itself, by index.
        orphans: any other gated Pod of this job that the status does not know: it has never run.
        predecessors: live Pods of a deleted job of the same name: they may still upload to the same place.
        awaited: for each job named by a `from` input: that job as it is now, or None if it does not exist.
        defaults: the operator's settings.
        refusal: why the Pod of the next attempt was just refused.
        progress: what the container that moves data has printed last.
        written_at: when this process wrote the job's status last.
    """

    attempt: Attempt | None = None
    leaving: tuple[PodFacts, ...] = ()
    belated: PodFacts | None = None
    unclaimed: tuple[PodFacts, ...] = ()
    orphans: tuple[PodFacts, ...] = ()
    predecessors: tuple[PodFacts, ...] = ()
    awaited: Mapping[str, ProcessingJob | None] = field(default_factory=dict)
    defaults: OperatorDefaults = field(default_factory=OperatorDefaults)
    refusal: Refusal | None = None
    progress: TransferProgress | None = None
    written_at: datetime | None = None

    @property
    def pod(self) -> PodFacts | None:
        """The open attempt's first Pod."""
        return None if self.attempt is None else self.attempt.pod

    @property
    def live(self) -> tuple[PodFacts, ...]:
        """The open attempt's Pods that exist."""
        return () if self.attempt is None else self.attempt.live
