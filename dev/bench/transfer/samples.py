"""Measured runs and what is said about several of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field

REFERENCE_TOOL = "s5cmd"  # what the aims are ratios to


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one client: seconds on the clock, seconds of CPU with all its children, peak memory in MiB."""

    wall: float
    cpu: float
    memory: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Median with the least and the largest of `n` values."""

    median: float
    least: float
    most: float
    n: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Sum values up; there is at least one."""
        found = list(values)
        return cls(statistics.median(found), min(found), max(found), len(found))


@dataclass(slots=True)
class Series:
    """All rounds of one client at one workload. `failure`: what the first failed round said; then nothing counts."""

    tool: str
    samples: list[Sample] = field(default_factory=list)
    failure: str = ""

    @property
    def counts(self) -> bool:
        """Whether there is something to say: no round failed, and there was one."""
        return bool(self.samples) and not self.failure

    @property
    def wall(self) -> Spread:
        """Seconds on the clock."""
        return Spread.of(sample.wall for sample in self.samples)

    @property
    def cpu(self) -> Spread:
        """Seconds of CPU, user and system, the client's alone."""
        return Spread.of(sample.cpu for sample in self.samples)

    @property
    def memory(self) -> Spread:
        """MiB over all its processes."""
        return Spread.of(sample.memory for sample in self.samples)


@dataclass(frozen=True, slots=True)
class Row:
    """One workload's results: `title` for readers, the aims, and one series a tool in the tools' order."""

    name: str
    title: str
    server: str
    wall_aim: float | None
    cpu_aim: float | None
    series: tuple[Series, ...]

    def of(self, tool: str) -> Series | None:
        """The tool's series, if it has one that counts."""
        return next((series for series in self.series if series.tool == tool and series.counts), None)

    def ratios(self, ours: str) -> tuple[float, float] | None:
        """Wall and CPU of ours divided by s5cmd's, medians; None where one of the two is missing."""
        mine, theirs = self.of(ours), self.of(REFERENCE_TOOL)
        if mine is None or theirs is None or not theirs.wall.median or not theirs.cpu.median:
            return None
        return mine.wall.median / theirs.wall.median, mine.cpu.median / theirs.cpu.median
