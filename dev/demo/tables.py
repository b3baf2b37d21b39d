"""What the demo shows: the jobs while they run, their phases, the metrics. Pure: values in, tables out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.filesize import decimal
from rich.table import Table

from dev.demo.expected import PUBLISHED, REFERENCE, Metrics
from dev.demo.jobs import PHASES, Job, moved

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

# the kubelet gives whole seconds
_TIMES = ["waiting", *(phase.lower() for phase in PHASES), "in all"]
_COLOURS = {"Completed": "green", "Failed": "red", "Stopped": "red", "Waiting": "dim", "New": "dim"}


def progress(jobs: Iterable[Job], now: datetime) -> Table:
    """A line a job: its state, its phases' seconds so far, what the operator says."""
    table = Table("job", "state", *_TIMES, "message", box=None, padding=(0, 2, 0, 0))
    for job in jobs:
        state = f"[{_COLOURS.get(job.state, 'cyan')}]{job.state}"
        table.add_row(job.name, state, *_times(job, now), job.status.message or "")
    return table


def phases(jobs: Iterable[Job], now: datetime) -> Table:
    """Each phase's seconds, and what came in and went out."""
    table = Table("job", *_TIMES, "in: objects", "bytes", "out: objects", "bytes", title="Phases in seconds, and data")
    for column in table.columns[1:]:
        column.justify = "right"
    for job in jobs:
        incoming, outgoing = moved(job.status.inputs), moved(job.status.outputs)
        counts = [text for objects, size in (incoming, outgoing) for text in (str(objects), decimal(size))]
        table.add_row(job.name, *_times(job, now), *counts)
    return table


def comparison(found: Metrics) -> Table:
    """The metrics beside those that AWS has published and those of the reference run."""
    table = Table("metric", "here", "AWS published", "difference", "reference", title="Metrics")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, value in found.items():
        published = PUBLISHED[name]
        table.add_row(name, f"{value:.4f}", f"{published:.4f}", f"{value - published:+.4f}", f"{REFERENCE[name]:.4f}")
    return table


def _times(job: Job, now: datetime) -> list[str]:
    seconds = [job.waited(now), *(job.seconds(phase, now) for phase in PHASES), job.took(now)]
    return ["" if value is None else f"{value:.0f}" for value in seconds]
