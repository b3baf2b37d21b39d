"""What is seen goes into the store, and what it changes is looked at: once, and whatever else cannot be read."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from processing_operator.controller.dispatch import Dispatcher
from processing_operator.controller.metrics import Metrics
from processing_operator.controller.store import JobKey, Store
from tests.unit.controller.objects import Obj, make_job, make_pod


@dataclass
class Added:
    """Stands in for the queue."""

    front: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)

    def add(self, key: JobKey) -> None:
        self.front.append(key.name)

    def add_later(self, key: JobKey) -> None:
        self.back.append(key.name)

    def forget(self, _key: JobKey) -> None:
        """Timers."""

    def take(self) -> list[str]:
        taken, self.front = self.front, []
        return taken


@dataclass
class Site:
    """A dispatcher, and what it did."""

    store: Store = field(default_factory=Store)
    added: Added = field(default_factory=Added)

    def __post_init__(self) -> None:
        self.metrics = Metrics()
        self.dispatcher = Dispatcher(self.store, cast("Any", self.added), metrics=self.metrics)


def site(*jobs: Obj) -> Site:
    made = Site()
    for job in jobs:
        made.dispatcher.job_changed(job)
    made.added.take()
    return made


def test_a_changed_job_is_looked_at_once() -> None:
    made = site()
    for _ in range(2):
        made.dispatcher.job_changed(make_job("a", version="5"))
    made.dispatcher.job_changed(make_job("a", version="4"))
    assert made.added.take() == ["a"]


def test_an_ended_job_is_not_looked_at() -> None:
    made = site()
    for number, kind in enumerate(("Complete", "Failed", "Stopped")):
        made.dispatcher.job_changed(make_job(f"a{number}", ended=kind))
    assert made.added.take() == []


def test_a_pod_wakes_its_job() -> None:
    made = site(make_job("a"))
    made.dispatcher.changed(make_pod("a", version="7"))
    assert made.added.take() == ["a"]
    made.dispatcher.changed(make_pod("a", version="7"))
    assert made.added.take() == []
    made.dispatcher.deleted(make_pod("a", version="8"))
    assert made.added.take() == ["a"]


def test_a_pod_without_the_name_of_a_job_wakes_nobody() -> None:
    made = site(make_job("a"))
    pod = make_pod("a")
    del pod["metadata"]["labels"]["processing-operator.dev/job"]
    made.dispatcher.changed(pod)
    made.dispatcher.deleted(pod)
    assert made.added.take() == []
    assert len(made.store) == 1


def test_waiters_wake_when_the_awaited_job_comes_ends_or_goes() -> None:
    made = site(make_job("b", awaits=("a",)))
    made.dispatcher.job_changed(make_job("a", version="1"))
    assert made.added.take() == ["a", "b"]
    made.dispatcher.job_changed(make_job("a", version="2"))
    assert made.added.take() == ["a"], "nothing that the waiter cares for"
    made.dispatcher.job_changed(make_job("a", version="3", ended="Complete"))
    assert made.added.take() == ["b"]
    made.dispatcher.job_deleted(make_job("a", version="4"))
    assert made.added.take() == ["a", "b"]


def test_a_waiter_that_has_ended_sleeps_on() -> None:
    made = site(make_job("b", awaits=("a",), ended="Failed"))
    made.dispatcher.job_changed(make_job("a", ended="Complete"))
    assert made.added.take() == []


def test_a_list_brings_what_is_newer_to_the_front_and_the_rest_behind() -> None:
    made = site(make_job("same", version="1"), make_job("newer", version="1"), make_job("ahead", version="9"))
    listed = [make_job("same", version="1"), make_job("newer", version="2"), make_job("ahead", version="8")]
    made.dispatcher.jobs_listed(listed, 8, unfinished=True)
    assert made.added.take() == ["newer"]
    assert made.added.back == ["same", "ahead"]
    ahead = made.store.find(JobKey("ns", "ahead"))
    assert ahead is not None
    assert ahead.job is not None
    assert ahead.job.version == 9, "a list never replaces what is newer"


def test_a_job_created_while_the_list_was_made_is_not_forgotten() -> None:
    made = site(
        make_job("young", version="12"), make_job("gone", version="7"), make_job("done", version="6", ended="Failed")
    )
    made.dispatcher.jobs_listed([], 10, unfinished=True)
    assert made.added.take() == ["gone"], "what has become of it has to be read"
    records = {record.key.name: record.doubtful for record in made.store.records()}
    assert records == {"young": False, "gone": True, "done": False}


def test_pods_that_a_list_lacks_are_gone() -> None:
    made = site(make_job("a"), make_job("b"))
    made.dispatcher.changed(make_pod("a", name="old", version="5"))
    made.dispatcher.changed(make_pod("b", name="young", version="15"))
    made.added.take()
    made.dispatcher.pods_listed([], 10, None)
    assert made.added.take() == ["a"]
    pods = [pod.name for record in made.store.records() for pod in record.pods.values()]
    assert pods == ["young"]


def test_a_list_of_one_namespace_says_nothing_about_another() -> None:
    made = site(make_job("a"))
    made.dispatcher.changed(make_pod("a", version="5"))
    made.dispatcher.pods_listed([], 10, "elsewhere")
    assert [len(record.pods) for record in made.store.records()] == [1]


HOSTILE: list[tuple[str, Obj]] = [
    ("no metadata", {}),
    ("no version", {"metadata": {"name": "x", "namespace": "ns", "uid": "u", "labels": {"processing-operator.dev/job": "a"}}}),
    ("statuses that are none", {**make_pod("a", name="x"), "status": {"containerStatuses": [{"name": "script", "state": "running"}]}}),
    ("times that are none", {**make_pod("a", name="x"), "status": {"containerStatuses": [{"name": "script", "state": {"running": {"startedAt": "soon"}}}]}}),
    ("owners that are none", {"metadata": {**make_pod("a")["metadata"], "ownerReferences": [{"controller": True, "kind": "ProcessingJob"}]}}),
]  # fmt: skip


@pytest.mark.parametrize("pod", [row[1] for row in HOSTILE], ids=[row[0] for row in HOSTILE])
def test_one_bad_pod_keeps_nothing_else_from_being_seen(pod: Obj, caplog: pytest.LogCaptureFixture) -> None:
    made = site(make_job("a"))
    made.dispatcher.pods_listed([pod, make_pod("a", name="good", version="5")], 10, None)
    made.dispatcher.changed(pod)
    made.dispatcher.deleted(pod)
    assert made.added.take() == ["a"]
    assert "cannot be read" in caplog.text
    assert b"processing_operator_errors_total{" in made.metrics.export()


def test_one_bad_job_keeps_nothing_else_from_being_seen() -> None:
    made = site()
    bad = make_job("bad")
    bad["spec"]["inputs"] = [{"from": "nonsense"}]
    made.dispatcher.jobs_listed([bad, make_job("good")], 10, unfinished=True)
    made.dispatcher.job_changed(bad)
    assert "good" in made.added.take()
