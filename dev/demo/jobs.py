"""The four jobs as the driver sees them: pure readings of their status."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from processing_operator.api.status import JobStatus, State, has_ended
from processing_operator.api.v1alpha1 import ProcessingJob

if TYPE_CHECKING:
    from datetime import datetime

    from dev.cluster.client import Object
    from processing_operator.api.status import InputStatus, OutputStatus

NAMES = ("census-preprocess", "census-own-image", "census-train", "census-evaluate")
# a job that the operator has said nothing of yet
NEW = "New"
PHASES = (State.DOWNLOADING, State.RUNNING, State.UPLOADING)


@dataclass(frozen=True)
class Job:
    """A job and what the operator says of it."""

    name: str
    created: datetime | None = None
    status: JobStatus = field(default_factory=JobStatus)

    @classmethod
    def read(cls, seen: Object) -> Job:
        job = ProcessingJob.model_validate(seen)
        return cls(job.metadata.name, job.metadata.creation_timestamp, job.status)

    @property
    def state(self) -> str:
        return self.status.state or NEW

    @property
    def ended(self) -> bool:
        return has_ended(self.status.state)

    @property
    def completed(self) -> bool:
        return self.status.state is State.COMPLETED

    def waited(self, now: datetime) -> float | None:
        """Seconds from the job's creation to its Pod's: for other jobs, mostly."""
        return _between(self.created, self.status.start_time or now)

    def took(self, now: datetime) -> float | None:
        """Seconds from the Pod's creation to the job's end: the phases, and what is between them."""
        return _between(self.status.start_time, self.status.completion_time or now)

    def seconds(self, phase: State, now: datetime) -> float | None:
        """How long a phase took, or takes so far; None if it has not begun."""
        for seen in self.status.phases:
            if seen.name is phase:
                return _between(seen.start_time, seen.end_time or now)
        return None


def moved(items: Iterable[InputStatus | OutputStatus]) -> tuple[int, int]:
    """Objects and bytes in all."""
    known = list(items)
    return sum(item.objects or 0 for item in known), sum(item.bytes or 0 for item in known)


def _between(begin: datetime | None, end: datetime) -> float | None:
    return (end - begin).total_seconds() if begin else None
