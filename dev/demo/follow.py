"""Following the jobs to their end: a live table on a terminal, a line a change elsewhere."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.live import Live

from dev.cluster.client import JOBS
from dev.cluster.steps import say
from dev.demo import tables
from dev.demo.errors import DemoError
from dev.demo.jobs import NAMES, NEW, Job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from dev.cluster.client import Cluster

_PAUSE = 0.5
_LIMIT = 900


def follow(cluster: Cluster, namespace: str, console: Console) -> list[Job]:
    """Show the jobs until all have ended or one cannot complete any more; what was seen last.

    Raises:
        DemoError: they have not ended in a quarter of an hour.
    """
    begin = time.monotonic()
    with _display(console, begin) as show:
        while time.monotonic() - begin < _LIMIT:
            jobs = seen(cluster, namespace)
            show(jobs)
            if all(job.ended for job in jobs) or any(job.ended and not job.completed for job in jobs):
                return jobs
            time.sleep(_PAUSE)
    states = ", ".join(f"{job.name} is {job.state} ({job.status.message})" for job in jobs)
    raise DemoError(f"the jobs have not ended within {_LIMIT} s: {states}")


def seen(cluster: Cluster, namespace: str) -> list[Job]:
    found = {item["metadata"]["name"]: Job.read(item) for item in cluster.items(JOBS.format(namespace=namespace))}
    return [found.get(name, Job(name)) for name in NAMES]


@contextmanager
def _display(console: Console, begin: float) -> Iterator[Callable[[list[Job]], None]]:
    if not console.is_terminal:
        yield _lines(begin)
        return
    with Live(console=console, refresh_per_second=4) as live:
        yield lambda jobs: live.update(tables.progress(jobs, datetime.now(UTC)))


def _lines(begin: float) -> Callable[[list[Job]], None]:
    states: dict[str, str] = {}

    def show(jobs: list[Job]) -> None:
        for job in jobs:
            if states.get(job.name, NEW) != job.state:
                states[job.name] = job.state
                say(f"[{time.monotonic() - begin:6.2f} s] {job.name}: {job.state}. {job.status.message or ''}".rstrip())

    return show
