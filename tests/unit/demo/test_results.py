"""Reading the jobs' outputs."""

from pathlib import Path

import pytest

from dev.demo.expected import Split
from dev.demo.results import count_rows, read_split


def test_rows_are_counted_without_the_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,4\n")
    assert count_rows(tmp_path / "a.csv") == 2


def test_a_split_is_its_shape_and_its_labels(tmp_path: Path) -> None:
    (tmp_path / "test_features.csv").write_text("1,0,0.5\n0,1,0.25\n0,0,1\n")
    (tmp_path / "test_labels.csv").write_text("0\n1\n0\n")
    assert read_split(tmp_path, "test") == Split(rows=3, columns=3, negative=2, positive=1)


def test_features_of_two_lengths_are_refused(tmp_path: Path) -> None:
    (tmp_path / "test_features.csv").write_text("1,0\n0\n")
    (tmp_path / "test_labels.csv").write_text("0\n1\n")
    with pytest.raises(ValueError, match=r"rows of \[1, 2\] columns"):
        read_split(tmp_path, "test")
