"""The promises, held against random progress, crashes, overtaken operators, lost events and deletions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processing_operator.api.status import State
from processing_operator.domain.conditions import is_finished
from processing_operator.domain.plan import PodTarget
from tests.unit.domain.world import Choose, Operator, World

MOVES = (
    ["first operator"] * 3
    + ["first operator looks"] * 3
    + ["second operator"] * 3
    + ["node"] * 8
    + ["delete"] * 2
    + ["first operator crashes", "second operator crashes", "delete by force", "stop", "time", "long time"]
)
ENOUGH = 400


def apply(move: str, world: World, operators: list[Operator], choose: Choose) -> None:
    if move in ("first operator", "second operator"):
        operators[move == "second operator"].step()
    elif move == "first operator looks":
        look(operators[0])
    elif move in ("first operator crashes", "second operator crashes"):
        operators[move == "second operator crashes"].crash()
    elif move == "node":
        world.step_node(choose)
    elif move in ("delete", "delete by force"):
        delete(world, choose, by_force=move == "delete by force")
    elif move == "stop":
        world.job["spec"]["stop"] = choose([True, False])
        world._touch(world.job)
    else:
        world.seconds += 3 if move == "time" else 40


def look(operator: Operator) -> None:
    while operator.step():
        pass


def delete(world: World, choose: Choose, *, by_force: bool) -> None:
    if not world.pods:
        return
    pod = world.pods[choose(sorted(world.pods))]
    if by_force:
        world.remove(pod, told=choose([True, False]))
        return
    meta = pod["metadata"]
    world.delete(PodTarget(meta["name"], meta["uid"], meta["resourceVersion"]))


def check(world: World) -> None:
    released = [pod for pod in world.pods.values() if not pod["spec"].get("schedulingGates")]
    assert len(released) <= 1, "two attempts at a time"
    assert len(world.script_starts) <= 1, "a script was started twice"


def first(choices: list[Any]) -> Any:
    return choices[0]


def settle(world: World, operator: Operator) -> None:
    """No more accidents: the job comes to its end, and then nothing is written any more."""
    quiet = 0
    for _ in range(ENOUGH):
        world.seconds += 3
        before = world.writes
        while operator.step():
            check(world)
        world.step_node(first)
        check(world)
        quiet = quiet + 1 if world.writes == before else 0
        if quiet > 5 and is_finished(world.read_job()):
            return
    raise AssertionError(f"no end: {world.read_job().status}, {world.pods}")


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_promises_are_kept(data: st.DataObject) -> None:
    world = World()
    operators = [Operator(world), Operator(world)]

    def choose(choices: list[Any]) -> Any:
        return data.draw(st.sampled_from(choices))

    for _ in range(data.draw(st.integers(0, 10))):  # so far all goes well
        look(operators[0])
        world.step_node(first)
    for move in data.draw(st.lists(st.sampled_from(MOVES), max_size=40)):
        apply(move, world, operators, choose)
        check(world)
    operators[1].crash()
    settle(world, operators[0])
    status = world.read_job().status
    if status.state is State.COMPLETED:
        assert len(world.script_starts) == 1
        assert status.exit_code == 0


@pytest.mark.parametrize(("seconds", "expected"), [(0.5, 5), (30, 7)], ids=["quick", "slow"])
def test_writes_of_an_undisturbed_job(seconds: float, expected: int) -> None:
    """The Pod, its release, and the status: claimed, running, completed; downloading and uploading where they last."""
    world = World()
    operator = Operator(world)
    ours = 0
    for _ in range(60):
        for lasts in (0, seconds if world.is_busy() else 0.2):
            world.seconds += lasts
            before = world.writes
            look(operator)
            ours += world.writes - before
        world.step_node(first)
    assert world.read_job().status.state == "Completed"
    assert ours == expected
