from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from processing_agent.paths import Beneath, NotRegular, segments
from processing_agent.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def beneath(tmp_path: Path) -> Iterator[Beneath]:
    (tmp_path / "root").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("secret")
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "root" / "filelink").symlink_to(tmp_path / "outside" / "file")
    below = Beneath(tmp_path / "root")
    yield below
    below.close()


def test_written_whole_then_named(beneath: Beneath) -> None:
    os.close(beneath.create("tmp/1"))
    beneath.rename("tmp/1", "a/b/c")
    assert stat.S_IMODE((beneath.root / "a/b").stat().st_mode) == 0o2775
    beneath.write_whole("x/y", b"1")
    assert sorted(p.name for p in (beneath.root / "x").iterdir()) == ["y"]


@pytest.mark.parametrize("path", ["link/new", "link/file", "filelink"])
def test_no_link_is_followed(beneath: Beneath, path: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
        beneath.create(path)
    with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
        beneath.read(path)
    assert sorted(p.name for p in (tmp_path / "outside").iterdir()) == ["file"]


def test_a_rename_replaces_a_link_and_not_its_target(beneath: Beneath, tmp_path: Path) -> None:
    beneath.write_whole("filelink", b"new")
    assert (tmp_path / "outside" / "file").read_text() == "secret"
    assert (beneath.root / "filelink").read_text() == "new"


def test_only_regular_files_are_read(beneath: Beneath) -> None:
    os.mkfifo(beneath.root / "fifo")
    (beneath.root / "dir").mkdir()
    for name in ("fifo", "dir"):
        with pytest.raises(NotRegular):
            beneath.read(name)


@pytest.mark.parametrize("path", ["..", "a/../b", "./a", "a/."])
def test_paths_that_lead_out(path: str) -> None:
    with pytest.raises(ValueError, match="leads out"):
        segments(path)


def test_walk_gives_regular_files_and_counts_the_rest(beneath: Beneath) -> None:
    beneath.write_whole("out/a/b", b"12")
    beneath.write_whole("out/c", b"")
    (beneath.root / "out" / "etc").symlink_to("/etc")
    os.mkfifo(beneath.root / "out" / "a" / "fifo")
    walk = Walk(beneath, "out")
    assert sorted((f.relative, f.size) for f in walk.files()) == [("a/b", 2), ("c", 0)]
    assert walk.skipped == {"symbolic link": 1, "FIFO": 1}
    assert walk.unreadable == []


def test_walk_of_what_is_not_there_or_a_link(beneath: Beneath) -> None:
    assert list(Walk(beneath, "nothing").files()) == []
    walk = Walk(beneath, "link")
    assert list(walk.files()) == []
    assert walk.skipped == {"symbolic link": 1}


def test_walk_ends_where_no_key_is_possible(beneath: Beneath) -> None:
    fd = os.open(beneath.root, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("d" * 100, dir_fd=fd)
        below = os.open("d" * 100, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    walk = Walk(beneath, "")
    list(walk.files())
    assert len(walk.unreadable) == 1
    assert "1024" in walk.unreadable[0]
