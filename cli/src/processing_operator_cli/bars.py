"""Progress bars on a terminal, one line a job or a copy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from processing_operator_cli import figures

if TYPE_CHECKING:
    from typing import Self

    from rich.progress_bar import ProgressBar


class _StagingBar(BarColumn):
    """A bar while data is on its way; nothing while a script runs, whose end nobody knows."""

    def render(self, task: Task) -> ProgressBar:
        if task.fields["staging"]:
            return super().render(task)
        return Text("")  # type: ignore[return-value]  # the table takes anything that renders


class Bars:
    """The bars; they vanish at the end. What is written to standard output meanwhile appears above them."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.fields[name]}", markup=False),
            TextColumn("{task.description}", markup=False),
            _StagingBar(bar_width=30),
            TextColumn("{task.fields[detail]}", markup=False),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, name: str, state: str) -> None:
        """A state that has no progress of its own."""
        self._progress.update(self._task(name, state), staging=False, detail="")

    def update(
        self, name: str, state: str, *, objects: int, size: int, total_objects: int | None, total_size: int | None
    ) -> None:
        """How far the data is."""
        self._progress.update(
            self._task(name, state),
            completed=size,
            total=total_size,
            staging=True,
            detail=detail(objects, size, total_objects, total_size),
        )

    def remove(self, name: str) -> None:
        if (task := self._tasks.pop(name, None)) is not None:
            self._progress.remove_task(task)

    def _task(self, name: str, state: str) -> TaskID:
        """The line of this name; a new state starts its clock anew."""
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(state, total=None, name=name, staging=False, detail="")
        number = self._tasks[name]
        task = self._progress.tasks[self._progress.task_ids.index(number)]
        if task.description != state:
            self._progress.reset(number, description=state, name=name, staging=False, detail="")
            task.total = None  # to reset it means to leave the total as it is
        return number


def detail(objects: int, size: int, total_objects: int | None, total_size: int | None) -> str:
    """`12 of 20 objects, 1.2 GB of 3.4 GB`."""
    count = figures.objects(objects) if total_objects is None else f"{objects:,} of {figures.objects(total_objects)}"
    return f"{count}, {figures.size(size)}" + ("" if total_size is None else f" of {figures.size(total_size)}")
