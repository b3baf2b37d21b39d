"""A container of a Pod, as the kubelet tells of it. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from processing_operator.domain.results import StageResult, parse_result

if TYPE_CHECKING:
    from datetime import datetime

START_ERRORS: Final = ("StartError", "ContainerCannotRun")
"""The kubelet's reasons of a container that ended without having run: its command cannot be executed."""


@dataclass(frozen=True)
class ContainerEnd:
    """How a run of a container ended."""

    exit_code: int
    reason: str
    message: str
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def start_failed(self) -> bool:
        """The runtime could not execute the container's command."""
        return self.reason in START_ERRORS

    @property
    def ran(self) -> bool:
        """The container's process existed."""
        return self.started_at is not None and not self.start_failed

    def was_before(self, other: ContainerEnd) -> bool:
        """Whether it came first, where both times are known: they are of one node's clock, in whole seconds."""
        mine, others = self.finished_at, other.finished_at
        return mine is not None and others is not None and mine < others

    @cached_property
    def result(self) -> StageResult | None:
        """What fetch or upload reported; None where it cannot be read."""
        return parse_result(self.message)


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
        """The earliest start that the kubelet still tells of."""
        starts = [end.started_at for end in (self.last_end, self.end) if end is not None]
        return min((start for start in [*starts, self.started_at] if start is not None), default=None)

    @property
    def start_failed(self) -> bool:
        """It ended because its command could not be executed."""
        return self.end is not None and self.end.start_failed

    @property
    def exit_code(self) -> int | None:
        """The code of its end; None while it has not ended."""
        return None if self.end is None else self.end.exit_code

    @property
    def latest_end(self) -> ContainerEnd | None:
        """The end of its last run that has ended."""
        return self.end or self.last_end

    @property
    def latest_code(self) -> int | None:
        """The code of its last run that has ended."""
        return None if self.latest_end is None else self.latest_end.exit_code

    @property
    def result(self) -> StageResult | None:
        """What fetch or upload reported at its end; None while there is no end or it cannot be read."""
        return None if self.end is None else self.end.result

    @property
    def said(self) -> str:
        """The message of its result; empty where there is none."""
        return "" if self.result is None else self.result.message

    @property
    def last_result(self) -> StageResult | None:
        """The report of the last run that has ended."""
        return None if self.latest_end is None else self.latest_end.result
