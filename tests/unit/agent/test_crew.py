from __future__ import annotations

import threading

import pytest

from processing_agent.engines.reference.crew import Crew, Group
from processing_agent.engines.reference.sending import MOST_PARTS, PIECE, part_size
from processing_agent.engines.reference.streaming import _parts, stream_part_size


def nothing() -> None:
    pass


def test_the_first_failure_ends_the_whole() -> None:
    abandoned = threading.Event()
    done = []

    def fail() -> None:
        raise KeyError("first")

    def wait_for_the_store() -> None:
        assert abandoned.wait(10)

    def submit_all(crew: Crew) -> None:
        crew.submit(wait_for_the_store)
        crew.submit(fail)
        abandoned.wait(10)
        for number in range(20):
            crew.submit(lambda n=number: done.append(n))  # type: ignore[misc]

    with pytest.raises(KeyError, match="first"), Crew(abandoned.set, threads=2, backlog=1) as crew:
        submit_all(crew)
    assert not done


def test_an_interrupted_owner_does_not_wait_for_the_store() -> None:
    abandoned = threading.Event()

    def interrupted(crew: Crew) -> None:
        crew.submit(lambda: assert_true(abandoned.wait(10)))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Crew(abandoned.set) as crew:
        interrupted(crew)


def assert_true(value: bool) -> None:
    assert value


def test_a_group_finishes_once_after_its_last_task() -> None:
    order: list[str] = []
    with Crew(nothing) as crew:
        group = Group(crew, lambda: order.append("finish"))
        for _ in range(20):
            group.submit(lambda: order.append("task"))
        group.seal()
    assert order == ["task"] * 20 + ["finish"]


@pytest.mark.parametrize(
    ("size", "part"), [(1, PIECE), (MOST_PARTS * PIECE, PIECE), (MOST_PARTS * PIECE + 1, PIECE + (1 << 20))]
)
def test_parts_grow_with_the_file(size: int, part: int) -> None:
    assert part_size(size) == part
    assert -(-size // part) <= MOST_PARTS


def test_a_terabyte_fits_in_ten_thousand_parts() -> None:
    assert -(-(5 << 40) // part_size(5 << 40)) <= MOST_PARTS
    assert sum(stream_part_size(number) for number in range(1, MOST_PARTS + 1)) > 500 * 10**9


def test_a_stream_in_parts() -> None:
    assert list(_parts(iter([]))) == [b""]
    assert [len(part) for part in _parts(iter([b"x" * (PIECE + 3)] * 2))] == [PIECE, PIECE, 6]
    assert [len(part) for part in _parts(iter([b"x" * PIECE]))] == [PIECE]
