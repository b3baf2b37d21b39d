"""Directories that are kept open for the next file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from processing_agent.paths import KEPT_OPEN, Beneath, Places


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    beneath = Beneath(tmp_path)
    with contextlib.closing(beneath), contextlib.closing(Places(beneath)) as made:
        yield made


def test_more_directories_than_are_kept_open(places: Places, tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - numbers, no paths
    for number in range(3 * KEPT_OPEN):
        os.close(places.create(f".t/{number}"))
        places.rename(f".t/{number}", f"{number % (2 * KEPT_OPEN)}/d/{number}")
    assert len(os.listdir("/proc/self/fd")) - before <= KEPT_OPEN  # noqa: PTH208 - numbers, no paths
    assert len(list(tmp_path.rglob("d/*"))) == 3 * KEPT_OPEN
    assert not list((tmp_path / ".t").iterdir())


def test_no_link_is_followed(places: Places, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/tmp")
    with pytest.raises(NotADirectoryError):
        places.create("link/x")
    (tmp_path / "file").symlink_to("/tmp/x")
    with pytest.raises(OSError, match="symbolic links"):
        places.create("file")
    with pytest.raises(ValueError, match="leads out"):
        places.create("../x")
