"""The promises, held against random progress, crashes, overtaken operators, lost events, deletions, skewed clocks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing_operator.api.v1alpha1 import ProcessingJob
from processing_operator.domain.conditions import is_finished
from processing_operator.domain.facts import Facts
from processing_operator.domain.pods.build import build
from processing_operator.kube.errors import TransientError
from tests.unit.controller.fake_time import run
from tests.unit.controller.objects import make_job
from tests.unit.world.api import Api, Obj, owner_uid
from tests.unit.world.node import Node
from tests.unit.world.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    Choose = Callable[[list[Any]], Any]

CALLS = ["get_job", "get_pod", "create_pod", "patch_job_status", "release_pod", "annotate_pod", "delete_pod"]
MOVES = (
    ["node"] * 10
    + ["time"] * 3
    + ["delete pod"] * 2
    + ["request lost", "answer lost", "outage", "healed", "healed"]
    + ["crash", "crash", "second operator", "deaf", "delete pod by force", "stop", "long time", "sandbox"]
    + [
        "job made again",
        "job made again",
        "forged",
        "quota",
        "foreign gate",
        "gate removed",
        "node dies",
        "node lives",
        "node lives",
        "launchers freeze",
        "launchers thaw",
    ]
)


@dataclass
class World:
    """The cluster and its operators."""

    choose: Choose
    api: Api = field(default_factory=Api)
    operators: list[Operator] = field(default_factory=list)
    skew: float = 0.0
    lag: float = 0.0
    generation: int = 0

    def __post_init__(self) -> None:
        self.node = Node(self.api)

    async def begin(self) -> None:
        self.make_job()
        await self.add_operator()

    def make_job(self) -> None:
        self.generation += 1
        job = make_job("j", timeouts={"pendingSeconds": 120, "runSeconds": 300, "stopGraceSeconds": 10})
        job["metadata"]["uid"] = f"{self.generation:08d}-uid"
        self.api.put_job(job)

    async def add_operator(self) -> None:
        self.operators.append(await Operator(self.api, skew=self.skew, lag=self.lag).start())

    @property
    def uid(self) -> str:
        return str(self.api.jobs["j"]["metadata"]["uid"])

    @property
    def job(self) -> ProcessingJob:
        return ProcessingJob.model_validate(self.api.jobs["j"])

    async def move(self, move: str) -> None:
        first = self.operators[0]
        self.api.collect()
        if move == "node":
            self.node.step(self.choose)
        elif move in ("delete pod", "delete pod by force") and self.api.pods:
            pod = self.api.pods[self.choose(sorted(self.api.pods))]
            (self.api.begin_deletion if move == "delete pod" else self.api.remove_pod)(pod)
        elif move in ("request lost", "answer lost"):
            call = self.choose(CALLS)
            side = first.client.before if move == "request lost" else first.client.after
            side[call, first.client.calls.count(call) + 1] = TransientError("lost")
        elif move == "outage":
            first.client.lasting.update({call: TransientError("away") for call in [*CALLS, "list_jobs", "list_pods"]})
        elif move == "crash":
            await self.operators.pop(self.choose([*range(len(self.operators))])).crash()
            if not self.operators:
                await self.add_operator()
        elif move == "second operator":
            await self.add_operator()
        else:
            self.change(move)
        await asyncio.sleep({"time": 3.0, "long time": 40.0}.get(move, 0.2))

    def change(self, move: str) -> None:
        changes: dict[str, Callable[[], Any]] = {
            "healed": self.operators[0].client.lasting.clear,
            "deaf": lambda: setattr(self.operators[0], "deaf", True),
            "stop": self.ask_to_stop,
            "sandbox": lambda: self.node.lose_sandbox(self.choose),
            "job made again": self.make_again,
            "forged": self.forge,
            "quota": lambda: setattr(self.api, "quota", not self.api.quota),
            "foreign gate": lambda: setattr(self.api, "gates", ["queue.example.com/admitted"]),
            "gate removed": self.open_gates,
            "node dies": lambda: setattr(self.node, "dead", True),
            "node lives": lambda: setattr(self.node, "dead", False),
            "launchers freeze": lambda: setattr(self.node, "frozen", True),
            "launchers thaw": lambda: setattr(self.node, "frozen", False),
        }
        changes.get(move, lambda: None)()

    def ask_to_stop(self) -> None:
        self.api.jobs["j"]["spec"]["stop"] = self.choose([True, False])
        self.api.touch("job", self.api.jobs["j"])

    def make_again(self) -> None:
        self.api.delete_job("j")
        self.make_job()

    def forge(self) -> None:
        """Somebody who may create Pods makes the next attempt's, before the operator does."""
        job = ProcessingJob.model_validate(self.api.jobs["j"])
        pod = build(job, job.status.attempts + 1, Facts())
        if pod["metadata"]["name"] not in self.api.pods and not self.api.quota:
            self.api.create_pod(pod)
            self.api.pods[pod["metadata"]["name"]]["metadata"]["labels"]["forged"] = "true"

    def open_gates(self) -> None:
        self.api.gates = []
        for pod in self.api.pods.values():
            own = [gate for gate in pod["spec"]["schedulingGates"] if gate["name"].startswith("processing")]
            if len(own) < len(pod["spec"]["schedulingGates"]):
                pod["spec"]["schedulingGates"] = own
                self.api.touch("pod", pod)

    def check(self) -> None:
        """At any time."""
        starts = self.node.starts
        assert all(starts.count(uid) <= 1 for uid in starts), "a script was started twice"
        released = [pod for pod in self.api.pods.values() if not pod["spec"].get("schedulingGates")]
        own = [pod for pod in released if owner_uid(pod) == self.uid]
        assert len(own) <= 1, "two attempts at a time"
        assert not any("forged" in pod["metadata"]["labels"] for pod in released), "a forged Pod is released"
        assert not any(operator.crashed for operator in self.operators), "a loop has ended"
        told = self.job.status
        assert all(one.reason and one.message for one in told.conditions), told.conditions
        assert told.state != "Waiting" or told.reason, "nobody says what it waits for"
        before = [pod for pod in released if owner_uid(pod) != self.uid and may_upload(pod)]
        assert not (before and starts.count(self.uid)), "a script runs beside its predecessor's upload"

    async def settle(self) -> None:
        """No more accidents: the job comes to its end, and then nothing is written any more."""
        self.node.dead = self.api.quota = False
        for operator in self.operators[1:]:
            await operator.crash()
        del self.operators[1:]
        self.operators[0].client.lasting.clear()
        quiet = 0
        for turn in range(300):
            self.open_gates()
            self.api.collect()
            before = self.api.writes
            self.node.step(lambda choices: choices[0])
            self.node.step(lambda choices: choices[0], max if turn % 3 else min)
            await asyncio.sleep(3 if turn < 30 else 20)  # what still goes on is waited for: a launcher that is frozen
            self.check()
            quiet = quiet + 1 if self.api.writes == before else 0
            if quiet > 15 and is_finished(self.job):
                assert self.job.status.reason not in ("NameConflict", "InvalidPod"), self.job.status
                return
        raise AssertionError(f"no end: {self.job.status}, {self.api.pods}")


def may_upload(pod: Obj) -> bool:
    """Its uploader has not ended."""
    main = {one["name"]: one["state"] for one in pod["status"].get("containerStatuses") or []}
    return pod["status"]["phase"] not in ("Succeeded", "Failed") and "running" in main.get("upload", {})


def play(choose: Choose, moves: list[str], *, skew: float = 0.0, lag: float = 0.0, well: int = 0) -> World:
    async def main() -> World:
        world = World(choose, skew=skew, lag=lag)
        world.node.skew = -skew
        await world.begin()
        await asyncio.sleep(0.5)
        for _ in range(well):  # so far all goes well
            world.node.step(lambda choices: choices[0])
            await asyncio.sleep(0.5)
        for move in moves:
            await world.move(move)
            world.check()
        await world.settle()
        for operator in world.operators:
            await operator.crash()
        return world

    return run(main())


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=True))
def test_promises_are_kept(random: Random) -> None:
    moves = random.choices(MOVES, k=random.randrange(45))
    skew, lag = random.choice([0.0, 0.0, 3600.0, -3600.0]), random.choice([0.0, 0.3, 5.0])
    world = play(random.choice, moves, skew=skew, lag=lag, well=random.randrange(10))
    status = world.job.status
    if status.state == "Completed":
        assert world.node.starts.count(world.uid) == 1
        assert status.exit_code == 0


@pytest.mark.parametrize("moves", [["deaf"], ["outage", "long time", "healed"], ["crash"], ["node dies", "node lives"]])
def test_what_heals_ends_well(moves: list[str]) -> None:
    assert play(lambda choices: choices[0], moves, well=3).job.status.state == "Completed"


def test_a_frozen_launcher_does_not_hold_the_job_for_ever() -> None:
    """A signal, then the deletion of its Pod, by the operator's own clock: the node's is an hour behind."""
    world = play(lambda choices: choices[0], ["launchers freeze"], well=4, skew=3600.0)
    status = world.job.status
    assert world.node.starts == [world.uid]
    assert (status.state, status.reason) == ("Stopped", "MaxRuntimeExceeded")
    assert "its launcher did not act" in (status.message or "")


def test_a_launcher_that_fails_ends_the_job_at_once() -> None:
    def fails(choices: list[Any]) -> Any:
        return "fails" if "fails" in choices else choices[0]

    async def main() -> World:
        world = World(fails)
        await world.begin()
        for _ in range(12):
            world.node.step(world.choose)
            await asyncio.sleep(1)
        await world.operators[0].crash()
        return world

    world = run(main())
    assert (world.job.status.state, world.job.status.reason) == ("Failed", "ScriptNotStarted")
    assert "launcher: no lock" in (world.job.status.message or "")
    assert world.node.starts == []


def test_a_job_made_again_never_runs_beside_its_predecessor() -> None:
    """However slow the old Pod is: all that happens, happens in the newest."""

    def newest(choices: list[Any]) -> Any:
        return choices[-1] if str(choices[0]).startswith("j-") else choices[0]

    assert play(newest, ["job made again", *["node"] * 8], well=6).node.starts == ["00000001-uid", "00000002-uid"]


@pytest.mark.parametrize(("seconds", "expected"), [(0.5, 6), (30, 8)], ids=["quick", "slow"])
def test_writes_of_an_undisturbed_job(seconds: float, expected: int) -> None:
    """The Pod, its release, and the status: claimed, running, completed; downloading and uploading where they last."""

    async def main() -> World:
        world = World(lambda choices: choices[0])
        await world.begin()
        for _ in range(15):
            world.node.step(world.choose)
            await asyncio.sleep(seconds)
        await world.operators[0].crash()
        return world

    world = run(main())
    assert world.job.status.state == "Completed"
    assert world.api.writes <= expected
