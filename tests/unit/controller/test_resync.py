"""The lists under the watches, on virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

from processing_operator.kube.errors import TransientError
from tests.unit.controller.fake_time import now, run
from tests.unit.controller.objects import make_job, make_pod
from tests.unit.world.api import Api
from tests.unit.world.operator import Operator


def resync(seconds: float, *, fails: int = 0) -> tuple[Operator, list[float]]:
    """Let an operator run; when it listed."""

    async def main() -> tuple[Operator, list[float]]:
        operator = Operator(Api())
        listed: list[float] = []
        real, left = operator.client.list_jobs, [TransientError("no answer")] * fails

        async def list_jobs(*, unfinished: bool) -> Any:
            listed.append(round(now(), 1))
            if left:
                raise left.pop()
            return await real(unfinished=unfinished)

        operator.client.list_jobs = list_jobs  # type: ignore[method-assign]
        await operator.start()
        await asyncio.sleep(seconds)
        await operator.crash()
        return operator, listed

    return run(main())


def test_all_is_listed_every_thirty_seconds() -> None:
    operator, listed = resync(65.0)
    assert operator.resync.done.is_set()
    assert listed == [0.0, 30.0, 60.0]


def test_the_first_list_is_tried_again_soon() -> None:
    operator, listed = resync(35.0, fails=2)
    assert operator.resync.done.is_set()
    assert listed == [0.0, 2.0, 4.0, 34.0]


def test_it_has_not_been_done_before_the_first_list() -> None:
    operator, _ = resync(35.0, fails=99)
    assert not operator.resync.done.is_set()


def test_a_frozen_watch_is_noticed_and_so_is_its_recovery() -> None:
    api = Api()

    async def main() -> None:
        operator = await Operator(api, deaf=True).start()
        await asyncio.sleep(1)
        api.put_job(make_job("a", awaits=("absent",)))
        await asyncio.sleep(35)
        assert operator.resync.stale_since is None, "the watch may still tell"
        await asyncio.sleep(30)
        assert operator.resync.stale_since is not None
        assert api.jobs["a"]["status"]["state"] == "Waiting", "the lists are enough to go on"
        operator.deaf = False
        api.touch("job", api.jobs["a"])
        await asyncio.sleep(65)
        assert operator.resync.stale_since is None
        await operator.crash()

    run(main())


def test_a_watch_that_is_ahead_of_the_lists_is_healthy() -> None:
    """Under load a list is older than what the watch has told meanwhile."""
    api = Api()

    async def main() -> None:
        operator = await Operator(api).start()
        job = api.put_job(make_job("a", awaits=("absent",)))
        real = operator.client.list_jobs

        async def old(*, unfinished: bool) -> Any:
            await real(unfinished=unfinished)
            return [job], int(job["metadata"]["resourceVersion"])

        operator.client.list_jobs = old  # type: ignore[method-assign]
        for _ in range(10):
            api.touch("job", api.jobs["a"])
            await asyncio.sleep(20)
        assert operator.resync.stale_since is None
        await operator.crash()

    run(main())


def test_a_deletion_that_the_watch_has_lost_is_noticed() -> None:
    api = Api()

    async def main() -> None:
        operator = await Operator(api).start()
        api.put_job(make_job("a", awaits=("absent",)))
        await asyncio.sleep(1)
        operator.deaf = True
        api.delete_job("a")
        await asyncio.sleep(61)
        assert len(operator.store) == 0
        await operator.crash()

    run(main())


def test_a_hostile_job_or_pod_ends_nothing() -> None:
    """`1e999` and 2,000 brackets where results and progress are read; statuses that are none."""
    api = Api()

    async def main() -> None:
        operator = await Operator(api).start()
        api.put_job(make_job("good"))
        bad = make_pod("good", name="bad")
        bad["status"] = {"containerStatuses": ["nonsense"]}
        api.pods["bad"] = bad
        api.touch("pod", bad)
        await asyncio.sleep(1)
        [pod] = [pod for name, pod in api.pods.items() if name != "bad"]
        pod["spec"]["nodeName"] = "n"
        running = {"name": "fetch", "state": {"running": {"startedAt": "2030-01-01T00:00:00Z"}}}
        pod["status"] = {"phase": "Pending", "initContainerStatuses": [running]}
        api.touch("pod", pod)
        lines = [
            '{"progress": {"phase": "Downloading", "objects": 1e999, "bytes": 1}}',
            "[" * 2000,
            "\0",
            "x" * (1 << 20),
        ]
        operator.client.logs[pod["metadata"]["name"]] = lines
        operator.tasks.append(asyncio.create_task(operator.progress.run()))
        await asyncio.sleep(95)
        assert not operator.crashed
        assert api.jobs["good"]["status"]["state"] == "Downloading"
        assert "progress" not in api.jobs["good"]["status"]
        await operator.crash()

    run(main())


def test_nodes_whose_logs_cannot_be_read_are_left_alone_for_a_minute() -> None:
    api = Api()

    async def main() -> None:
        operator = await Operator(api).start()
        api.put_job(make_job("a"))
        await asyncio.sleep(1)
        [pod] = api.pods.values()
        pod["spec"]["nodeName"] = "n"
        running = {"name": "fetch", "state": {"running": {"startedAt": "2030-01-01T00:00:00Z"}}}
        pod["status"] = {"phase": "Pending", "initContainerStatuses": [running]}
        api.touch("pod", pod)
        await asyncio.sleep(1)
        operator.client.lasting["read_log_tail"] = TransientError("no route to the kubelet")
        for _ in range(5):
            await operator.progress.read_all()
            await asyncio.sleep(10)
        assert operator.client.calls.count("read_log_tail") == 1
        await asyncio.sleep(20)
        await operator.progress.read_all()
        assert operator.client.calls.count("read_log_tail") == 2
        await operator.crash()

    run(main())
