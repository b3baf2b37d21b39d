"""Processes that the kernel kills for want of memory while the script runs: the launcher notes them."""

from __future__ import annotations

from processing_agent.light import TYPE_CHECKING
from processing_agent.notify import CHANGES, IN_MODIFY, Directories
from processing_agent.progress import Counts, print_line
from processing_agent.record import noted_oom_kills
from processing_agent.threads import Background, Flag

if TYPE_CHECKING:
    from typing import Self

    from processing_agent.light import Path

PERIOD = 1.0  # s between two looks: the script may change the directory all the time


class OomWatch:
    """Prints a progress line whenever the launcher has noted more of them, as long as the block."""

    def __init__(self, control: Path) -> None:
        self._notes, self._told = control / "notes", 0
        self._directories = Directories([control], CHANGES | IN_MODIFY)
        self._over = Flag()
        self._thread = Background(self._watch)

    def _watch(self) -> None:
        self._look()
        while not self._over.is_set():
            self._directories.wait()
            self._look()
            self._over.wait(PERIOD)

    def _look(self) -> None:
        kills = noted_oom_kills(self._notes)
        if kills > self._told:
            self._told = kills
            print_line(Counts("Running"), oomKills=kills)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._directories.wake()
        self._thread.join()
        self._directories.close()
