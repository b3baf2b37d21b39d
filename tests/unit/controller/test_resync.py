from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any, cast

from processing_operator.controller.errors import TransientError
from processing_operator.controller.index import JobIndex
from processing_operator.controller.key import JobKey
from processing_operator.controller.metrics import Metrics
from processing_operator.controller.resync import Resync
from tests.unit.controller.fake_time import now, run
from tests.unit.controller.objects import Obj, make_job, make_pod

LINE = '{"progress": {"phase": "Downloading", "objects": 3, "bytes": 30}}'


@dataclass
class World:
    """The gateway, and who looks at jobs."""

    jobs: list[Obj]
    pods: list[Obj] = field(default_factory=list)
    fails: int = 0
    logs_fail: bool = False
    listed_at: list[float] = field(default_factory=list)
    logs_read: list[tuple[str, str]] = field(default_factory=list)
    happened: list[tuple[str, str]] = field(default_factory=list)

    async def list_jobs(self) -> list[Obj]:
        self.listed_at.append(now())
        if self.fails:
            self.fails -= 1
            raise TransientError("no answer")
        return self.jobs

    async def list_pods(self) -> list[Obj]:
        return self.pods

    async def read_log_tail(self, _namespace: str, pod: str, container: str, _lines: int) -> list[str]:
        self.logs_read.append((pod, container))
        if self.logs_fail:
            raise TransientError("no route to the kubelet")
        return ["text", LINE]

    def add(self, key: JobKey) -> None:
        self.happened.append(("add", key.name))

    def forget(self, key: JobKey) -> None:
        self.happened.append(("forget", key.name))

    def tell_progress(self, key: JobKey, progress: Any) -> None:
        self.happened.append((f"progress {progress.objects}", key.name))


def resync(world: World, seconds: float, index: JobIndex | None = None, *, read_logs: bool = True) -> Resync:
    async def main() -> Resync:
        tell = world.tell_progress if read_logs else None
        made = Resync(
            cast("Any", world),
            index=index or JobIndex(),
            looker=world,
            tell_progress=tell,
            metrics=Metrics(),
            seconds=30.0,
        )
        task = asyncio.create_task(made.run())
        await asyncio.sleep(seconds)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return made

    return run(main())


def test_unfinished_jobs_are_looked_at_every_thirty_seconds() -> None:
    world = World([make_job("a"), make_job("b", state="Completed"), make_job("c", state="Running")])
    assert resync(world, 65.0).done.is_set()
    assert world.listed_at == [0.0, 30.0, 60.0]
    assert world.happened == [("add", "a"), ("add", "c")] * 3


def test_the_first_list_is_tried_again_soon() -> None:
    world = World([make_job("a")], fails=2)
    assert resync(world, 35.0).done.is_set()
    assert world.listed_at == [0.0, 2.0, 4.0, 34.0]
    assert world.happened == [("add", "a")] * 2


def test_it_has_not_been_done_before_the_first_list() -> None:
    assert not resync(World([], fails=99), 35.0).done.is_set()


def test_deletions_that_the_watch_has_lost_are_noticed() -> None:
    index = JobIndex()
    index.saw_by_watch(make_job("gone"))
    world = World([])
    resync(world, 1.0, index)
    assert world.happened == [("forget", "gone")]


def test_progress_is_read_where_data_is_moved_and_before_the_look() -> None:
    fetching = [{"name": "fetch", "state": {"running": {}}}]
    pods = [
        make_pod("a", name="p1", initContainerStatuses=fetching),
        make_pod("a", name="p2"),
        make_pod("ended", name="p3", initContainerStatuses=fetching),
    ]
    world = World([make_job("a"), make_job("ended", state="Failed")], pods)
    resync(world, 1.0)
    assert world.logs_read == [("p1", "fetch")]
    assert world.happened == [("progress 3", "a"), ("add", "a")]


def test_without_the_right_to_read_logs_none_are_read() -> None:
    pods = [make_pod("a", initContainerStatuses=[{"name": "fetch", "state": {"running": {}}}])]
    world = World([make_job("a")], pods)
    resync(world, 1.0, read_logs=False)
    assert world.logs_read == []
    assert world.happened == [("add", "a")]


def test_a_log_that_cannot_be_read_holds_nothing_up() -> None:
    pods = [make_pod("a", initContainerStatuses=[{"name": "fetch", "state": {"running": {}}}])]
    world = World([make_job("a")], pods, logs_fail=True)
    resync(world, 1.0)
    assert world.happened == [("add", "a")]


def test_a_blind_watch_is_noticed_and_so_is_its_recovery() -> None:
    index, world = JobIndex(), World([make_job("a", version="1")])
    assert resync(world, 35.0, index).blind_since == 30.0
    index.saw_by_watch(make_job("a", version="1"))
    assert resync(world, 1.0, index).blind_since is None
