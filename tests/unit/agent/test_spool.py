from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing_agent.spool import LINE, Spool, SpoolWriter

names = st.lists(st.text(max_size=6), max_size=40)


@given(names, st.integers(1, 9))
def test_sorted_whatever_the_order_and_the_chunk(paths: list[str], chunk: int) -> None:
    with TemporaryDirectory() as directory:
        writer = SpoolWriter(Path(directory) / "spool", chunk)
        for number, path in enumerate(paths):
            writer.add([path, 0, number])
        assert [entry[0] for entry in writer.in_order()] == sorted(paths)
        spool = writer.commit()
        assert sorted(entry[2] for _, entry in spool) == list(range(len(paths)))
        assert [ordinal for ordinal, _ in spool] == list(range(len(paths)))
        assert list(spool) == list(Spool(Path(directory) / "spool"))


def test_a_spool_that_was_not_finished_is_none(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path / "spool")
    writer.add(["a", 0])
    writer.close()
    assert not Spool(tmp_path / "spool").exists()


def test_a_run_that_lives_on_spoils_no_spool_of_the_next(tmp_path: Path) -> None:
    path = tmp_path / "s"
    first, second = SpoolWriter(path), SpoolWriter(path)
    for writer in (first, second):
        writer.add(["a", 0])
    second.commit()
    with pytest.raises(FileNotFoundError):
        first.commit()
    assert [entry for _, entry in Spool(path)] == [["a", 0]]
    assert [left.name for left in tmp_path.iterdir()] == ["s"]


def test_an_ascending_list_is_one_run(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path / "spool", 10)
    for number in range(1000):
        writer.add([f"{number:05}", 0])
    assert [entry[0] for entry in writer.in_order()] == [f"{n:05}" for n in range(1000)]
    assert len(writer._runs) == 1
    writer.close()


def test_ordinals_go_on_from_line_to_line(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path / "spool")
    count = 3 * LINE + 1
    for number in range(count):
        writer.add([f"{number:05}", 0])
    assert list(writer.commit()) == [(number, [f"{number:05}", 0]) for number in range(count)]


def test_a_key_named_like_the_end_mark(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path / "spool")
    writer.add(["end", 0, 1, "end", 5, ""])
    assert len(list(writer.commit())) == 1
