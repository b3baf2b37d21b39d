"""The rounds: every tool moves the same, one after another, each round beginning with another of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dev.bench.transfer import data
from dev.bench.transfer.process import ClientFailedError, measure
from dev.bench.transfer.samples import Row, Sample, Series
from dev.bench.transfer.servers import Servers
from dev.bench.transfer.tools import Access, Move, command, environment
from dev.bench.transfer.workloads import WORKLOADS, Direction, Workload
from dev.s3 import ADMIN, REGION


def order(tools: list[str], number: int) -> list[str]:
    """The tools in the order of a round: no tool always comes after the same moment of the machine."""
    at = number % len(tools)
    return tools[at:] + tools[:at]


@dataclass(frozen=True)
class Rounds:
    """Measures workloads on running servers with the tools of `venv` and ours."""

    servers: Servers
    tools: list[str]
    venv: Path
    rounds: int
    say: Callable[[str], None]

    def warm_up(self) -> None:
        """Let every tool run once, unmeasured: the first start reads programs from the disk and compiles Python."""
        for tool in self.tools:
            self._once(WORKLOADS[0], -1, Series(tool))

    def row(self, workload: Workload) -> Row:
        """Measure one workload; a tool that fails is out of it, and its row says why."""
        series = {tool: Series(tool) for tool in self.tools}
        for number in range(self.rounds):
            for tool in order(self.tools, number):
                if not series[tool].failure:
                    self._once(workload, number, series[tool])
        title = workload.title(self.servers.datasets[workload.dataset])
        found = tuple(series.values())
        return Row(workload.name, title, workload.server.value, workload.wall, workload.cpu, found)

    def _once(self, workload: Workload, number: int, series: Series) -> None:
        try:
            sample = self._moved(workload, series.tool, f"{workload.name}-{number}")
        except (ClientFailedError, data.NotEqualError) as error:
            series.failure = str(error)
            self.say(f"   {series.tool}: {error}")
        else:
            series.samples.append(sample)
            self.say(f"   {series.tool}: {sample.wall:.2f} s, CPU {sample.cpu:.2f} s, {sample.memory:.0f} MiB")

    def _moved(self, workload: Workload, tool: str, prefix: str) -> Sample:
        """Move once and compare what has arrived."""
        servers, target = self.servers, self.servers.home / "target"
        down = workload.direction is Direction.DOWN
        where = (workload.dataset, target) if down else (prefix, servers.source(workload))
        move = Move(workload.direction, servers.endpoint(workload), servers.bucket(workload), *where)
        target.mkdir()
        try:
            sample = self._run(tool, move)
            if down:
                data.compare(servers.source(workload), target)
            else:
                servers.check_upload(workload, prefix)
        finally:
            shutil.rmtree(target)
        return sample

    def _run(self, tool: str, move: Move) -> Sample:
        scratch = self.servers.home / "scratch"
        scratch.mkdir()
        access = Access(ADMIN, REGION, self.servers.ca, scratch)
        try:
            return measure(command(tool, move, self.venv), environment(tool, access), scratch / "log")
        finally:
            shutil.rmtree(scratch)
