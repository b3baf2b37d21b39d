from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from processing_operator.controller.dispatch import Dispatcher
from processing_operator.controller.gone import GonePods
from processing_operator.controller.index import JobIndex
from processing_operator.controller.key import JobKey
from tests.unit.controller.objects import make_job, make_pod


@dataclass
class Added:
    """Stands in for the queue."""

    keys: list[tuple[str, str]] = field(default_factory=list)

    def add(self, key: JobKey, version: str = "") -> None:
        self.keys.append((key.name, version))

    def take(self) -> list[tuple[str, str]]:
        taken, self.keys = self.keys, []
        return taken


def make(*jobs: dict[str, Any]) -> tuple[Dispatcher, Added, GonePods]:
    added, gone = Added(), GonePods()
    dispatcher = Dispatcher(cast("Any", added), index=JobIndex(), gone=gone)
    for job in jobs:
        dispatcher.job_changed(job)
    added.take()
    return dispatcher, added, gone


def test_a_changed_job_is_looked_at_under_its_version() -> None:
    dispatcher, added, _ = make()
    dispatcher.job_changed(make_job("a", version="5"))
    assert added.take() == [("a", "uid-a@5")]


def test_an_ended_job_is_not_looked_at() -> None:
    dispatcher, added, _ = make()
    for state in ("Completed", "Failed", "Stopped"):
        dispatcher.job_changed(make_job("a", state=state))
    assert added.take() == []


def test_a_pod_wakes_its_job() -> None:
    dispatcher, added, gone = make()
    dispatcher.pod_changed(make_pod("a", version="7"))
    assert added.take() == [("a", "uid-p@7")]
    dispatcher.pod_deleted(make_pod("a", version="8"))
    assert added.take() == [("a", "")]
    assert len(gone.of("uid-a")) == 1


def test_a_pod_that_no_job_controls_wakes_nobody() -> None:
    dispatcher, added, _ = make()
    pod = make_pod("a")
    pod["metadata"]["ownerReferences"][0]["kind"] = "Job"
    dispatcher.pod_changed(pod)
    dispatcher.pod_deleted(pod)
    assert added.take() == []


def test_waiters_wake_when_the_awaited_job_comes_ends_or_goes() -> None:
    dispatcher, added, _ = make(make_job("b", awaits=("a",)))
    dispatcher.job_changed(make_job("a", version="1"))
    assert ("b", "") in added.take()
    dispatcher.job_changed(make_job("a", version="2"))
    assert ("b", "") not in added.take(), "nothing that the waiter cares for"
    dispatcher.job_changed(make_job("a", version="3", state="Completed"))
    assert added.take() == [("b", "")]
    dispatcher.job_deleted(make_job("a", version="4"))
    assert added.take() == [("a", ""), ("b", "")]


def test_a_waiter_that_has_ended_sleeps_on() -> None:
    dispatcher, added, _ = make(make_job("b", awaits=("a",), state="Failed"))
    dispatcher.job_changed(make_job("a", state="Completed"))
    assert added.take() == []


def test_a_deleted_job_takes_its_gone_pods_along() -> None:
    dispatcher, _, gone = make(make_job("a"))
    dispatcher.pod_deleted(make_pod("a"))
    dispatcher.job_deleted(make_job("a"))
    assert gone.of("uid-a") == []
