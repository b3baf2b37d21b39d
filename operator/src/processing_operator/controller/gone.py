"""Pods that went away, as they were last: what tells a script that had ended from one that was cut off."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from processing_operator.controller.refusals import controller_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class GonePods:
    """The last states that the watch told of, by the uid of the job; kept until the job has ended."""

    def __init__(self) -> None:
        self._pods: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)

    def remember(self, pod: Mapping[str, Any]) -> None:
        """The Pod was deleted, and this is what it looked like."""
        if (owner := controller_of(pod)) is not None:
            self._pods[owner["uid"]][pod["metadata"]["uid"]] = dict(pod)

    def of(self, job_uid: str) -> list[dict[str, Any]]:
        """The job's Pods that are gone."""
        return list(self._pods.get(job_uid, {}).values())

    def forget(self, job_uid: str) -> None:
        """The job has ended, or is gone itself."""
        self._pods.pop(job_uid, None)
