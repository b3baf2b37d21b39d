"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from dev.bench.scale.meters import OPERATOR, PROCESSES, RULES
from dev.bench.scale.results import Rest, Row, Run, spread
from dev.bench.transfer.samples import Spread

RATIO_AIM, OPERATOR_AIM, SERVER_AIM = 0.30, 20, 36
_LEAST = 0.005  # of a request: less is shown as nothing
_WRITES = ("POST", "PATCH", "PUT", "DELETE")


@dataclass(frozen=True)
class Setup:
    """What has to be known of a call: `load` is the machine's load average of the minute before."""

    date: str
    cores: int
    processor: str
    load: float
    rounds: int
    kubernetes: str

    def line(self) -> str:
        """Say it."""
        times = f"{self.rounds} runs each" if self.rounds > 1 else "one run each"
        return (
            f"Measured {self.date} on {self.cores} cores ({self.processor}), load average {self.load:.1f} before; "
            f"Kubernetes {self.kubernetes}; {times}, median (min-max)."
        )


def section(setup: Setup, rows: list[Row], rest: Rest | None, plot: str) -> str:
    """Everything that is measured: ratios first, then what a job costs and whom."""
    parts = [
        setup.line(),
        "",
        f"![Jobs beside bare Pods: rate, and CPU by process]({plot})",
        "",
        *ratios(rows),
        "",
        "CPU, milliseconds an object:",
        "",
        *costs(rows),
        "",
        "Requests of the operator, and time that the API server spends on rules, a job:",
        "",
        *requests(rows),
    ]
    if rest:
        parts += ["", *at_rest(rest)]
    return "\n".join(parts) + "\n"


def ratios(rows: Iterable[Row]) -> list[str]:
    """Rates beside those of bare Pods, lags and memory."""
    head = f"jobs/s / bare Pods/s (aim: ≥ {RATIO_AIM:.2f})"
    lines = [
        f"| | {head} | jobs/s | bare Pods/s | lag p50, s | lag p99, s | operator's peak, MiB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        found = [
            text(row.ratio, 2),
            text(spread(row.jobs, lambda run: run.rate), 1),
            text(spread(row.pods, lambda run: run.rate), 1),
            text(spread(row.jobs, lambda run: run.lags[0]), 2),
            text(spread(row.jobs, lambda run: run.lags[1]), 2),
            text(spread(row.jobs, lambda run: run.peak), 0),
        ]
        lines.append(_line(row.setting.title, found))
    return lines


def costs(rows: Iterable[Row]) -> list[str]:
    """CPU by process, of jobs and of bare Pods."""
    lines = [_line("", ["of", *PROCESSES, "all"]), _line("---", ["---", *["---:"] * (len(PROCESSES) + 1)])]
    for row in rows:
        for kind, runs in (("jobs", row.jobs), ("bare Pods", row.pods)):
            found = [text(spread(runs, _cpu(name)), 1) if name in runs[0].cpu else "-" for name in PROCESSES]
            total = text(spread(runs, lambda run: sum(run.cpu.values())), 1)
            lines.append(_line(row.setting.title, [kind, *found, total]))
    aims = {OPERATOR: f"≤ {OPERATOR_AIM}", "kube-apiserver": f"≤ {SERVER_AIM}"}
    return [*lines, _line("aim", ["jobs", *(aims.get(name, "") for name in PROCESSES), ""])]


def _cpu(name: str) -> Callable[[Run], float]:
    return lambda run: run.cpu.get(name, 0.0)


def requests(rows: list[Row]) -> list[str]:
    """By kind, a column a setting; writes first."""
    lines = [
        _line("", [row.setting.title for row in rows]),
        _line("---", ["---:"] * len(rows)),
        _line("all writes", [_sum(row, writes=True) for row in rows]),
        _line("all reads", [_sum(row, writes=False) for row in rows]),
    ]
    found = {kind for row in rows for run in row.jobs for kind, value in run.requests.items() if value >= _LEAST}
    kinds = sorted(found, key=lambda kind: (not _is_write(kind), kind))
    figures = [(f"`{kind}`", _request(kind)) for kind in kinds] + [(name, _rule(name)) for name in RULES]
    return lines + [_line(name, [text(spread(row.jobs, value), 2) for row in rows]) for name, value in figures]


def _request(kind: str) -> Callable[[Run], float]:
    return lambda run: run.requests.get(kind, 0.0)


def _rule(name: str) -> Callable[[Run], float]:
    return lambda run: run.rules.get(name, 0.0)


def _sum(row: Row, *, writes: bool) -> str:
    return text(
        spread(row.jobs, lambda run: sum(v for kind, v in run.requests.items() if _is_write(kind) == writes)), 2
    )


def _is_write(kind: str) -> bool:
    return kind.partition(" ")[0] in _WRITES


def at_rest(rest: Rest) -> Iterator[str]:
    """An operator before jobs that have all ended."""
    yield f"An operator that is started beside {rest.count:,} jobs that have all ended, their Pods still there:"
    yield ""
    yield "| Ready after, s | peak until then, MiB | CPU at rest, % of a core | resident, MiB | peak, MiB |"
    yield "| ---: | ---: | ---: | ---: | ---: |"
    yield (f"| {rest.ready:.1f} | {rest.start_peak:.0f} | {rest.idle:.2f} | {rest.resident:.0f} | {rest.peak:.0f} |")


def text(found: Spread, digits: int) -> str:
    """Median with min and max, where there are several."""
    if found.n == 1:
        return f"{found.median:.{digits}f}"
    return f"{found.median:.{digits}f} ({found.least:.{digits}f}-{found.most:.{digits}f})"


def _line(title: str, cells: Iterable[str]) -> str:
    return f"| {title} | {' | '.join(cells)} |"
