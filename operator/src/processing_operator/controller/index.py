"""The jobs as they were last seen: to wake those that wait, to count, and to notice a watch that has gone blind."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from processing_operator.api.status import State
from processing_operator.controller.key import JobKey, version_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_UNSEEN: Final = "New"
_ENDED: Final = frozenset(state.value for state in State if state.terminal)


@dataclass(frozen=True)
class SeenJob:
    """What is kept of a job: not the job."""

    state: str
    awaits: frozenset[JobKey]

    @property
    def ended(self) -> bool:
        """Whether it is in a terminal state."""
        return self.state in _ENDED


class JobIndex:
    """What the watch and the resync have seen. Hints, never facts: whatever is decided is read anew."""

    def __init__(self) -> None:
        self._jobs: dict[JobKey, SeenJob] = {}
        self._waiters: defaultdict[JobKey, set[JobKey]] = defaultdict(set)
        self._watched: dict[JobKey, str] = {}
        self._listed: dict[JobKey, str] = {}

    def saw(self, job: Mapping[str, Any]) -> SeenJob:
        """Remember the job as it is here."""
        key = JobKey.of(job)
        self._unlink(key)
        seen = self._jobs[key] = SeenJob(job.get("status", {}).get("state", _UNSEEN), awaited_by(job))
        for awaited in seen.awaits:
            self._waiters[awaited].add(key)
        return seen

    def saw_by_watch(self, job: Mapping[str, Any]) -> SeenJob:
        """The same, told by the watch."""
        self._watched[JobKey.of(job)] = version_of(job)
        return self.saw(job)

    def find(self, key: JobKey) -> SeenJob | None:
        """What is remembered of the job."""
        return self._jobs.get(key)

    def forget(self, key: JobKey) -> None:
        """The job is gone."""
        self._unlink(key)
        self._jobs.pop(key, None)
        self._watched.pop(key, None)
        self._listed.pop(key, None)

    def waiters_of(self, key: JobKey) -> frozenset[JobKey]:
        """The jobs with an input from this one."""
        return frozenset(self._waiters.get(key, ()))

    def keys(self) -> frozenset[JobKey]:
        """Every job that is remembered."""
        return frozenset(self._jobs)

    def count_by_state(self) -> Counter[str]:
        """How many jobs are in each state."""
        return Counter(seen.state for seen in self._jobs.values())

    def missed_by_watch(self, jobs: Sequence[Mapping[str, Any]]) -> list[JobKey]:
        """Of these jobs, just listed: those unchanged since the list before, of which the watch still has not told."""
        before, self._listed = self._listed, {JobKey.of(job): version_of(job) for job in jobs}
        return [
            key
            for key, version in self._listed.items()
            if before.get(key) == version and self._watched.get(key) != version
        ]

    def _unlink(self, key: JobKey) -> None:
        seen = self._jobs.get(key)
        for awaited in seen.awaits if seen else ():
            self._waiters[awaited].discard(key)
            if not self._waiters[awaited]:
                del self._waiters[awaited]


def awaited_by(job: Mapping[str, Any]) -> frozenset[JobKey]:
    """The jobs that this one has an input from. Reads the raw object: an invalid job waits for nobody."""
    namespace = job["metadata"]["namespace"]
    sources = [entry.get("from") for entry in job.get("spec", {}).get("inputs", [])]
    return frozenset(JobKey(namespace, source["job"]) for source in sources if source)
