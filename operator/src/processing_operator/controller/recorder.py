"""Kubernetes Events about jobs: sent beside the work, after the status that they tell of; nothing ever needs them."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from processing_operator.api import names
from processing_operator.controller.refusals import namespace_goes
from processing_operator.kube.errors import KubeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from processing_operator.controller.kube import Kube
    from processing_operator.controller.metrics import Metrics
    from processing_operator.domain.actions import JobEvent

_log = logging.getLogger(__name__)
_NOTE_LIMIT: Final = 1024  # of events.k8s.io/v1, in bytes
_CONTROLLER: Final = names.MANAGED_BY
_MOST_WAITING: Final = 10_000
_AT_ONCE: Final = 4  # one alone falls behind eight workers


class Recorder:
    """Writes Events.

    Args:
        kube: the gateway.
        metrics: counts the failures.
        instance: which operator this is: its Pod's name.
    """

    def __init__(self, kube: Kube, *, metrics: Metrics, instance: str) -> None:
        self._kube = kube
        self._metrics = metrics
        self._instance = instance
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_MOST_WAITING)

    def record(self, job: Mapping[str, Any], events: Sequence[JobEvent]) -> None:
        """Have one Event sent per change; `job` as it was just written. When too many wait, the newest are dropped."""
        for number, event in enumerate(events):
            try:
                self._waiting.put_nowait(self._describe(job, event, number))
            except asyncio.QueueFull as error:
                self._metrics.failed(error)

    async def run(self) -> None:
        """Send, until cancelled. A failure is logged: the status says it all anyway."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(self._send())

    async def _send(self) -> None:
        while True:
            event = await self._waiting.get()
            regarding = event["regarding"]
            try:
                await self._kube.create_event(regarding["namespace"], event)
            except KubeError as error:
                self._metrics.failed(error)
                level = logging.DEBUG if namespace_goes(error) else logging.WARNING
                key = f"{regarding['namespace']}/{regarding['name']}"
                _log.log(level, "event %s not written: %s", event["reason"], error, extra={"key": key})
            finally:
                self._waiting.task_done()

    async def flush(self) -> None:
        """Return when all have been sent, while `run` runs."""
        await self._waiting.join()

    def _describe(self, job: Mapping[str, Any], event: JobEvent, number: int) -> dict[str, Any]:
        metadata = job["metadata"]
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            # By the status write that it tells of: told twice (an answer was lost), it is still one Event.
            "metadata": {
                "name": f"{metadata['name']}.{metadata['resourceVersion']}.{number}",
                "namespace": metadata["namespace"],
            },
            "eventTime": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "type": event.type,
            "reason": event.reason,
            "action": "Reconcile",
            "note": _cut(event.message),
            "regarding": {
                "apiVersion": names.API_VERSION,
                "kind": names.KIND,
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"],
            },
            "reportingController": _CONTROLLER,
            "reportingInstance": self._instance,
        }


def _cut(text: str) -> str:
    return text.encode()[:_NOTE_LIMIT].decode(errors="ignore")
