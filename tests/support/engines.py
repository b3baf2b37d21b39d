"""The engines that the suite runs against, and what a test must know of each. A new one needs a word in `ENGINES`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

ENGINES = ("reference", "fast")
VARIABLE = "PROCESSING_ENGINE"  # read by `processing_agent.engines.open_engine`

REFERENCE, FAST = "processing_agent.engines.reference", "processing_agent.engines.fast"
# seconds that an engine waits, shortened so that faults cost a test little; an engine without an entry keeps its own
SHORTENED: dict[str, dict[str, float]] = {
    "reference": {
        f"{REFERENCE}.client.READ_TIMEOUT": 2.0,
        f"{REFERENCE}.requests.FLOOR": 0.01,
        f"{REFERENCE}.requests.FIRST": 0.02,
        f"{REFERENCE}.requests.LONGEST": 0.1,
    },
    "fast": {
        f"{FAST}.messages.QUIET": 2.0,
        f"{FAST}.window.FLOOR": 0.01,
        f"{FAST}.window.FIRST": 0.02,
        f"{FAST}.window.LONGEST": 0.1,
    },
}
# the module `time` of whatever decides on pauses, so that a test's own clock can take its place
CLOCKS = {"reference": f"{REFERENCE}.requests.time", "fast": f"{FAST}.window.time"}


def shorten(engine: str, patch: pytest.MonkeyPatch) -> None:
    """Make an engine impatient."""
    for setting, seconds in SHORTENED.get(engine, {}).items():
        patch.setattr(setting, seconds)


def replace_clock(engine: str, clock: Callable[[], float], patch: pytest.MonkeyPatch) -> None:
    """Give an engine another clock."""
    patch.setattr(CLOCKS[engine], SimpleNamespace(monotonic=clock))
