from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from processing_operator.controller.queue import Backoff, Outcome, WorkQueue
from tests.unit.controller.fake_time import now, run


class Key(str):
    """A key; what stands before the dash is its namespace."""

    __slots__ = ()

    @property
    def namespace(self) -> str:
        return self.partition("-")[0] if "-" in self else ""


def keys(*names: str) -> list[Key]:
    return [Key(name) for name in names]


A, B, C, D = keys("a", "b", "c", "d")


@dataclass
class Spy:
    """Processes keys for `seconds` each, and keeps what happened when."""

    seconds: float = 0.0
    outcomes: dict[str, list[Outcome | Exception]] = field(default_factory=dict)
    started: list[tuple[float, str]] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    most_at_once: int = 0
    waits: list[tuple[str, float]] = field(default_factory=list)
    depths: list[tuple[int, int]] = field(default_factory=list)
    processings: list[tuple[float, Outcome]] = field(default_factory=list)

    async def process(self, key: str) -> Outcome:
        assert key not in self.running, "a key is never processed twice at once"
        self.running.add(key)
        self.most_at_once = max(self.most_at_once, len(self.running))
        self.started.append((now(), key))
        await asyncio.sleep(self.seconds)
        self.running.discard(key)
        outcome = self.outcomes[key].pop(0) if self.outcomes.get(key) else Outcome()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def queue_depth(self, front: int, back: int) -> None:
        self.depths.append((front, back))

    def queue_waited(self, lane: str, seconds: float) -> None:
        self.waits.append((lane, seconds))

    def processed(self, seconds: float, outcome: Outcome) -> None:
        self.processings.append((seconds, outcome))


def work(spy: Spy, *steps: object, workers: int = 2, seconds: float = 1000.0) -> list[tuple[float, str]]:
    """Run a queue for so many seconds; each step is called with the queue, or is a time to wait."""

    async def main() -> None:
        backoff = Backoff(jitter=lambda: 0.0)
        queue: WorkQueue[Key] = WorkQueue(workers=workers, metrics=spy, backoff=backoff)
        task = asyncio.create_task(queue.run(spy.process))
        for step in steps:
            if callable(step):
                step(queue)
            else:
                assert isinstance(step, float)
                await asyncio.sleep(step)
        await asyncio.sleep(seconds)
        queue.close()
        await task

    run(main())
    return spy.started


def test_keys_are_processed_in_the_order_of_their_arrival() -> None:
    spy = Spy(seconds=1.0)
    add_all = lambda queue: [queue.add(key) for key in (A, B, C, D)]  # noqa: E731
    assert work(spy, add_all, workers=1) == [(0.0, "a"), (1.0, "b"), (2.0, "c"), (3.0, "d")]
    assert max(spy.depths) == (4, 0)
    assert spy.depths[-1] == (0, 0)
    assert spy.waits == [("front", 0.0), ("front", 1.0), ("front", 2.0), ("front", 3.0)]


def test_a_key_that_waits_is_one_processing_however_often_it_is_added() -> None:
    assert work(Spy(), lambda queue: [queue.add(Key("a")) for _ in range(5)]) == [(0.0, "a")]


def test_a_key_added_while_it_is_processed_is_processed_once_more_afterwards() -> None:
    spy = Spy(seconds=2.0)
    again = lambda queue: [queue.add(Key("a")) for _ in range(3)]  # noqa: E731
    assert work(spy, again, 1.0, again) == [(0.0, "a"), (2.0, "a")]


def test_as_many_keys_at_once_as_there_are_workers_and_none_starves() -> None:
    spy = Spy(seconds=1.0)
    work(spy, lambda queue: [queue.add(Key(str(number))) for number in range(9)], workers=3)
    assert spy.most_at_once == 3
    assert [key for _, key in spy.started] == [str(number) for number in range(9)]


def test_a_busy_key_does_not_keep_others_waiting() -> None:
    """A key that is added all the time goes to the end of the line each time."""
    spy = Spy(seconds=1.0)
    started = work(
        spy,
        lambda queue: [queue.add(Key("busy")), queue.add(Key("b")), queue.add(Key("c"))],
        0.5,
        lambda queue: queue.add(Key("busy")),
        workers=1,
    )
    assert [key for _, key in started] == ["busy", "b", "c", "busy"]


def test_a_failure_is_tried_again_with_growing_pauses_up_to_a_minute() -> None:
    spy = Spy(outcomes={"a": [Outcome(failed=True)] * 9})
    started = [time for time, _ in work(spy, lambda queue: queue.add(Key("a")))]
    pauses = [after - before for before, after in pairwise(started)]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_a_success_forgets_the_failures() -> None:
    failed = Outcome(failed=True)
    spy = Spy(outcomes={"a": [failed, failed, Outcome(), failed]})
    started = work(spy, lambda queue: queue.add(Key("a")), 100.0, lambda queue: queue.add(Key("a")))
    assert [time for time, _ in started] == [0.0, 0.5, 1.5, 100.0, 100.5]


def test_an_exception_is_a_failure_and_the_worker_lives_on(caplog: pytest.LogCaptureFixture) -> None:
    spy = Spy(outcomes={"a": [ValueError("a mistake")]})
    started = work(spy, lambda queue: [queue.add(Key("a")), queue.add(Key("b"))], workers=1)
    assert started == [(0.0, "a"), (0.0, "b"), (0.5, "a")]
    assert caplog.records[0].__dict__["key"] == "a"
    assert "a mistake" in caplog.text


def test_a_failing_key_that_is_added_does_not_wait_for_its_pause() -> None:
    spy = Spy(outcomes={"a": [Outcome(failed=True)] * 2})
    started = work(spy, lambda queue: queue.add(Key("a")), 0.1, lambda queue: queue.add(Key("a")))
    assert [time for time, _ in started] == [0.0, 0.1, pytest.approx(1.1)]


def test_the_pause_is_shortened_at_random_by_a_quarter_at_most() -> None:
    assert Backoff(jitter=lambda: 0.0).seconds(3) == 2.0
    assert Backoff(jitter=lambda: 1.0).seconds(3) == 1.5
    assert Backoff(jitter=lambda: 0.0).seconds(10_000) == 60.0


def test_again_after() -> None:
    spy = Spy(outcomes={"a": [Outcome(again_after=30.0)]})
    assert work(spy, lambda queue: queue.add(Key("a"))) == [(0.0, "a"), (30.0, "a")]


def test_the_sooner_of_two_times_counts() -> None:
    for first, second in ((30.0, 10.0), (10.0, 30.0)):
        started = work(
            Spy(), lambda queue, one=first, two=second: [queue.add_after(Key("a"), one), queue.add_after(Key("a"), two)]
        )
        assert started == [(10.0, "a")]


def test_a_processing_makes_the_time_that_was_set_void() -> None:
    """It has looked at everything, and says itself when to look again."""
    spy = Spy(outcomes={"a": [Outcome(again_after=50.0)]})
    started = work(spy, lambda queue: queue.add(Key("a")), 20.0, lambda queue: queue.add(Key("a")))
    assert [time for time, _ in started] == [0.0, 20.0]


def test_what_has_changed_goes_before_what_is_only_due() -> None:
    spy = Spy(seconds=1.0)
    work(spy, lambda queue: [queue.add_later(A), queue.add_later(B), queue.add(C), queue.add(A)], workers=1)
    assert [key for _, key in spy.started] == ["c", "a", "b"]
    assert spy.waits == [("front", 0.0), ("front", 1.0), ("back", 2.0)]
    assert max(back for _, back in spy.depths) == 2


def test_the_back_lane_has_one_turn_in_eight_whatever_the_load() -> None:
    spy = Spy(seconds=1.0)
    many = keys(*(f"{number:02d}" for number in range(30)))
    work(spy, lambda queue: [queue.add_later(A), queue.add_later(B), *(queue.add(key) for key in many)], workers=1)
    order = [key for _, key in spy.started]
    assert (order.index(A), order.index(B)) == (7, 15)


def test_a_key_that_is_processed_is_not_due_besides() -> None:
    spy = Spy(seconds=2.0)
    assert work(spy, lambda queue: queue.add(A), 1.0, lambda queue: queue.add_later(A)) == [(0.0, "a")]


def test_namespaces_take_turns() -> None:
    """One with a thousand jobs does not keep another's single one waiting."""
    spy = Spy(seconds=1.0)
    crowd, single = keys(*(f"crowd-{number}" for number in range(5))), Key("single-1")
    work(spy, lambda queue: [*(queue.add(key) for key in crowd), queue.add(single)], workers=1)
    assert [key for _, key in spy.started].index(single) == 1


def test_what_the_server_asks_to_wait_is_waited() -> None:
    spy = Spy(outcomes={"a": [Outcome(failed=True, again_after=20.0)]})
    assert work(spy, lambda queue: queue.add(A)) == [(0.0, "a"), (20.0, "a")]


def test_forgotten_keys_leave_nothing_behind() -> None:
    async def main() -> None:
        queue: WorkQueue[Key] = WorkQueue(workers=1, metrics=Spy())
        queue.add_after(Key("a"), 10.0)
        queue.forget(A)
        assert not queue._timers

    run(main())


def test_close_ends_what_is_being_processed_and_takes_nothing_more() -> None:
    async def main() -> None:
        spy = Spy(seconds=3.0)
        queue: WorkQueue[Key] = WorkQueue(workers=1, metrics=spy)
        task = asyncio.create_task(queue.run(spy.process))
        queue.add(Key("a"))
        queue.add(Key("waits"))
        queue.add_after(Key("later"), 2.0)
        await asyncio.sleep(1.0)
        queue.close()
        queue.add(Key("late"))
        await task
        assert now() == 3.0
        assert spy.started == [(0.0, "a")]
        assert not spy.running

    run(main())


def test_the_longest_processing_is_told_of() -> None:
    async def main() -> None:
        spy = Spy(seconds=60.0)
        queue: WorkQueue[Key] = WorkQueue(workers=2, metrics=spy)
        assert queue.longest_running() == 0.0
        task = asyncio.create_task(queue.run(spy.process))
        queue.add(Key("a"))
        await asyncio.sleep(10.0)
        queue.add(Key("b"))
        await asyncio.sleep(5.0)
        assert queue.longest_running() == 15.0
        queue.close()
        await task

    run(main())
