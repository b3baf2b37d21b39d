"""Numbers as people read them."""

from __future__ import annotations

from typing import Final

_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB")
_STEP: Final = 1000
_MINUTE: Final = 60
_HOUR: Final = 3600


def size(count: float) -> str:
    """Bytes in decimal units, three digits: `104 MB`, `1.25 GB`."""
    for unit in _UNITS[:-1]:
        if count < _STEP - 0.5:
            return f"{int(count)} {unit}" if unit == "B" else f"{count:.3g} {unit}"
        count /= _STEP
    return f"{count:.3g} {_UNITS[-1]}"


def seconds(count: float) -> str:
    """A duration: `0.62 s`, `12.3 s`, `4 min 05 s`, `2 h 03 min`."""
    if count < 10:  # noqa: PLR2004
        return f"{count:.2f} s"
    if count < 2 * _MINUTE:
        return f"{count:.1f} s"
    if count < 2 * _HOUR:
        return f"{int(count // _MINUTE)} min {int(count % _MINUTE):02d} s"
    return f"{int(count // _HOUR)} h {int(count % _HOUR // _MINUTE):02d} min"


def objects(count: int) -> str:
    return f"{count:,} object{'' if count == 1 else 's'}"
