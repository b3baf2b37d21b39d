"""A cluster in memory for the reconciler: the real domain and a gateway that breaks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from processing_operator.controller.gone import GonePods
from processing_operator.controller.key import JobKey
from processing_operator.controller.metrics import Metrics
from processing_operator.controller.queue import Outcome
from processing_operator.controller.reconciler import Reconciler
from processing_operator.controller.recorder import Recorder
from processing_operator.domain.facts import OperatorDefaults
from tests.unit.controller.fake_kube import CrashError, FakeKube
from tests.unit.controller.objects import Obj, make_job

KEY = JobKey("ns", "j")
START = datetime(2030, 1, 1, 0, 0, 1, tzinfo=UTC)


@dataclass
class Memory:
    owned: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    def own(self, _key: JobKey, version: str) -> None:
        self.owned.append(version)

    def forget(self, key: JobKey) -> None:
        self.forgotten.append(key.name)


@dataclass
class World:
    """A cluster, and operators that come and go."""

    kube: FakeKube = field(default_factory=FakeKube)
    memory: Memory = field(default_factory=Memory)
    gone: GonePods = field(default_factory=GonePods)
    now: datetime = START

    def __post_init__(self) -> None:
        self.reconciler = self.make()

    def make(self) -> Reconciler:
        kube, metrics = cast("Any", self.kube), Metrics()
        return Reconciler(
            kube,
            Recorder(kube, metrics=metrics, instance="test"),
            memory=self.memory,
            gone=self.gone,
            metrics=metrics,
            defaults=OperatorDefaults(),
            clock=lambda: self.now,
        )

    def look(self) -> Outcome:
        return asyncio.run(self.reconciler.attempt(KEY))

    def settle(self) -> None:
        """Look until nothing fails any more, as the queue does; a crash is followed by another operator."""
        for _ in range(20):
            try:
                outcome = self.look()
            except CrashError:
                self.reconciler = self.make()
                continue
            if not outcome.failed:
                return
        raise AssertionError("it does not settle")

    @property
    def job(self) -> Obj:
        return self.kube.jobs["j"]

    @property
    def pod(self) -> Obj:
        [pod] = self.kube.pods.values()
        return pod

    def say(self, fetch: Any, phase: str = "Running", **others: Any) -> None:
        """What the kubelet says of the one Pod."""
        self.pod["spec"]["nodeName"] = "n"
        self.pod["status"] = {
            "phase": phase,
            "initContainerStatuses": _states(fetch=fetch),
            "containerStatuses": _states(**others),
        }
        self.kube.touch(self.pod)


def _states(**states: Any) -> list[Obj]:
    return [{"name": name, "state": state, "restartCount": 0} for name, state in states.items()]


def world(**spec: Any) -> World:
    made = World()
    made.kube.put_job(make_job("j", **spec))
    return made


def started_once(found: World) -> None:
    """One Pod was made, the status knows it, and it may run."""
    assert len(found.kube.made_pods) == 1
    status = found.job["status"]
    assert status["attempts"] == 1
    assert [one["podUid"] for one in status["instances"]] == [found.pod["metadata"]["uid"]]
    assert not found.pod["spec"].get("schedulingGates")
