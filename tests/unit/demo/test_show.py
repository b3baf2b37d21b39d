"""What the demo shows of jobs: tables, and whose log to show after a failure."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from dev.demo import expected, tables
from dev.demo.failure import troubled
from dev.demo.jobs import Job, moved
from processing_operator.api.status import State

if TYPE_CHECKING:
    from rich.table import Table

NOW = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
EMPTY: dict[str, Any] = {
    "apiVersion": "processing-operator.dev/v1alpha1",
    "kind": "ProcessingJob",
    "spec": {"image": "x", "command": ["true"]},
}
RUNNING = Job.read(
    {
        **EMPTY,
        "metadata": {"name": "census-train", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "status": {
            "state": "Running",
            "startTime": "2026-01-01T00:00:04Z",
            "message": "script is running (attempt 1)",
            "phases": [
                {"name": "Downloading", "startTime": "2026-01-01T00:00:05Z", "endTime": "2026-01-01T00:00:06.500Z"},
                {"name": "Running", "startTime": "2026-01-01T00:00:10Z"},
            ],
            "inputs": [{"name": "a", "objects": 2, "bytes": 1000}, {"name": "b", "objects": 1}],
        },
    }
)


def rendered(table: Table) -> str:
    console = Console(file=StringIO(), width=140)
    console.print(table)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_phases_in_seconds() -> None:
    assert RUNNING.seconds(State.DOWNLOADING, NOW) == 1.5
    assert RUNNING.seconds(State.RUNNING, NOW) == 20
    assert RUNNING.seconds(State.UPLOADING, NOW) is None
    assert (RUNNING.waited(NOW), RUNNING.took(NOW)) == (4, 26)
    assert moved(RUNNING.status.inputs) == (3, 1000)
    assert not RUNNING.ended


def test_a_job_that_the_operator_has_not_seen_yet() -> None:
    job = Job.read({**EMPTY, "metadata": {"name": "x"}})
    assert (job.state, job.ended, job.completed) == ("New", False, False)


def test_tables() -> None:
    assert "script is running (attempt 1)" in rendered(tables.progress([RUNNING, Job("x")], NOW))
    row = rendered(tables.phases([RUNNING], NOW)).splitlines()[-2]
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        *("census-train", "4", "2", "20", "", "26"),
        *("3", "1.0 kB", "0", "0 bytes"),
    ]
    assert "-0.0047" in rendered(tables.comparison(expected.REFERENCE))


def container(name: str, restarts: int = 0, **state: Any) -> dict[str, Any]:
    return {"name": name, "restartCount": restarts, "state": state}


FETCHED = container("fetch", terminated={"exitCode": 0})
WAITING = container("script", waiting={"reason": "PodInitializing"})


@pytest.mark.parametrize(
    ("init", "containers", "shown"),
    [
        (FETCHED, [container("upload", running={}), container("script", terminated={"exitCode": 3})], ["script"]),
        (container("fetch", terminated={"exitCode": 64}), [container("upload", waiting={}), WAITING], ["fetch"]),
        (container("fetch", 2, running={}), [WAITING], ["fetch"]),
        (FETCHED, [container("upload", running={}), WAITING], ["fetch", "upload"]),
    ],
)
def test_whose_log_is_shown(init: dict[str, Any], containers: list[dict[str, Any]], shown: list[str]) -> None:
    assert troubled({"status": {"initContainerStatuses": [init], "containerStatuses": containers}}) == shown
