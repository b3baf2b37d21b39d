"""What to do about one job, as data: decided by a policy, settled once, carried out by the controller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from processing_operator.api.status import JobStatus
    from processing_operator.domain.facts import PodFacts, PodTarget, Release, Verdict
    from processing_operator.domain.wording import Headline

PodManifest = dict[str, Any]

LOOK_AGAIN: Final = timedelta(seconds=5)
"""Where a watch should wake the job before that: a Pod was written to, or its fetch looks again."""
LAST_WORDS: Final = timedelta(seconds=60)
"""How long after its own grace a Pod may take to go."""


@dataclass(frozen=True)
class PodWrites:
    """What is done to the job's Pods, and when to look at it again.

    Attributes:
        create: the (gated) Pod of the next attempt. After success or a refusal decide again at once.
        release: Pods whose gate (ours) is taken away: they may run now.
        stop: Pods whose script is told to stop.
        ended: Pods whose upload is told that the script's container has ended.
        delete: Pods to delete, with their own grace, if they are still as they were seen.
        again_at: look again at this time, if nothing else wakes the job before.
    """

    create: PodManifest | None = None
    release: tuple[Release, ...] = ()
    stop: tuple[PodTarget, ...] = ()
    ended: tuple[PodTarget, ...] = ()
    delete: tuple[PodTarget, ...] = ()
    again_at: datetime | None = None


@dataclass(frozen=True)
class Decision(PodWrites):
    """What one policy has decided.

    Attributes:
        say: what the status says of a job that goes on. None: nothing new.
        end: the job has ended. Written once.
        target: the job will fail like this as soon as its Pod, which must not start the script any more, is gone: the
            condition FailureTarget.
        withdraw: the script has started all the same: no FailureTarget any more.
        begin: the next attempt begins with this Pod.
        lost: the attempt was lost before its script started; another follows.
        first: the status must be stored before anything else is done.
    """

    say: Headline | None = None
    end: Verdict | None = None
    target: Verdict | None = None
    withdraw: bool = False
    begin: PodFacts | None = None
    lost: Verdict | None = None
    first: bool = False


@dataclass(frozen=True)
class JobEvent:
    """One Kubernetes Event about the job, written after the status write that it tells of."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True)
class Actions(PodWrites):
    """The next step. The controller carries it out in this order: claim, writes to Pods, status.

    Attributes:
        claim: a status that must be stored, with the job's resourceVersion, before anything else of this step. A
            conflict ends the step: somebody else was here, look again.
        status: the whole status as it should read, if it differs from what the job has.
        events: written only after the status (`claim` or `status`) was; each tells of a change that it makes.
    """

    claim: JobStatus | None = None
    status: JobStatus | None = None
    events: tuple[JobEvent, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether anything is to be written: then everything is read anew and decided again before."""
        return bool(self.claim or self.create or self.release or self.stop or self.ended or self.delete or self.status)
