"""Whose logs are read: all that move data, and those whose script runs by turns."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from processing_operator.api.names import LABEL_JOB, LABEL_UID
from processing_operator.controller import progress
from processing_operator.controller.metrics import Metrics
from processing_operator.controller.progress import ProgressReader, speaker
from processing_operator.controller.queue import WorkQueue
from processing_operator.controller.store import JobKey, Store
from processing_operator.domain.reading import read_pod
from tests.unit.controller.fake_time import run
from tests.unit.controller.objects import make_job
from tests.unit.domain.builders import FETCHED, at, created, downloading, ended, pod, running, runs, uploading, waiting
from tests.unit.world.api import Obj

WHO: list[tuple[str, Obj, str | None]] = [
    ("nothing yet", created(), None),
    ("it downloads", downloading(), "fetch"),
    ("the script's image is pulled", pod(fetch=FETCHED, upload=runs(4), script=waiting()), None),
    ("the script runs", running(), "upload"),
    ("the script runs, upload was restarted", pod(fetch=FETCHED, upload=runs(9, restarts=1), script=runs(4)), "upload"),
    ("the script runs, upload crashed", pod(fetch=FETCHED, upload=waiting(last=ended(1)), script=runs(4)), None),
    ("it uploads", uploading(), "upload"),
]


@pytest.mark.parametrize(("seen", "container"), [row[1:] for row in WHO], ids=[row[0] for row in WHO])
def test_who_tells_of_what_goes_on(seen: Obj, container: str | None) -> None:
    assert speaker(read_pod(seen)) == container


class Logs:
    """Counts who is read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    async def read_log_tail(self, _namespace: str, name: str, _container: str, _lines: int) -> list[str]:
        self.read.append(name)
        return ['{"progress": {"phase": "Waiting", "objects": 0, "bytes": 0}}']


def put(store: Store, name: str, seen: Obj) -> None:
    job = make_job(name)
    store.saw_job({**job, "metadata": {**job["metadata"], "resourceVersion": "1"}})
    metadata = {**seen["metadata"], "name": name, "uid": f"pod-{name}", "namespace": "ns", "resourceVersion": "1"}
    store.saw_pod({**seen, "metadata": {**metadata, "labels": {LABEL_JOB: name, LABEL_UID: "u"}}})


def test_scripts_that_run_are_read_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, a round reads so many of them; whatever moves data is read each time."""
    monkeypatch.setattr(progress, "_MOST_RUNNING", 3)
    logs, store, metrics = Logs(), Store(), Metrics()

    async def main() -> None:
        queue: WorkQueue[JobKey] = WorkQueue(workers=0, metrics=metrics)
        reader = ProgressReader(
            cast("Any", logs), store=store, queue=queue, metrics=metrics, clock=lambda: at(0), seconds=30
        )
        for number in range(7):
            put(store, f"r{number}", running())
        put(store, "moves", downloading())
        rounds = []
        for _ in range(9):
            logs.read.clear()
            await reader.read_all()
            rounds.append(set(logs.read))
        assert all(len(names) == 4 and "moves" in names for names in rounds)
        everybody = {"moves", *(f"r{number}" for number in range(7))}
        assert all(set.union(*rounds[first : first + 3]) == everybody for first in range(7)), rounds
        await asyncio.sleep(0)

    run(main())
