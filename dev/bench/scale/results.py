"""What was measured, and what is said about several runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from dev.bench.scale.kinds import Key, Setting
from dev.bench.transfer.samples import Spread


@dataclass(frozen=True)
class Run:
    """One run of one kind. Costs are an object's: CPU in ms by process, requests by kind, rules in ms and times.

    Attributes:
        seconds: from the first object's creation to the last one's end, as a watcher sees it.
        created: from the first object's creation to the last one's.
        lags: p50, p99 and the longest, s: from a Pod's end by its status to its object's end as the watcher sees it.
        peak: the operator's memory, MiB.
    """

    count: int
    seconds: float
    created: float
    lags: tuple[float, float, float]
    cpu: dict[str, float]
    requests: dict[str, float] = field(default_factory=dict)
    rules: dict[str, float] = field(default_factory=dict)
    peak: float = 0.0

    @property
    def rate(self) -> float:
        """Objects a second."""
        return self.count / self.seconds


@dataclass(frozen=True)
class Row:
    """All runs of one setting: bare Pods and jobs in pairs, as they took turns."""

    setting: Setting
    pods: tuple[Run, ...]
    jobs: tuple[Run, ...]

    @property
    def ratio(self) -> Spread:
        """The rate of jobs to that of the bare Pods just before."""
        return Spread.of(job.rate / pod.rate for pod, job in zip(self.pods, self.jobs, strict=True))


@dataclass(frozen=True)
class Rest:
    """A fresh operator before jobs that have all ended: s until Ready, the peak by then (MiB), CPU in % of a core."""

    count: int
    ready: float
    start_peak: float
    idle: float
    resident: float
    peak: float


def spread(runs: Iterable[Run], value: Callable[[Run], float]) -> Spread:
    """One figure of several runs."""
    return Spread.of(map(value, runs))


def lags(pods: Mapping[Key, float], seen: Mapping[Key, float]) -> tuple[float, float, float]:
    """p50, p99 and the longest time between Pods' ends and what a watcher saw."""
    found = sorted(seen[key] - ended for key, ended in pods.items())
    return percentile(found, 50), percentile(found, 99), found[-1]


def percentile(ordered: list[float], percent: float) -> float:
    """The least value that so many percent do not exceed (nearest rank)."""
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]
