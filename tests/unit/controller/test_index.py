from __future__ import annotations

from processing_operator.controller.gone import GonePods
from processing_operator.controller.index import JobIndex
from processing_operator.controller.key import JobKey, version_of
from tests.unit.controller.objects import make_job, make_pod

A, B, C = (JobKey("ns", name) for name in "abc")


def test_waiters_are_found_by_what_they_wait_for() -> None:
    index = JobIndex()
    index.saw(make_job("b", awaits=("a",)))
    index.saw(make_job("c", awaits=("a", "b")))
    assert index.waiters_of(A) == {B, C}
    assert index.waiters_of(B) == {C}
    assert index.waiters_of(C) == set()


def test_a_remade_job_waits_for_what_it_says_now() -> None:
    index = JobIndex()
    index.saw(make_job("b", awaits=("a",)))
    index.saw(make_job("b", awaits=("c",)))
    assert index.waiters_of(A) == set()
    assert index.waiters_of(C) == {B}
    index.forget(B)
    assert index.waiters_of(C) == set()
    assert not index._waiters


def test_jobs_are_counted_by_state() -> None:
    index = JobIndex()
    for name, state in (("a", "Running"), ("b", "Running"), ("c", "")):
        index.saw(make_job(name, state=state))
    assert index.count_by_state() == {"Running": 2, "New": 1}


def test_a_change_that_two_lists_show_and_the_watch_does_not_was_missed() -> None:
    index = JobIndex()
    first, second = make_job("a", version="1"), make_job("a", version="2")
    index.saw_by_watch(first)
    assert index.missed_by_watch([first]) == []
    assert index.missed_by_watch([second]) == [], "it may be on its way"
    assert index.missed_by_watch([second]) == [A]
    index.saw_by_watch(second)
    assert index.missed_by_watch([second]) == []


def test_a_busy_watch_is_not_taken_for_a_blind_one() -> None:
    index = JobIndex()
    for version in "123":
        assert index.missed_by_watch([make_job("a", version=version)]) == []


def test_keys_and_versions() -> None:
    assert JobKey.of_owner(make_pod("a")) == A
    assert JobKey.of_owner({"metadata": {"namespace": "ns", "name": "p"}}) is None
    assert version_of(make_pod("a", version="7")) == "uid-p@7"
    assert str(A) == "ns/a"


def test_gone_pods_are_kept_until_the_job_has_ended() -> None:
    gone = GonePods()
    gone.remember(make_pod("a", name="p1", phase="Failed"))
    gone.remember(make_pod("a", name="p2"))
    gone.remember({"metadata": {"namespace": "ns", "name": "orphan", "uid": "x"}})
    assert [pod["metadata"]["name"] for pod in gone.of("uid-a")] == ["p1", "p2"]
    gone.forget("uid-a")
    assert gone.of("uid-a") == []
    assert not gone._pods
