"""Following one job from wherever it is to its end."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from processing_operator.api.protocol import FETCH, SCRIPT, UPLOAD
from processing_operator_cli.applying import Started, jobs_path
from processing_operator_cli.podlogs import Tail

if TYPE_CHECKING:
    from processing_operator_cli.cluster import Cluster
    from processing_operator_cli.screen import Screen

Object = dict[str, Any]
TERMINAL: Final = ("Completed", "Failed", "Stopped")
# which log is of interest from which state on
_CONTAINERS: Final = {"Downloading": FETCH, "Running": SCRIPT, "Uploading": UPLOAD}
_PATIENCE_SECONDS: Final = 10
_DRAIN_SECONDS: Final = 5


@dataclass
class Follower:
    """One job, what was shown of it, and the logs that are being read."""

    cluster: Cluster
    job: Started
    screen: Screen
    _shown: tuple[str, str] = ("", "")
    _tails: dict[tuple[str, str], tuple[Tail, asyncio.Task[None]]] = field(default_factory=dict)

    async def follow(self) -> Object | None:
        """The job as it ended; None if it was deleted."""
        impatience = asyncio.create_task(self._warn_of_silence())
        try:
            async for seen in self.cluster.watch(jobs_path(self.job.namespace), self.job.name):
                if seen is None or seen["metadata"]["uid"] != self.job.uid:
                    self.screen.say(self.job.name, "was deleted")
                    return None
                status = seen.get("status", {})
                self._show(status)
                self._read_logs(status)
                if status.get("state") in TERMINAL:
                    await self._drain()
                    return seen
        finally:
            impatience.cancel()
            for _, task in self._tails.values():
                task.cancel()
        return None

    async def _warn_of_silence(self) -> None:
        await asyncio.sleep(_PATIENCE_SECONDS)
        if not self._shown[0]:
            self.screen.say(
                self.job.name,
                f"nobody has looked at it yet: does an operator run that serves namespace {self.job.namespace}?",
            )

    def _show(self, status: Object) -> None:
        state, message = status.get("state", ""), status.get("message", "")
        if not state or state in TERMINAL:  # an end has a summary of its own
            return
        # while it waits, what for is news; a running job's message repeats its state
        news = (state, message if state in ("Waiting", "Pending", "Stopping", "Failing") else "")
        if news != self._shown:
            self._shown = news
            self.screen.state(self.job.name, *news)

    def _read_logs(self, status: Object) -> None:
        """Begin to read the logs of containers that have begun."""
        begun = {phase["name"] for phase in status.get("phases", [])}
        # a short script can be over before its phase is seen, so that its log is looked for from the download's end on
        if any(phase["name"] == "Downloading" and phase.get("endTime") for phase in status.get("phases", [])):
            begun.add("Running")
        for instance in status.get("instances", []):
            for phase, container in _CONTAINERS.items():
                if phase in begun and instance.get("pod"):
                    self._tail(instance["pod"], container)

    def _tail(self, pod: str, container: str) -> None:
        if (pod, container) in self._tails:
            return
        path = f"/api/v1/namespaces/{self.job.namespace}/pods/{pod}"
        tail = Tail(self.cluster, path, container, lambda line: self._deliver(container, line), self._refused)
        self._tails[pod, container] = tail, asyncio.create_task(tail.follow())

    def _deliver(self, container: str, line: str) -> None:
        if container == SCRIPT:
            self.screen.output(self.job.name, line)
            return
        record = _record(line)
        if progress := record.get("progress"):
            if progress["phase"] == self._shown[0]:  # a log that is read late must not turn the clock back
                self.screen.progress(self.job.name, progress)
        elif record.get("level") in ("warning", "error"):
            self.screen.say(self.job.name, f"{container}: {record.get('message', '')}")

    def _refused(self, why: str) -> None:
        self.screen.say(self.job.name, f"its logs cannot be shown: {why}")

    async def _drain(self) -> None:
        """Let the script's last lines come; the rest is of no interest any more."""
        waiting = set()
        for (_, container), (tail, task) in self._tails.items():
            tail.last_look = True
            if container == SCRIPT:
                waiting.add(task)
        if waiting:
            await asyncio.wait(waiting, timeout=_DRAIN_SECONDS)


def _record(line: str) -> Object:
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}
