"""One job: the real store, reconciler and domain, and a gateway that breaks at a chosen call."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing_operator.controller.queue import Outcome
from processing_operator.kube.errors import DeniedError, NotFoundError, StaleError, TransientError
from tests.unit.controller.fake_time import run
from tests.unit.controller.objects import make_job
from tests.unit.world.api import Api, CrashError, Obj, now
from tests.unit.world.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

RUNNING = {"running": {"startedAt": "2030-01-01T00:00:00Z"}}


def lost() -> TransientError:
    """No answer."""
    return TransientError("connection reset")


def ended(code: int, message: str = "") -> Obj:
    time = "2030-01-01T00:00:01Z"
    return {"terminated": {"exitCode": code, "startedAt": time, "finishedAt": time, "message": message}}


class Bench:
    """An API server with one job, and an operator whose looks the test calls for."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        self.api, self.client = operator.api, operator.client

    @property
    def job(self) -> Obj:
        return self.api.jobs["j"]

    @property
    def pod(self) -> Obj:
        [pod] = self.api.pods.values()
        return pod

    async def look(self) -> Outcome:
        return await self.operator.look()

    async def settle(self) -> None:
        """Look until nothing fails any more, as the queue does; a crash is followed by another operator."""
        for _ in range(20):
            try:
                outcome = await self.look()
            except CrashError:
                await self.operator.crash()
                faults = self.client
                self.operator = await Operator(self.api, workers=0).start()
                self.client = self.operator.client
                self.client.before, self.client.after, self.client.calls = faults.before, faults.after, faults.calls
                continue
            if self.api.pods and not self.pod["spec"]["schedulingGates"] and not outcome.failed:
                return
            await asyncio.sleep(max(outcome.again_after or 0.0, 1.0))
        raise AssertionError("it does not settle")

    def say(self, fetch: Any, phase: str = "Running", **others: Any) -> None:
        """What the kubelet says of the one Pod."""
        self.pod["spec"]["nodeName"] = "n"
        self.pod["status"] = {
            "phase": phase,
            "initContainerStatuses": _states(fetch=fetch),
            "containerStatuses": _states(**others),
        }
        self.api.touch("pod", self.pod)

    def started_once(self) -> None:
        """One Pod may run, and the status knows it; the others that were made are gone and never ran."""
        status = self.job["status"]
        assert status["attempts"] == 1
        assert [one["podUid"] for one in status["instances"]] == [self.pod["metadata"]["uid"]]
        assert self.pod["spec"]["schedulingGates"] == []


def _states(**states: Any) -> list[Obj]:
    return [{"name": name, "state": state, "restartCount": 0} for name, state in states.items()]


def bench(do: Callable[[Bench], Awaitable[Any]], **spec: Any) -> Any:
    """Run a test on virtual time."""

    async def main() -> Any:
        api = Api()
        api.put_job(make_job("j", **spec))
        found = Bench(await Operator(api, workers=0).start())
        try:
            return await do(found)
        finally:
            await found.operator.crash()

    return run(main())


def test_a_new_job_gets_its_pod_in_three_writes() -> None:
    async def do(found: Bench) -> None:
        outcome = await found.look()
        found.started_once()
        writes = [call for call in found.client.calls if call.split("_")[0] not in ("get", "list")]
        assert writes == ["create_pod", "patch_job_status", "release_pod", "create_event"]
        assert outcome.again_after is not None

    bench(do)


def test_nothing_has_changed_nothing_is_asked() -> None:
    async def do(found: Bench) -> None:
        await found.look()
        await asyncio.sleep(1)
        found.client.calls.clear()
        await found.look()
        assert found.client.calls == []

    bench(do)


def test_own_writes_are_no_reason_to_look_again() -> None:
    """The watch tells of them, and the store knows them already."""

    async def do(found: Bench) -> None:
        await found.look()
        await asyncio.sleep(1)
        assert not found.operator.queue._back
        found.operator.queue.close()
        before = len(found.operator.queue._front)
        await asyncio.sleep(1)
        assert len(found.operator.queue._front) == before

    bench(do)


BEGINNING = ["create_pod", "patch_job_status", "release_pod", "create_event"]
CALLS = ["get_job", "get_pod", *BEGINNING[:3]]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", [CrashError, lost], ids=["crash", "lost"])
def test_whatever_call_is_cut_off_the_next_look_goes_on(call: str, when: str, fault: Callable[[], Any]) -> None:
    async def do(found: Bench) -> None:
        getattr(found.client, when)[call, 1] = fault()
        await found.settle()
        found.started_once()

    bench(do)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(CALLS), st.integers(1, 4), st.booleans(), st.booleans()), max_size=8))
def test_whatever_goes_wrong_the_script_is_started_once(faults: list[tuple[str, int, bool, bool]]) -> None:
    async def do(found: Bench) -> None:
        for call, turn, crash, before in faults:
            side = found.client.before if before else found.client.after
            side[call, turn] = CrashError() if crash else lost()
        await found.settle()
        found.started_once()

    bench(do)


@pytest.mark.parametrize("call", ["patch_job_status", "release_pod"])
def test_a_conflict_is_looked_at_again_at_once(call: str) -> None:
    async def do(found: Bench) -> None:
        found.client.before[call, 1] = StaleError("changed meanwhile")
        assert not (await found.look()).failed
        await found.settle()
        found.started_once()

    bench(do)


def test_somebody_who_writes_all_the_time_is_given_way_to() -> None:
    async def do(found: Bench) -> None:
        found.client.lasting["patch_job_status"] = StaleError("again")
        assert (await found.look()).failed

    bench(do)


def test_the_servers_wish_to_wait_is_honoured() -> None:
    async def do(found: Bench) -> None:
        found.client.before["create_pod", 1] = TransientError("429", retry_after=7.0)
        assert await found.look() == Outcome(failed=True, again_after=7.0)

    bench(do)


@pytest.mark.parametrize("call", ["get_pod", "create_pod", "patch_job_status", "release_pod"])
def test_two_operators_in_step_start_one_pod(call: str) -> None:
    """The other one does all of its part at one call of this one."""

    async def do(found: Bench) -> None:
        other = await Operator(found.api, workers=0).start()
        others: list[asyncio.Task[Any]] = []
        found.client.meanwhile[call, 1] = lambda: others.append(asyncio.create_task(other.look()))
        await found.settle()
        await asyncio.gather(*others)
        await asyncio.sleep(15)
        await found.look()
        found.started_once()
        await other.crash()

    bench(do)


def test_an_unexpected_refusal_is_logged_as_an_error_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    async def do(found: Bench) -> None:
        found.client.before["get_pod", 1] = DeniedError("403: no right to get")
        assert (await found.look()).failed

    bench(do)
    assert caplog.records[-1].levelname == "ERROR"
    assert caplog.records[-1].__dict__["key"] == "ns/j"


def test_a_failed_job_is_a_warning_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    async def do(found: Bench) -> None:
        await found.look()
        found.say(ended(64, '{"v":1,"reason":"InputNotFound","message":"no such key","items":[]}'), "Failed")
        await asyncio.sleep(1)
        await found.look()

    bench(do)
    [line] = [one for one in caplog.records if one.levelname == "WARNING"]
    assert "no such key" in line.getMessage()
    told = line.__dict__
    assert (told["key"], told["state"], told["reason"]) == ("ns/j", "Failed", "InputNotFound")


def test_deleted_while_it_is_looked_at() -> None:
    async def do(found: Bench) -> None:
        found.client.before["patch_job_status", 1] = NotFoundError("gone")
        outcome = await found.look()
        assert not outcome.failed
        assert outcome.again_after is not None

    bench(do)


def test_an_event_that_cannot_be_written_fails_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def do(found: Bench) -> None:
        found.client.before["create_event", 1] = lost()
        assert not (await found.look()).failed
        found.started_once()

    bench(do)
    assert "not written" in caplog.text


def test_what_was_written_is_told_even_if_the_next_write_fails() -> None:
    async def do(found: Bench) -> None:
        found.client.before["release_pod", 1] = lost()
        assert (await found.look()).failed
        assert {event["reason"] for event in found.api.events.values()} == {"Created"}

    bench(do)


def test_an_ended_job_is_never_written_to_again() -> None:
    async def do(found: Bench) -> None:
        await found.look()
        found.say(fetch=ended(0), upload=ended(0), script=ended(0))
        await asyncio.sleep(1)
        await found.look()
        before = found.job["status"]
        assert before["state"] == "Completed"
        found.say(fetch=ended(0), phase="Failed", upload=ended(64), script=ended(3))
        await asyncio.sleep(86400)
        await found.look()
        assert found.job["status"] == before

    bench(do)


def test_an_ended_job_is_looked_at_once_more_and_what_is_left_of_it_goes() -> None:
    """Nobody would wake it again."""

    async def do(found: Bench) -> None:
        await found.look()
        found.say(fetch=ended(0), upload=ended(0), script=ended(0), injected=RUNNING)
        await asyncio.sleep(1)
        outcome = await found.look()
        assert outcome.again_after == pytest.approx(10, abs=0.1)
        assert found.job["status"]["state"] == "Completed"
        await found.look()
        assert "deletionTimestamp" in found.pod["metadata"]

    bench(do)


def test_a_foreign_pod_of_that_name() -> None:
    async def do(found: Bench) -> None:
        name = f"j-{found.job['metadata']['uid'][:8]}-1-0"
        metadata = {"name": name, "namespace": "ns", "uid": "other", "resourceVersion": "1"}
        found.api.pods[name] = {"metadata": metadata, "spec": {}}
        await found.look()
        assert found.job["status"]["reason"] == "NameConflict"
        assert "owned by nobody" in found.job["status"]["message"]
        assert list(found.api.pods) == [name]

    bench(do)


def test_a_forged_pod_is_never_released() -> None:
    """A4: whoever may create Pods has made one with the job as its owner, our gate and the next attempt's number."""

    async def do(found: Bench) -> None:
        await found.look()
        forged = found.pod
        await found.operator.crash()
        found.api.pods.clear()
        found.api.put_job(make_job("j"))
        forged["metadata"].update(uid="forged", creationTimestamp="2030-01-01T00:00:00Z")
        forged["spec"]["schedulingGates"] = [{"name": "processing-operator.dev/recorded"}]
        found.api.pods[forged["metadata"]["name"]] = forged
        found.api.touch("pod", forged)
        found.operator = await Operator(found.api, workers=0).start()
        found.client = found.operator.client
        assert found.job["status"] == {}
        for _ in range(4):
            outcome = await found.look()
            await asyncio.sleep(min(outcome.again_after or 1, 10))
        assert found.pod["metadata"]["uid"] != "forged"
        found.started_once()

    bench(do)


def test_a_job_that_the_model_does_not_fit_is_told_so_once() -> None:
    async def do(found: Bench) -> None:
        assert await found.look() == Outcome()
        assert found.job["status"]["conditions"][0]["type"] == "Stalled"
        assert "spec.image" in found.job["status"]["message"]
        assert len(found.api.events) == 1
        found.client.calls.clear()
        assert await found.look() == Outcome()
        assert found.client.calls == []

    bench(do, image=7)


def test_an_awaited_job_that_cannot_be_read_is_as_good_as_absent() -> None:
    async def do(found: Bench) -> None:
        found.api.put_job(make_job("a", image=7))
        await asyncio.sleep(1)
        await found.look()
        assert found.job["status"]["state"] == "Waiting"
        assert not found.api.pods

    bench(do, inputs=make_job("j", awaits=("a", "b"))["spec"]["inputs"])


def test_whoever_waits_is_woken_by_the_end_that_this_operator_writes_itself() -> None:
    """Long before the resync."""

    async def main() -> None:
        api = Api()
        output = {"name": "out", "path": "/opt/ml/processing/out", "s3": {"uri": "s3://bucket/out"}}
        api.put_job(make_job("j", outputs=[output]))
        api.put_job(make_job("second", awaits=("j",)))
        operator = await Operator(api, resync_seconds=3600).start()
        found = Bench(operator)
        await asyncio.sleep(1)
        assert api.jobs["second"]["status"]["state"] == "Waiting"
        found.say(fetch=ended(0), upload=ended(0), script=ended(0))
        await asyncio.sleep(1)
        assert api.jobs["j"]["status"]["state"] == "Completed"
        assert api.jobs["second"]["status"]["state"] == "Pending"
        await operator.crash()

    run(main())


def test_progress_stands_in_the_status() -> None:
    async def do(found: Bench) -> None:
        await found.look()
        found.say(fetch=RUNNING)
        await asyncio.sleep(60)
        line = '{"progress": {"phase": "Downloading", "objects": 3, "bytes": 30, "totalObjects": 5, "totalBytes": 50}}'
        found.client.logs[found.pod["metadata"]["name"]] = ["x", line, "[" * 2000, '{"progress": {"objects": 1e999}}']
        await found.operator.progress.read_all()
        await found.look()
        status = found.job["status"]
        assert (status["state"], status["progress"]["objects"], status["progress"]["totalBytes"]) == (
            "Downloading",
            3,
            50,
        )
        assert "3 of 5 objects, 30 of 50 bytes" in status["message"]

    bench(do)


def test_a_kill_for_want_of_memory_is_told_when_it_happens() -> None:
    """By upload's log, while the script runs; once for each time that there are more."""

    async def do(found: Bench) -> None:
        await found.look()
        found.say(fetch=ended(0), upload=RUNNING, script=RUNNING)
        await asyncio.sleep(60)
        line = '{"progress": {"phase": "Running", "objects": 0, "bytes": 0, "retries": 0, "oomKills": %s}}'
        for kills in (1, 1, 3, "x", -1):
            found.client.logs[found.pod["metadata"]["name"]] = [line % kills]
            await found.operator.progress.read_all()
            await found.look()
            await asyncio.sleep(60)
        status = found.job["status"]
        assert (status["state"], status["progress"]["oomKills"]) == ("Running", 3)
        assert "the kernel killed 3 of its processes for want of memory" in status["message"]
        told = [event for event in found.api.events.values() if event["reason"] == "OutOfMemory"]
        assert [event["type"] for event in told] == ["Warning", "Warning"]
        assert "raise spec.resources.limits.memory" in told[0]["note"]

    bench(do)


def test_a_pod_that_went_is_judged_by_its_last_state() -> None:
    async def do(found: Bench) -> None:
        await found.look()
        found.say(fetch=ended(0), upload=ended(0), script=ended(0))
        found.api.remove_pod(found.pod)
        await asyncio.sleep(1)
        await found.look()
        assert found.job["status"]["state"] == "Completed"
        record = found.operator.store.find(found.operator.store.records().__next__().key)
        assert record is not None
        assert record.gone == {}

    bench(do)


def test_nothing_is_kept_of_a_job_that_is_gone() -> None:
    """Its Pods' last states least of all (they go after it)."""

    async def do(found: Bench) -> None:
        await found.look()
        found.say(fetch=RUNNING)
        await asyncio.sleep(1)
        found.api.delete_job("j")
        await asyncio.sleep(1)
        await found.look()
        assert len(found.operator.store) == 1, "its Pod has its grace"
        found.api.remove_pod(found.pod)
        await asyncio.sleep(1)
        await found.look()
        assert len(found.operator.store) == 0
        assert not found.operator.store._told

    bench(do)


def test_a_job_made_again_waits_for_the_pod_of_the_one_before() -> None:
    async def do(found: Bench) -> None:
        await found.look()
        old = found.pod["metadata"]["uid"]
        found.say(fetch=ended(0), upload=RUNNING, script=RUNNING)
        await asyncio.sleep(1)
        found.api.delete_job("j")
        again = make_job("j")
        again["metadata"]["uid"] = "another-uid"
        found.api.put_job(again)
        await asyncio.sleep(1)
        await found.look()
        assert found.job["status"]["state"] == "Waiting"
        assert "is still uploading (at most" in found.job["status"]["message"]
        assert found.pod["metadata"]["uid"] == old
        found.api.remove_pod(found.pod)
        await asyncio.sleep(1)
        await found.settle()
        found.started_once()
        assert found.pod["metadata"]["uid"] != old

    bench(do)


def test_a_crash_in_the_middle_of_a_test_is_one() -> None:
    """The fake's crash is caught by nothing: the tests above would pass without it otherwise."""

    async def do(found: Bench) -> None:
        found.client.before["create_pod", 1] = CrashError()
        with contextlib.suppress(CrashError):
            await found.look()
            raise AssertionError("it went on")
        assert now().year == 2030

    bench(do)
