"""The measured runs: bare Pods and jobs in turn; then an operator before jobs that have all ended."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from dev.bench.scale import meters
from dev.bench.scale.api import Api, Ends
from dev.bench.scale.kinds import JOB, POD, Key, Kind, Setting, namespace
from dev.bench.scale.operator import Operator
from dev.bench.scale.results import Rest, Row, Run, lags
from dev.cluster.client import Cluster
from dev.cluster.steps import say

_SETTLE = 3.0  # s: Events are sent beside, and may come after the end that they tell of
_WARM_UP = 200
_CALM, _IDLE = 40.0, 60.0  # s: past the first comparison with a list; two of them


@dataclass(frozen=True)
class _Reading:
    """What is counted up, at one moment."""

    cpu: dict[str, float]
    requests: dict[str, float] = field(default_factory=dict)
    rules: dict[str, float] = field(default_factory=dict)


@dataclass
class Runs:
    """A cluster that is ready (site.py), how to start the operator, and kwok's process."""

    cluster: Cluster
    operator: Operator
    kwok: int
    spaces: int

    def warm_up(self) -> None:
        """What the API server does for the first time takes it long."""
        for run in (self._pods, self._jobs):
            run(Setting(_WARM_UP, self.spaces))
            self._clear()

    def row(self, setting: Setting, rounds: int) -> Row:
        """Both kinds, taking turns."""
        pods, jobs = [], []
        for _ in range(rounds):
            pods.append(self._pods(setting))
            self._clear()
            jobs.append(self._jobs(setting))
            self._clear()
            ratio = jobs[-1].rate / pods[-1].rate
            rates = f"{jobs[-1].rate:.1f} jobs/s, {pods[-1].rate:.1f} bare Pods/s"
            say(f"{setting.title}: {ratio:.2f} of bare Pods' rate ({rates}); ms a job: {jobs[-1].cpu}")
        return Row(setting, tuple(pods), tuple(jobs))

    def rest(self, count: int) -> Rest:
        """An operator that is started when so many jobs have ended, and their Pods are still there."""
        self._jobs(Setting(count))
        with self.operator.run() as running:
            _, start_peak = meters.memory(running.pid)
            time.sleep(_CALM)
            watched = {meters.OPERATOR: running.pid}
            before = meters.cpu(watched)
            time.sleep(_IDLE)
            used = meters.cpu(watched)[meters.OPERATOR] - before[meters.OPERATOR]
            resident, peak = meters.memory(running.pid)
        self._clear()
        return Rest(count, running.ready, start_peak, 100 * used / _IDLE, resident, peak)

    def _pods(self, setting: Setting) -> Run:
        """Bare Pods, without an operator."""
        found = meters.pids(kwok=self.kwok)
        before = _Reading(meters.cpu(found))
        ends = asyncio.run(self._drive(POD, setting))
        return self._run(setting, ends, before, _Reading(meters.cpu(found)))

    def _jobs(self, setting: Setting) -> Run:
        """Jobs, by an operator that is started for them."""
        with self.operator.run() as running:
            found = meters.pids(kwok=self.kwok, operator=running.pid)
            rules, requests = meters.rules(self.cluster), meters.operator_requests(running.port)
            before = _Reading(meters.cpu(found), requests, rules)
            ends = asyncio.run(self._drive(JOB, setting))
            cpu = meters.cpu(found)
            after = _Reading(cpu, meters.operator_requests(running.port), meters.rules(self.cluster))
            _, peak = meters.memory(running.pid)
        return self._run(setting, ends, before, after, peak)

    def _run(self, setting: Setting, ends: Ends, before: _Reading, after: _Reading, peak: float = 0.0) -> Run:
        count = setting.count
        return Run(
            count,
            seconds=ends.seconds,
            created=ends.created - ends.began,
            lags=lags(asyncio.run(self._pod_ends()), ends.ended),
            cpu=meters.each(before.cpu, after.cpu, count, 1000),
            requests=meters.each(before.requests, after.requests, count),
            rules=meters.each(before.rules, after.rules, count),
            peak=peak,
        )

    async def _drive(self, kind: Kind, setting: Setting) -> Ends:
        async with Api.connect(self.cluster) as api:
            ends = await api.run(kind, list(setting.keys()))
            await asyncio.sleep(_SETTLE)
            return ends

    async def _pod_ends(self) -> dict[Key, float]:
        async with Api.connect(self.cluster) as api:
            return await api.pod_ends(map(namespace, range(self.spaces)))

    def _clear(self) -> None:
        async def clear() -> None:
            async with Api.connect(self.cluster) as api:
                await api.clear(map(namespace, range(self.spaces)))

        asyncio.run(clear())
