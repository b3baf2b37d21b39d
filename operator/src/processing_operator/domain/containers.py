"""One container as the kubelet tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final, Literal

from processing_operator.domain.results import StageResult, parse_result

FAILED_FOR_GOOD: Final = 64
"""Exit code of fetch and upload: not started again."""
WAITS_OUTSIDE: Final = 75
"""Exit code of fetch and upload while a Secret or ConfigMap is not there."""
FINAL_CODES: Final = (0, FAILED_FOR_GOOD)

START_ERRORS = ("StartError", "ContainerCannotRun")
"""Reasons of a container that ended without having run: its command cannot be executed."""

_EPOCH = datetime.fromtimestamp(0, UTC)


def read_time(text: Any) -> datetime | None:
    """A time as Kubernetes writes it; None for none, and for 1970, which a runtime gives for what never began."""
    if not isinstance(text, str) or not text:
        return None
    time = datetime.fromisoformat(text)
    return None if time <= _EPOCH else time


@dataclass(frozen=True)
class ContainerEnd:
    """How a run of a container ended."""

    exit_code: int
    reason: str
    message: str
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def ran(self) -> bool:
        """The container's process existed."""
        return self.started_at is not None and self.reason not in START_ERRORS

    @property
    def start_failed(self) -> bool:
        """The runtime could not execute the container's command."""
        return self.reason in START_ERRORS


@dataclass(frozen=True)
class ContainerFacts:
    """A container's state.

    Attributes:
        reason: why it waits.
        message: the kubelet's words to that.
        started_at: when its present run began.
        end: how its last run ended, while no new run has begun or is awaited.
        last_end: how the run before that ended.
    """

    state: Literal["Absent", "Waiting", "Running", "Terminated"] = "Absent"
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    end: ContainerEnd | None = None
    last_end: ContainerEnd | None = None
    restarts: int = 0

    @property
    def running(self) -> bool:
        """It runs now."""
        return self.state == "Running"

    @property
    def started(self) -> bool:
        """It has run at least once."""
        ends = (end for end in (self.end, self.last_end) if end is not None)
        return self.running or self.restarts > 0 or any(end.ran for end in ends)

    @property
    def first_start(self) -> datetime | None:
        """The earliest start that is known of."""
        starts = [end.started_at for end in (self.last_end, self.end) if end is not None]
        return min((start for start in [*starts, self.started_at] if start is not None), default=None)

    @property
    def exit_code(self) -> int | None:
        """The code of its end; None while it has not ended."""
        return None if self.end is None else self.end.exit_code

    @property
    def latest_end(self) -> ContainerEnd | None:
        """The end of its last run that has ended."""
        return self.end or self.last_end

    @cached_property
    def result(self) -> StageResult | None:
        """What fetch or upload reported at its end; None while there is no end or it cannot be read."""
        return None if self.end is None else parse_result(self.end.message)

    @cached_property
    def last_result(self) -> StageResult | None:
        """The report of the last run that has ended."""
        return None if self.latest_end is None else parse_result(self.latest_end.message)


def read_container(status: dict[str, Any] | None) -> ContainerFacts:
    """The facts in an entry of the Pod's containerStatuses."""
    if status is None:
        return ContainerFacts()
    state = status.get("state") or {}
    last_end = _read_end((status.get("lastState") or {}).get("terminated"))
    restarts = status.get("restartCount") or 0
    if (end := _read_end(state.get("terminated"))) is not None:
        return ContainerFacts("Terminated", started_at=end.started_at, end=end, last_end=last_end, restarts=restarts)
    if (running := state.get("running")) is not None:
        started = read_time(running.get("startedAt"))
        return ContainerFacts("Running", started_at=started, last_end=last_end, restarts=restarts)
    waiting = state.get("waiting") or {}
    return ContainerFacts(
        "Waiting", waiting.get("reason") or "", waiting.get("message") or "", last_end=last_end, restarts=restarts
    )


def _read_end(raw: dict[str, Any] | None) -> ContainerEnd | None:
    if raw is None:
        return None
    return ContainerEnd(
        exit_code=raw.get("exitCode") or 0,
        reason=raw.get("reason") or "",
        message=raw.get("message") or "",
        started_at=read_time(raw.get("startedAt")),
        finished_at=read_time(raw.get("finishedAt")),
    )
