"""What to do about one job, as data: made by the policies, carried out by the controller."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.status import JobStatus

PodManifest = dict[str, Any]


@dataclass(frozen=True)
class JobEvent:
    """One Kubernetes Event about the job, written after the status write that it tells of."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True)
class PodTarget:
    """A Pod as it was seen. Writes to it carry uid and resourceVersion: they never hit another or a changed one."""

    name: str
    uid: str
    resource_version: str


@dataclass(frozen=True)
class ReleasePod:
    """Take the Pod's scheduling gates away: a merge patch `{"spec": {"schedulingGates": null}}`.

    Every Pod is created gated, so that nothing of it can run before its uid stands in the job's status (`claim`). That
    is what makes a script start at most once per attempt, wherever the operator dies and whoever deletes Pods
    meanwhile: a gated Pod that the status does not know has never run, and one that it knows is never made again.
    """

    pod: PodTarget


@dataclass(frozen=True)
class SignalPod:
    """Set the Pod's signal annotation (docs/internals/protocol.md)."""

    pod: PodTarget
    value: Literal["stop"]


@dataclass(frozen=True)
class DeletePod:
    """Delete the Pod with its own grace period, if it is still as it was seen."""

    pod: PodTarget


@dataclass(frozen=True)
class Plan:
    """The next step. The controller carries it out in the order of the fields.

    Attributes:
        claim: a status that must be stored, with the job's resourceVersion, **before** anything else of this plan: it
            enters the uid of the attempt's Pod. A conflict ends the step: somebody else was here, look again.
        create: the (gated) Pod of the next attempt. "It exists already" is success if its controller is this job. A
            refusal is put into the facts as `create_failure` and decided again. After success look again at once: the
            next plan claims and releases it.
        releases: Pods that may run now.
        signals: annotations to set on running Pods.
        deletions: Pods to delete.
        status: the whole status as it should read, written (once, with resourceVersion) only if it differs from what
            the job has.
        events: written only after the status write (`claim` or `status`) succeeded; each tells of a change that it
            makes.
        requeue_at: look again at this time, if nothing else wakes the job before.
    """

    claim: JobStatus | None = None
    create: PodManifest | None = None
    releases: tuple[ReleasePod, ...] = ()
    signals: tuple[SignalPod, ...] = ()
    deletions: tuple[DeletePod, ...] = ()
    status: JobStatus | None = None
    events: tuple[JobEvent, ...] = field(default=())
    requeue_at: datetime | None = None

    @classmethod
    def nothing(cls) -> Plan:
        """Leave the job as it is."""
        return cls()
