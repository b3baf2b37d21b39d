"""The demo's data is taken only if it is what it should be."""

from __future__ import annotations

import hashlib
import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from dev.demo import data
from dev.demo.errors import DemoError

if TYPE_CHECKING:
    from pathlib import Path

ROWS = b"73, Not in universe\n58, Self-employed\n"


def archive(member: str = data.MEMBER) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        info = tarfile.TarInfo(member)
        info.size = len(ROWS)
        tar.addfile(info, io.BytesIO(ROWS))
    return written.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package like the real one, where the index would have it, and an empty cache."""
    path = tmp_path / "package.tar.gz"
    path.write_bytes(archive())
    monkeypatch.setenv("PJ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(data, "_address", path.as_uri)
    monkeypatch.setattr(data, "PACKAGE_SHA256", sha256(path.read_bytes()))
    monkeypatch.setattr(data, "SHA256", sha256(data.HEADER.read_bytes() + ROWS))
    return path


def test_headed_and_alone_in_its_folder(package: Path) -> None:
    path = data.census()
    assert path.read_bytes() == data.HEADER.read_bytes() + ROWS
    assert list(path.parent.iterdir()) == [path]
    package.unlink()
    assert data.census() == path  # out of the cache


def test_a_damaged_cache_is_filled_again(package: Path) -> None:
    del package
    path = data.census()
    path.write_bytes(b"half")
    assert data.census().read_bytes() == data.HEADER.read_bytes() + ROWS


def test_another_archive_is_refused(package: Path) -> None:
    package.write_bytes(b"another")
    with pytest.raises(DemoError, match=f"has the SHA-256 {sha256(b'another')}"):
        data.census()


def test_other_rows_are_refused(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del package
    monkeypatch.setattr(data, "SHA256", "0" * 64)
    with pytest.raises(DemoError, match=r"census-income\.csv has the SHA-256"):
        data.census()
