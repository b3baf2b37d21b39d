"""What the queue is keyed by, and what names one state of an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from processing_operator.controller.refusals import controller_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class JobKey(NamedTuple):
    """The job's namespace and name. Not its uid: a re-made job must not be processed beside the old one."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @classmethod
    def of(cls, job: Mapping[str, Any]) -> JobKey:
        """The key of a job as the API server sent it."""
        metadata = job["metadata"]
        return cls(metadata["namespace"], metadata["name"])

    @classmethod
    def of_owner(cls, pod: Mapping[str, Any]) -> JobKey | None:
        """The key of the job that controls the Pod, or None if nothing of ours does."""
        owner = controller_of(pod)
        if owner is None or owner["kind"] != "ProcessingJob":
            return None
        return cls(pod["metadata"]["namespace"], owner["name"])


def version_of(obj: Mapping[str, Any]) -> str:
    """Names this state of this object among all objects' states."""
    metadata = obj["metadata"]
    return f"{metadata['uid']}@{metadata['resourceVersion']}"
