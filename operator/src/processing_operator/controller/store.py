"""All that is kept of jobs and their Pods: one record a job. Hints, never facts: what is written about is read anew.

The watches, the lists and the answers to our own writes are brought together here by resourceVersion, which the API
server lets clients compare as numbers (KEP-5504): nothing older ever replaces what is newer.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from processing_operator.api import names
from processing_operator.api.conditions import TERMINAL
from processing_operator.api.v1alpha1 import ProcessingJob
from processing_operator.domain.reading import read_pod
from processing_operator.kube.watching import resource_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from processing_operator.api.status import TransferProgress
    from processing_operator.domain.facts import PodFacts

Obj = dict[str, Any]
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


class JobKey(NamedTuple):
    """The job's namespace and name. Not its uid: a job made again must not be looked at beside the old one."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def key_of(job: Mapping[str, Any]) -> JobKey:
    """The key of a job as the API server sent it."""
    return JobKey(job["metadata"]["namespace"], job["metadata"]["name"])


def key_of_pod(pod: Mapping[str, Any]) -> JobKey:
    """The key of the job whose name the Pod has in its label, whoever controls it."""
    return JobKey(pod["metadata"]["namespace"], (pod["metadata"].get("labels") or {}).get(names.LABEL_JOB, ""))


def _uid(obj: Mapping[str, Any]) -> str:
    """Its uid; empty for what is no object at all."""
    return str((obj.get("metadata") or {}).get("uid", ""))


@dataclass(frozen=True)
class SeenJob:
    """A job as it was last seen."""

    raw: Obj

    @property
    def uid(self) -> str:
        """Its uid."""
        return str(self.raw["metadata"]["uid"])

    @property
    def version(self) -> int:
        """Its resourceVersion."""
        return resource_version(self.raw)

    @property
    def status(self) -> Mapping[str, Any]:
        """Its status as it is stored."""
        return self.raw.get("status") or {}

    @cached_property
    def model(self) -> ProcessingJob:
        """The job.

        Raises:
            ValidationError: it does not fit the model.
        """
        return ProcessingJob.model_validate(self.raw)

    @cached_property
    def finished(self) -> bool:
        """Whether it has ended for good, by its conditions (also of a job that does not fit the model)."""
        told = self.status.get("conditions") or []
        return any(one.get("type") in TERMINAL and one.get("status") == "True" for one in told)

    @cached_property
    def awaits(self) -> frozenset[JobKey]:
        """The jobs that it has an input from."""
        sources = [entry.get("from") for entry in self.raw.get("spec", {}).get("inputs") or []]
        return frozenset(JobKey(self.raw["metadata"]["namespace"], source["job"]) for source in sources if source)


@dataclass
class Record:
    """What is kept of a job; it dies with the job, and with its Pods.

    Attributes:
        job: None before it was seen and after it was deleted; Pods of it may still be there.
        pods: the Pods that carry the job's name and exist, by uid.
        gone: the job's own Pods as they were when they were seen to go, by uid; until the job ends.
        created: uids of Pods that this process has created for it.
        doubtful: a list lacks it: what has become of it has to be read.
    """

    key: JobKey
    job: SeenJob | None = None
    pods: dict[str, PodFacts] = field(default_factory=dict)
    gone: dict[str, PodFacts] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    progress: TransferProgress | None = None
    written_at: datetime | None = None
    doubtful: bool = False

    @property
    def active(self) -> bool:
        """There is a job, and it has not ended."""
        return self.job is not None and not self.job.finished

    def forget_run(self) -> None:
        """The job has ended or is gone: nothing of its run matters any more."""
        self.gone.clear()
        self.created.clear()
        self.progress = None


class Store:
    """The records. Touches nothing but memory."""

    def __init__(self) -> None:
        self._records: dict[JobKey, Record] = {}
        self._waiters: defaultdict[JobKey, set[JobKey]] = defaultdict(set)
        self._told: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._records)

    def find(self, key: JobKey) -> Record | None:
        """The record of that name."""
        return self._records.get(key)

    def told(self, uid: str) -> int:
        """The newest version of the object that a watch has told of; 0 for none."""
        return self._told.get(uid, 0)

    def records(self) -> Iterator[Record]:
        """All of them, as they are now."""
        return iter(list(self._records.values()))

    def waiters_of(self, key: JobKey) -> list[JobKey]:
        """The jobs with an input from this one."""
        return sorted(self._waiters.get(key, ()))

    # -- jobs

    def saw_job(self, raw: Obj, *, watched: bool = False) -> bool:
        """Keep the job as it is here; False if it was known like this, or newer."""
        key = key_of(raw)
        record = self._records.setdefault(key, Record(key))
        metadata = raw["metadata"]
        if watched:
            self._told[metadata["uid"]] = resource_version(raw)
        if record.job is not None and record.job.version >= resource_version(raw):
            record.doubtful &= record.job.version != resource_version(raw)
            return False
        if record.job is not None and record.job.uid != metadata["uid"]:
            self.lost_job(key)
            record = self._records.setdefault(key, record)
        kept = {name: value for name, value in metadata.items() if name != "managedFields"}
        if _LAST_APPLIED in (kept.get("annotations") or {}):
            kept["annotations"] = {name: text for name, text in kept["annotations"].items() if name != _LAST_APPLIED}
        self._put(record, SeenJob({**raw, "metadata": kept}))
        return True

    def _put(self, record: Record, job: SeenJob) -> None:
        self._unlink(record)
        record.job, record.doubtful = job, False
        for awaited in job.awaits:
            self._waiters[awaited].add(record.key)
        if job.finished:
            record.forget_run()

    def lost_job(self, key: JobKey, uid: str = "") -> None:
        """The job (of that uid, where one is given) is gone. Its Pods may not be."""
        record = self._records.get(key)
        if record is None or (uid and record.job is not None and record.job.uid != uid):
            return
        self._unlink(record)
        if record.job is not None:
            self._told.pop(record.job.uid, None)
        record.job, record.doubtful, record.written_at = None, False, None
        record.forget_run()
        self._drop_if_empty(record)

    def _unlink(self, record: Record) -> None:
        for awaited in record.job.awaits if record.job is not None else ():
            self._waiters[awaited].discard(record.key)
            if not self._waiters[awaited]:
                del self._waiters[awaited]

    def missing_jobs(self, listed: Iterable[Obj], version: int, *, unfinished: bool) -> list[JobKey]:
        """The jobs that a list of that version should have had and has not; each is doubtful from now on."""
        there = {_uid(job) for job in listed}
        missing = [
            record
            for record in self._records.values()
            if record.job is not None
            and record.job.uid not in there
            and record.job.version <= version
            and (record.active or not unfinished)
        ]
        for record in missing:
            record.doubtful = True
        return [record.key for record in missing]

    # -- Pods

    def saw_pod(self, raw: Obj, *, watched: bool = False) -> bool:
        """Keep the Pod as it is here; False if it was known like this, or newer, or as gone."""
        key, uid = key_of_pod(raw), raw["metadata"]["uid"]
        if watched:
            self._told[uid] = resource_version(raw)
        record = self._records.get(key) or Record(key)
        known = record.pods.get(uid)
        if uid in record.gone or (known is not None and int(known.resource_version) >= resource_version(raw)):
            return False
        pod = read_pod(raw)
        for other in [one.uid for one in record.pods.values() if one.name == pod.name and one.uid != uid]:
            self._remove(record, other)
        self._records[key] = record
        record.pods[uid] = pod
        return True

    def lost_pod(self, raw: Obj) -> bool:
        """The Pod is gone, and this is how it was; False if it was none of a job's that is known."""
        self._told.pop(raw["metadata"]["uid"], None)
        record = self._records.get(key_of_pod(raw))
        if record is None:
            return False
        pod = read_pod(raw)
        if record.active and record.job is not None and pod.owner == record.job.uid:
            record.gone[pod.uid] = pod
        self._remove(record, pod.uid)
        return True

    def missing_pods(self, listed: Iterable[Obj], version: int, namespace: str | None) -> list[JobKey]:
        """The jobs whose Pods a list of that version should have had and has not: they are gone, nobody knows how."""
        there = {_uid(pod) for pod in listed}
        touched = []
        for record in self.records():
            if namespace is not None and record.key.namespace != namespace:
                continue
            missing = [pod for uid, pod in record.pods.items() if uid not in there]
            gone = [pod.uid for pod in missing if int(pod.resource_version) <= version]
            for uid in gone:
                self._remove(record, uid)
            touched += [record.key] if gone else []
        return touched

    def no_such_pod(self, key: JobKey, name: str) -> None:
        """There is no Pod of that name, as was just read."""
        record = self._records.get(key)
        if record is not None:
            for uid in [pod.uid for pod in record.pods.values() if pod.name == name]:
                self._remove(record, uid)

    def _remove(self, record: Record, uid: str) -> None:
        record.pods.pop(uid, None)
        self._told.pop(uid, None)
        self._drop_if_empty(record)

    def _drop_if_empty(self, record: Record) -> None:
        if record.job is None and not record.pods:
            self._records.pop(record.key, None)
