"""The results as a picture: the rate beside bare Pods' with its aim, and CPU by process, a bar each."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from dev.bench.scale.meters import PROCESSES
from dev.bench.scale.results import Row, Run, spread
from dev.bench.scale.table import RATIO_AIM

_LEFT, _WIDTH, _RIGHT = 230, 560, 90
_TOP, _ROW, _BAR, _GAP = 66, 26, 14, 84
_INK, _GRID, _AIM = "#222222", "#dddddd", "#c0392b"
_COLOURS = ("#2f6db5", "#e08a1e", "#8c6bb1", "#4d9a6a", "#b5a642", "#9aa5ad", "#d4d8db")
_RATIOS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def svg(rows: list[Row]) -> str:
    """Draw both panels, one below the other."""
    lower = _TOP + _ROW * len(rows) + _GAP
    bottom = lower + _ROW * 2 * len(rows)
    box = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + _RIGHT} {bottom + 34}"'
    parts = [
        f'<svg {box} font-family="sans-serif" font-size="12" fill="{_INK}">',
        '<rect width="100%" height="100%" fill="white"/>',
        *_rates(rows),
        *_costs(rows, lower, bottom),
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _rates(rows: list[Row]) -> Iterator[str]:
    yield _text(12, 22, "jobs/s / bare Pods/s: 1 is as fast as bare Pods", size=15)
    yield _rectangle(_LEFT, 34, 3, 12, _AIM)
    yield _text(_LEFT + 10, 44, f"aim: {RATIO_AIM:.2f}; the thin line is from min to max")
    most = max([1.0, *(row.ratio.most for row in rows)])
    bottom = _TOP + _ROW * len(rows)
    yield from _grid(_TOP, bottom, [(tick / most, f"{tick:g}") for tick in _RATIOS])
    for number, row in enumerate(rows):
        y, found = _TOP + _ROW * number + 6, row.ratio
        yield _text(_LEFT - 8, y + 11, row.setting.title, anchor="end")
        yield _rectangle(_LEFT, y, _WIDTH * found.median / most, _BAR, _COLOURS[0])
        yield _rectangle(_x(found.least / most), y + 6, max(_WIDTH * (found.most - found.least) / most, 1), 2, _INK)
        yield _text(_x(found.most / most) + 6, y + 11, f"{found.median:.2f}", size=11)
    yield _rectangle(_x(RATIO_AIM / most) - 1.5, _TOP, 3, bottom - _TOP, _AIM)


def _costs(rows: list[Row], top: int, bottom: int) -> Iterator[str]:
    yield _text(12, top - 36, "CPU, ms an object (medians)", size=15)
    x = 12.0
    for name, colour in zip(PROCESSES, _COLOURS, strict=True):
        yield _rectangle(x, top - 26, 12, 12, colour)
        yield _text(x + 16, top - 16, name)
        x += 32 + 6.5 * len(name)
    most = max(sum(_medians(runs)) for row in rows for runs in (row.pods, row.jobs))
    step = 20 if most > 60 else 10  # noqa: PLR2004 - some three to eight ticks
    yield from _grid(top, bottom, [(tick / most, str(tick)) for tick in range(0, int(most) + 1, step)])
    for number, row in enumerate(rows):
        for place, (kind, runs) in enumerate((("jobs", row.jobs), ("bare Pods", row.pods))):
            y = top + _ROW * (2 * number + place) + 6
            yield _text(_LEFT - 8, y + 11, f"{row.setting.title}: {kind}" if not place else kind, anchor="end")
            yield from _stack(_medians(runs), most, y)


def _medians(runs: tuple[Run, ...]) -> list[float]:
    return [spread(runs, lambda run, name=name: run.cpu.get(name, 0.0)).median for name in PROCESSES]  # type: ignore[misc]


def _stack(values: list[float], most: float, y: float) -> Iterator[str]:
    x = float(_LEFT)
    for value, colour in zip(values, _COLOURS, strict=True):
        yield _rectangle(x, y, _WIDTH * value / most, _BAR, colour)
        x += _WIDTH * value / most
    yield _text(x + 6, y + 11, f"{sum(values):.0f}", size=11)


def _grid(top: int, bottom: int, ticks: list[tuple[float, str]]) -> Iterator[str]:
    for share, said in ticks:
        yield _rectangle(_x(share), top, 1, bottom - top, _GRID)
        yield _text(_x(share), bottom + 16, said, anchor="middle")


def _x(share: float) -> float:
    return _LEFT + _WIDTH * share


def _rectangle(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _text(x: float, y: float, said: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(said)}</text>'
