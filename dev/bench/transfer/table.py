"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dev.bench.transfer.samples import REFERENCE_TOOL, Row, Spread
from dev.bench.transfer.workloads import MEMORY_AIM

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
_NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Setting:
    """What has to be known of a run: `load` is the machine's load average of the minute before, and at the end."""

    date: str
    cores: int
    load: tuple[float, float]
    scale: float
    rounds: int
    ours: str
    versions: str

    def lines(self) -> list[str]:
        """Say it."""
        scale = (
            "" if self.scale == 1 else f" Sizes are scaled by {self.scale:g}, so that starting a program weighs more."
        )
        load = f"load average {self.load[0]:.1f} before and {self.load[1]:.1f} after"
        return [
            f"Measured {self.date} on {self.cores} cores, {load}; {self.rounds} rounds, the tools taking turns.{scale}",
            "",
            f"{self.ours} beside {self.versions}.",
        ]


def section(setting: Setting, rows: list[Row], plot: str) -> str:
    """Give everything that is measured: the ratios, the plot, all tools."""
    parts = [
        *setting.lines(),
        "",
        f"![Ratios of {setting.ours} to {REFERENCE_TOOL}]({plot})",
        "",
        *ratios(rows, setting.ours),
        "",
        "### Every tool",
        "",
        *details(rows),
        *failures(rows),
    ]
    return "\n".join(parts) + "\n"


def ratios(rows: Iterable[Row], ours: str) -> list[str]:
    """The table of ours divided by s5cmd's, beside the aims."""
    wall_head, cpu_head = (f"{what}, ours / {REFERENCE_TOOL}" for what in ("wall", "CPU"))
    head = f"| workload | server | {wall_head} | aim | {cpu_head} | aim | peak, MiB | aim |"
    lines = [head, "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for row in rows:
        found, mine = row.ratios(ours), row.of(ours)
        wall, cpu = (f"{value:.2f}" for value in found) if found else (_NOTHING, _NOTHING)
        memory = f"{mine.memory.most:.0f}" if mine else _NOTHING
        most = MEMORY_AIM["TLS" in row.title]
        cells = [row.title, row.server, wall, _aim(row.wall_aim), cpu, _aim(row.cpu_aim), memory, f"≤ {most}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _aim(value: float | None) -> str:
    return _NOTHING if value is None else f"≤ {value:.2f}"


def details(rows: Iterable[Row]) -> list[str]:
    """The table of every tool: medians with min and max."""
    lines = [
        "| workload | server | tool | n | wall, s (min-max) | CPU, s (min-max) | peak, MiB |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        for series in row.series:
            if series.counts:
                spreads = [_spread(series.wall), _spread(series.cpu), f"{series.memory.most:.0f}"]
                cells = [row.title, row.server, series.tool, str(len(series.samples)), *spreads]
                lines.append(f"| {' | '.join(cells)} |")
    return lines


def _spread(spread: Spread) -> str:
    return f"{spread.median:.2f} ({spread.least:.2f}-{spread.most:.2f})"


def failures(rows: Iterable[Row]) -> Iterator[str]:
    """Say which tools failed where, so that a missing row is no riddle."""
    failed = [(row.title, row.server, series) for row in rows for series in row.series if series.failure]
    if failed:
        yield ""
        yield "Not measured:"
        yield ""
    for title, server, series in failed:
        said = " ".join(series.failure.split())[:160].replace("|", "/").replace("`", "'")
        yield f"- {series.tool}, {title} ({server}): `{said}`"


def inserted(page: str, text: str) -> str:
    """Put the measured part of a page between its marks.

    Raises:
        ValueError: the page has no marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{text}{END}{after}"
