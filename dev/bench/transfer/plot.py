"""The ratios as a picture: a bar each for wall and CPU, a mark where the aim is, on a logarithmic axis around 1."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from dev.bench.transfer.samples import REFERENCE_TOOL, Row

_LEFT, _WIDTH, _RIGHT = 300, 520, 70
_TOP, _ROW, _BAR = 58, 36, 12
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
_WALL, _CPU, _AIM, _INK, _GRID = "#2f6db5", "#8fb8e0", "#c0392b", "#222222", "#dddddd"


class Axis:
    """Ratios to pixels. It always holds 0.1 to 2, and whatever else occurs."""

    def __init__(self, values: list[float]) -> None:
        self._low = math.log(min([0.1, *values]))
        self._high = math.log(max([2.0, *values]) * 1.05)

    def x(self, ratio: float) -> float:
        """The place of a ratio."""
        share = (math.log(ratio) - self._low) / (self._high - self._low)
        return round(_LEFT + share * _WIDTH, 1)

    def ticks(self) -> list[float]:
        """The ratios that are written below."""
        return [tick for tick in _TICKS if self._low <= math.log(tick) <= self._high]


def svg(rows: list[Row], ours: str) -> str:
    """Draw those rows that have a ratio."""
    found = [(row, ratios) for row in rows if (ratios := row.ratios(ours))]
    axis = Axis([value for _, ratios in found for value in ratios])
    width, bottom = _LEFT + _WIDTH + _RIGHT, _TOP + _ROW * len(found)
    box = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + 30}"'
    parts = [
        f'<svg {box} font-family="sans-serif" font-size="12" fill="{_INK}">',
        '<rect width="100%" height="100%" fill="white"/>',
        *_legend(ours),
        *_grid(axis, bottom),
    ]
    for number, (row, ratios) in enumerate(found):
        parts.extend(_bars(axis, row, ratios, _TOP + _ROW * number))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(ours: str) -> Iterator[str]:
    yield _text(12, 22, f"{ours} / {REFERENCE_TOOL}: below 1 is better", size=15)
    for place, (colour, name) in enumerate(((_WALL, "wall"), (_CPU, "CPU"), (_AIM, "aim"))):
        x = _LEFT + 90 * place
        width = 3 if colour == _AIM else 12
        yield f'<rect x="{x}" y="32" width="{width}" height="12" fill="{colour}"/>'
        yield _text(x + 18, 42, name)


def _grid(axis: Axis, bottom: int) -> Iterator[str]:
    for tick in axis.ticks():
        x = axis.x(tick)
        colour = _INK if tick == 1 else _GRID
        yield f'<line x1="{x}" x2="{x}" y1="{_TOP - 6}" y2="{bottom}" stroke="{colour}"/>'
        yield _text(x, bottom + 18, f"{tick:g}", anchor="middle")


def _bars(axis: Axis, row: Row, ratios: tuple[float, float], top: int) -> Iterator[str]:
    yield _text(_LEFT - 8, top + 12, row.title, anchor="end")
    yield _text(_LEFT - 8, top + 25, row.server, anchor="end", size=10)
    aims = (row.wall_aim, row.cpu_aim)
    for place, (ratio, aim, colour) in enumerate(zip(ratios, aims, (_WALL, _CPU), strict=True)):
        y, end = top + place * (_BAR + 2), axis.x(ratio)
        width = max(1.0, round(end - _LEFT, 1))
        yield f'<rect x="{_LEFT}" y="{y}" width="{width}" height="{_BAR}" fill="{colour}"/>'
        yield _text(_LEFT + width + 5, y + 10, f"{ratio:.2f}", size=11)
        if aim is not None:
            yield f'<rect x="{axis.x(aim) - 1.5}" y="{y - 1}" width="3" height="{_BAR + 2}" fill="{_AIM}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
