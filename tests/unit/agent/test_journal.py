from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from processing_agent import journal as module
from processing_agent.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path


def opened(path: Path, *, survives_reboot: bool = True, at: float = 0.0) -> Journal:
    return Journal(path, survives_reboot=survives_reboot, clock=lambda: at)


def test_a_second_run_knows_the_first(tmp_path: Path) -> None:
    first = opened(tmp_path / "j", at=5.0)
    first.done(0)
    first.done(70_000)
    first.note(3, "upload", "id", [1, 2])
    first.note(4, "part", 1)
    first.done(4)
    first.mark("totals", [1, 2])
    first.close()
    second = opened(tmp_path / "j", at=9.0)
    assert second.resumed
    assert second.started == 5.0
    assert [n for n in (0, 1, 3, 4, 69_999, 70_000, 10**7) if second.is_done(n)] == [0, 4, 70_000]
    assert second.notes(3) == [["upload", "id", [1, 2]]]
    assert second.notes(4) == []
    assert second.marks["totals"] == [1, 2]


def test_a_run_that_lives_on_does_not_write_between_the_lines_of_the_next(tmp_path: Path) -> None:
    """Its Pod's shim was killed: the kubelet starts another container in its place."""
    first = opened(tmp_path / "j")
    first.done(0)
    second = opened(tmp_path / "j")
    for number in range(1, 50):
        first.done(number * 2)
        second.done(number * 2 + 1)
    first.close()
    second.close()
    third = opened(tmp_path / "j")
    assert [n for n in range(100) if third.is_done(n)] == [0, *range(3, 100, 2)]


@pytest.mark.parametrize("tail", ['["done",', '["done",8]', "\0\0\0\n", "null\n", "[]\n", '{"a":1}\n', "[1]\n"])
def test_a_torn_end_is_cut_off(tmp_path: Path, tail: str) -> None:
    first = opened(tmp_path / "j")
    first.done(1)
    first.close()
    with (tmp_path / "j").open("a") as file:
        file.write(tail)
    second = opened(tmp_path / "j")
    second.done(2)
    second.close()
    third = opened(tmp_path / "j")
    assert [n for n in range(10) if third.is_done(n)] == [1, 2]


def test_after_a_reboot_only_the_store_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for survives in (True, False):
        monkeypatch.setattr(module, "boot_id", lambda: "one")
        path = tmp_path / str(survives)
        first = opened(path, survives_reboot=survives, at=5.0)
        first.done(1)
        first.note(2, "range", 0)
        first.close()
        monkeypatch.setattr(module, "boot_id", lambda: "two")
        second = opened(path, survives_reboot=survives, at=9.0)
        assert second.started == 5.0
        assert second.is_done(1) is survives
        assert bool(second.notes(2)) is survives
        second.done(3)
        second.close()
        third = opened(path, survives_reboot=survives)
        assert third.is_done(3)
        assert third.is_done(1) is survives
