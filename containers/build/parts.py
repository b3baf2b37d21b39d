"""What a build context is made of. Each part knows its sources' hash and puts what is made of them into the context."""

import hashlib
import os
import platform
import shutil
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dev.cluster.commands import run
from dev.cluster.places import cache
from dev.cluster.steps import step

# Debian trixie's Python and C library, for which wheels are chosen.
_PYTHON = "3.13"
_GLIBC = (5, 41)
_making_pip = threading.Lock()
_SKIPPED_FOLDERS = {"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", "dist"}


class Part(Protocol):
    """One part of a context."""

    def key(self) -> str:
        """A hash of what the part is made of."""

    def fetch(self) -> None:
        """Download what the part needs, if anything."""

    def put(self, context: Path) -> None:
        """Make the part in a context's folder."""


@dataclass(frozen=True)
class Wheels:
    """`requirements.txt`, in `wheels/` the wheels it names for the image's Python, and `uv` to install them."""

    requirements: Path

    def key(self) -> str:
        return hashlib.sha256(self.requirements.read_bytes()).hexdigest()

    def fetch(self) -> None:
        if not self._folder().exists():
            with step(f"wheels of {self.requirements.name}"):
                _download(self.requirements, self._folder())

    def _folder(self) -> Path:
        return cache() / "wheels" / f"{self.requirements.stem}-{self.key()[:12]}"

    def put(self, context: Path) -> None:
        self.fetch()
        shutil.copytree(self._folder(), context / "wheels", copy_function=_link_or_copy)
        shutil.copy(self.requirements, context / "requirements.txt")
        shutil.copy(_uv(), context / "uv")


@dataclass(frozen=True)
class Distribution:
    """In `dist/` the wheel of one of our own distributions."""

    folder: Path

    def key(self) -> str:
        return tree_hash(self.folder / "pyproject.toml", self.folder / "src")

    def fetch(self) -> None:
        pass

    def put(self, context: Path) -> None:
        build = ("build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable)
        with step(f"wheel of {self.folder.name}"):
            run(_uv(), *build, "--out-dir", context / "dist", self.folder)
        (context / "dist" / ".gitignore").unlink(missing_ok=True)


@dataclass(frozen=True)
class GoProgram:
    """A static program of a Go module.

    Attributes:
        entry: the symbol that it begins at; empty: Go's own.
    """

    name: str
    module: Path
    version: str
    entry: str = ""

    def key(self) -> str:
        return f"{self.version} {self.entry} {tree_hash(self.module)}"

    def fetch(self) -> None:
        pass

    def put(self, context: Path) -> None:
        link = f"-s -w -X main.version={self.version}" + (f" -E {self.entry}" if self.entry else "")
        flags = ("-trimpath", "-ldflags", link, "-o", context / self.name)
        environment = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-buildvcs=false"}
        with step(f"program {self.name}"):
            run("go", "build", "-C", self.module, *flags, ".", env=environment)


@dataclass(frozen=True)
class Folder:
    """A folder of the repository as it is."""

    source: Path
    name: str

    def key(self) -> str:
        return f"{self.name} {tree_hash(self.source)}"

    def fetch(self) -> None:
        pass

    def put(self, context: Path) -> None:
        shutil.copytree(self.source, context / self.name, ignore=shutil.ignore_patterns(*_SKIPPED_FOLDERS))


def _uv() -> Path:
    """The uv of our environment: its version is locked, and it runs wherever its C library does."""
    return Path(sys.executable).with_name("uv")


def tree_hash(*roots: Path) -> str:
    """A hash of files: their paths, whether they can be executed, and their bytes."""
    digest = hashlib.sha256()
    for root in roots:
        for path in _files(root):
            executable = os.access(path, os.X_OK)
            digest.update(f"{path.relative_to(root.parent)}\0{executable}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    return sorted(path for path in root.rglob("*") if path.is_file() and not _SKIPPED_FOLDERS & set(path.parts))


def _download(requirements: Path, folder: Path) -> None:
    """Fetch wheels by hash. Only pip can download without installing, and it evaluates tags for another Python."""
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    machine = platform.machine()
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(_GLIBC[0], _GLIBC[1] + 1)]
    platforms = [f"--platform={tag}" for tag in [*tags, f"manylinux2014_{machine}"]]
    what = (
        "--require-hashes",
        "--no-deps",
        "--only-binary=:all:",
        "--implementation=cp",
        f"--python-version={_PYTHON}",
    )
    quiet = ("--quiet", "--disable-pip-version-check")
    run(_pip(), "download", *quiet, *what, *platforms, "--requirement", requirements, "--dest", new)
    new.rename(folder)


def _pip() -> Path:
    pip = cache() / "pip" / "bin" / "pip"
    with _making_pip:
        if not pip.exists():
            run(sys.executable, "-m", "venv", cache() / "pip")
    return pip


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
