"""The loop, its rooms and its patience."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import pairwise
from types import SimpleNamespace

import pytest

from processing_agent.engines.fast import window as window_module
from processing_agent.engines.fast.loop import Later, Loop
from processing_agent.engines.fast.slots import Group, Slots
from processing_agent.engines.fast.window import AT_FIRST, FLOOR, HURRIED, LONGEST, Window
from processing_agent.watch import StopAsked, Watch


@pytest.fixture
def loop() -> Iterator[Loop]:
    with contextlib.closing(Loop(lambda: None)) as made:
        yield made


def test_values_errors_and_the_end(loop: Loop) -> None:
    seen: list[str] = []

    async def other(later: Later[str]) -> None:
        await loop.sleep(0.01)
        later.set("first")
        later.fail(ValueError("ignored"))

    async def main() -> str:
        later: Later[str] = Later(loop)
        loop.spawn(other(later))
        seen.append(await later)
        failed: Later[None] = Later(loop)
        failed.fail(KeyError("x"))
        with pytest.raises(KeyError):
            await failed
        return "done"

    assert loop.run(main()) == "done"
    assert seen == ["first"]


def test_an_error_drops_the_others_and_the_loop_can_be_used_again(loop: Loop) -> None:
    ended: list[str] = []

    async def forever() -> None:
        try:
            await Later[None](loop)
        finally:
            ended.append("dropped")

    async def main() -> None:
        loop.spawn(forever())
        await loop.turn()
        loop.spawn(forever())
        raise LookupError

    with pytest.raises(LookupError):
        loop.run(main())
    assert ended == ["dropped"]

    async def fine() -> int:
        return 1

    assert loop.run(fine()) == 1


def test_what_the_tick_raises_ends_the_run() -> None:
    def tick() -> None:
        raise StopAsked

    with contextlib.closing(Loop(tick)) as loop, pytest.raises(StopAsked):
        loop.run(loop.sleep(60))


def test_slots_are_given_in_order_and_a_group_ends_once(loop: Loop) -> None:
    slots, most, under_way, ended = Slots(loop, 4), [0], [0], [0]

    async def work() -> None:
        under_way[0] += 2
        most[0] = max(most[0], under_way[0])
        await loop.sleep(0.001)
        under_way[0] -= 2

    async def finish() -> None:
        ended[0] += 1
        assert under_way == [0]

    async def main() -> None:
        group = Group(slots, finish)
        for _ in range(10):
            await group.spawn(2, work)
        await group.leave()

    loop.run(main())
    assert (most[0], ended[0]) == (4, 1)


class PatientWatch(Watch):
    """Moves a clock instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> PatientWatch:
    made = PatientWatch()
    monkeypatch.setattr(window_module, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made


def test_a_store_that_is_away_is_asked_by_one_at_a_time(loop: Loop, watch: PatientWatch) -> None:
    window, tries, until = Window(loop, watch, 100), list[float](), 1030.0

    async def ask() -> None:
        while True:
            await window.enter()
            tries.append(watch.now)
            await loop.turn()
            is_back = watch.now >= until
            if is_back:
                window.succeeded()
            else:
                window.failed()
            window.leave()
            if is_back:
                return

    async def main() -> None:
        for _ in range(50):
            loop.spawn(ask())

    loop.run(main())
    outage = [moment for moment in tries if moment < until]
    assert outage.count(1000.0) == AT_FIRST
    later = outage[AT_FIRST:]
    assert all(second - first >= FLOOR for first, second in pairwise(later))
    assert max(watch.pauses) <= FLOOR + LONGEST
    assert len(tries) == len(outage) + 50


def test_a_container_that_is_ended_does_not_wait_long(loop: Loop, watch: PatientWatch) -> None:
    window = Window(loop, watch, 100)
    watch.hurry()

    async def main() -> None:
        for _ in range(8):
            await window.enter()
            window.failed()
            window.leave()
        await window.enter()
        window.leave()

    loop.run(main())
    assert len(watch.pauses) == 8
    assert max(watch.pauses) <= HURRIED
