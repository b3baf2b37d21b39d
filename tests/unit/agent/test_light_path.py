"""The stand-in of `pathlib.Path` gives what its original gives."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import pytest

from processing_agent import light_path

both = pytest.mark.parametrize("make", [light_path.Path, pathlib.Path], ids=["ours", "original"])


@both
@pytest.mark.parametrize("text", ["/", "/a/b.txt", "a", "a/b"])
def test_names(make: Any, text: str) -> None:
    path, original = make(text), pathlib.Path(text)
    assert (str(path), os.fspath(path), path.name) == (str(original), os.fspath(original), original.name)
    assert str(path.parent) == str(original.parent)
    assert str(path / "x" / "y") == str(original / "x" / "y")
    assert str(path / "/x") == "/x"
    assert str(path.absolute()) == str(original.absolute())
    if path.name:
        assert str(path.with_name("z")) == str(original.with_name("z"))
    assert path == make(path)
    assert path != make("other")
    assert path != text
    assert {path: 1}[make(text)] == 1


@both
def test_files(make: Any, tmp_path: pathlib.Path) -> None:
    folder = make(str(tmp_path)) / "a" / "b"
    folder.mkdir(parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True)
    with pytest.raises(FileExistsError):
        folder.mkdir()
    file = folder / "f"
    assert not file.exists()
    assert not (make("/dev/null") / "below").exists()
    with pytest.raises(OSError, match="too long"):
        (folder / ("x" * 300)).exists()
    file.write_bytes("ü\n".encode())
    assert (file.read_text(encoding="utf-8"), file.read_bytes(), file.stat().st_size) == ("ü\n", b"\xc3\xbc\n", 3)
    file.chmod(0o600)
    file.replace(folder / "g")
    with (folder / "g").open("ab") as more:
        more.write(b"x")
    assert [str(found) for found in folder.iterdir()] == [f"{tmp_path}/a/b/g"]
    assert (folder / "g").stat().st_mode & 0o777 == 0o600
    assert folder.is_dir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert str((make(tmp_path) / "link").resolve(strict=True)) == str((tmp_path / "a").resolve())
    with pytest.raises(FileNotFoundError):
        (folder / "none").resolve(strict=True)
    (folder / "g").unlink()
    folder.rmdir()
    assert not folder.exists()


@both
def test_everything_else(make: Any) -> None:
    assert make("/a/b.txt").suffix == ".txt"
    with pytest.raises(AttributeError):
        make("/a").nothing_of_the_kind()
