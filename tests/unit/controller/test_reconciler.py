"""The reconciler between the real domain and a gateway that breaks."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing_operator.controller.errors import DeniedError, NotFoundError, StaleError
from processing_operator.controller.queue import Outcome
from processing_operator.domain.facts import Progress
from tests.unit.controller.fake_kube import CrashError, lost
from tests.unit.controller.objects import Obj, make_job
from tests.unit.controller.world import KEY, World, started_once, world


def test_a_new_job_gets_its_pod_in_three_writes() -> None:
    found = world()
    outcome = found.look()
    started_once(found)
    writes = [call for call in found.kube.calls if call.split("_")[0] not in ("get", "list")]
    assert writes[:3] == ["create_pod", "patch_job_status", "release_pod"]
    assert set(writes[3:]) <= {"create_event"}
    assert outcome.again_after is not None
    assert len(found.memory.owned) == 3, "none of these writes is a reason to look again"


def test_nothing_has_changed_nothing_is_written() -> None:
    found = world()
    found.look()
    found.kube.calls.clear()
    found.look()
    assert found.kube.calls == ["get_job", "list_pods_of"]


def test_a_job_that_is_gone_is_forgotten() -> None:
    found = World()
    assert found.look() == Outcome()
    assert found.memory.forgotten == ["j"]


BEGINNING = ["create_pod", "patch_job_status", "release_pod", "create_event"]


@pytest.mark.parametrize("call", ["get_job", "list_pods_of", *BEGINNING])
@pytest.mark.parametrize("when", ["before", "after"])
def test_crashed_at_any_call_another_goes_on(call: str, when: str) -> None:
    found = world()
    getattr(found.kube, when)[call, 1] = CrashError()
    found.settle()
    started_once(found)


@pytest.mark.parametrize("call", ["get_job", "list_pods_of", *BEGINNING])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_request_or_answer_is_made_up_for(call: str, when: str) -> None:
    found = world()
    getattr(found.kube, when)[call, 1] = lost()
    found.settle()
    started_once(found)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(BEGINNING), st.integers(1, 4), st.booleans(), st.booleans()), max_size=8))
def test_whatever_goes_wrong_the_script_is_started_once(faults: list[tuple[str, int, bool, bool]]) -> None:
    found = world()
    for call, turn, crash, before in faults:
        side = found.kube.before if before else found.kube.after
        side[call, turn] = CrashError() if crash else lost()
    found.settle()
    started_once(found)


@pytest.mark.parametrize("call", ["patch_job_status", "release_pod"])
def test_a_conflict_is_looked_at_again_at_once(call: str) -> None:
    found = world()
    found.kube.before[call, 1] = StaleError("changed meanwhile")
    assert not found.look().failed
    started_once(found)


def test_somebody_who_writes_all_the_time_is_given_way_to() -> None:
    found = world()
    found.kube.before.update({("patch_job_status", turn): StaleError("again") for turn in range(1, 99)})
    assert found.look().failed


def test_two_operators_in_step_make_one_pod() -> None:
    """The other one does all of its part at each call of this one."""
    for call in ("list_pods_of", "create_pod", "patch_job_status", "release_pod"):
        found = world()
        other = World(kube=found.kube)

        def act(other: World = other) -> None:
            with contextlib.suppress(StopIteration):
                other.reconciler.attempt(KEY).send(None)

        found.kube.meanwhile[call, 1] = act
        found.settle()
        started_once(found)


def test_an_unexpected_refusal_is_logged_as_an_error_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    found = world()
    found.kube.before["list_pods_of", 1] = DeniedError("403: no right to list")
    assert found.look().failed
    assert caplog.records[-1].levelname == "ERROR"
    assert caplog.records[-1].__dict__["key"] == "ns/j"


def test_deleted_while_it_is_looked_at() -> None:
    found = world()
    found.kube.before["patch_job_status", 1] = NotFoundError("gone")
    outcome = found.look()
    assert not outcome.failed
    assert outcome.again_after is not None


def test_an_event_that_cannot_be_written_fails_nothing(caplog: pytest.LogCaptureFixture) -> None:
    found = world()
    found.kube.before["create_event", 1] = lost()
    assert not found.look().failed
    started_once(found)
    assert "not written" in caplog.text or not found.kube.calls.count("create_event")


def test_what_was_written_is_told_even_if_the_next_write_fails() -> None:
    found = world()
    found.kube.before["release_pod", 1] = lost()
    assert found.look().failed
    told = {event["reason"] for event in found.kube.events.values()}
    found.settle()
    assert {event["reason"] for event in found.kube.events.values()} == told


RUNNING = {"running": {"startedAt": "2030-01-01T00:00:00Z"}}


def ended(code: int) -> Obj:
    return {"terminated": {"exitCode": code, "startedAt": "2030-01-01T00:00:00Z", "finishedAt": "2030-01-01T00:00:00Z"}}


def test_an_ended_job_is_never_written_to_again() -> None:
    found = world()
    found.look()
    found.say(fetch=ended(0), upload=ended(0), script=ended(0))
    found.look()
    before = found.job["status"]
    assert before["state"] == "Completed"
    found.say(fetch=ended(0), phase="Failed", upload=ended(64), script=ended(3))
    found.now += timedelta(days=1)
    found.look()
    assert found.job["status"] == before


def test_an_ended_job_is_looked_at_once_more_and_what_is_left_of_it_goes() -> None:
    """Nobody would wake it again."""
    found = world()
    found.look()
    found.say(fetch=ended(0), upload=ended(0), script=ended(0), injected=RUNNING)
    assert found.look() == Outcome(again_after=10.0)
    assert found.job["status"]["state"] == "Completed"
    assert found.look() == Outcome()
    assert found.kube.pods == {}


def test_a_foreign_pod_of_that_name() -> None:
    found = world()
    name = f"j-{found.job['metadata']['uid'][:8]}-1-0"
    found.kube.pods[name] = {"metadata": {"name": name, "uid": "other", "resourceVersion": "1"}, "spec": {}}
    found.look()
    assert found.job["status"]["failureReason"] == "NameConflict"
    assert "owned by nobody" in found.job["status"]["message"]
    assert list(found.kube.pods) == [name]


def test_a_job_that_the_model_does_not_fit_is_told_so_once() -> None:
    found = world(image=7)
    assert found.look() == Outcome()
    assert found.job["status"]["conditions"][0]["type"] == "Stalled"
    assert "spec.image" in found.job["status"]["message"]
    assert len(found.kube.events) == 1
    writes = len(found.kube.calls)
    assert found.look() == Outcome()
    assert len(found.kube.calls) == writes + 1, "the read"


def test_awaited_jobs_are_read_and_an_unreadable_one_is_as_good_as_absent() -> None:
    found = World()
    found.kube.put_job(make_job("j", awaits=("a", "b")))
    found.kube.put_job(make_job("a", image=7))
    found.look()
    assert found.kube.calls.count("get_job") == 3
    assert found.job["status"]["state"] == "Waiting"
    assert not found.kube.pods


def test_progress_goes_into_the_next_look() -> None:
    found = world()
    found.look()
    found.say(fetch=RUNNING)
    found.now += timedelta(minutes=1)
    found.reconciler.tell_progress(KEY, Progress("Downloading", 3, 30, 5, 50))
    found.look()
    assert found.job["status"]["state"] == "Downloading"
    assert not found.reconciler._progress


def test_a_pod_that_went_is_judged_by_its_last_state() -> None:
    found = world()
    found.look()
    found.say(fetch=ended(0), upload=ended(0), script=ended(0))
    pod = found.pod
    found.kube.pods.clear()
    found.gone.remember(pod)
    found.look()
    assert found.job["status"]["state"] == "Completed"
    assert found.gone.of("uid-j") == []
