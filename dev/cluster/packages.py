"""Programs that are not built here: Debian's packages where this may install them, else an error that names them."""

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.cluster.commands import run
from dev.cluster.errors import ClusterError
from dev.cluster.steps import step

_CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"), Path("/usr/libexec/cni"))
_LOCK = Path("/run/processing-operator-packages.lock")
_SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Need:
    """Something that has to be on the machine: a program, or a file in one of several folders."""

    what: str
    debian: str
    files: tuple[Path, ...] = ()

    def met(self) -> bool:
        if self.files:
            return any(path.exists() for path in self.files)
        return shutil.which(self.what, path=f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}") is not None


def _headers(name: str) -> tuple[Path, ...]:
    return (Path("/usr/include") / name, Path("/usr/local/include") / name)


RUNTIME = (
    Need("ip", "iproute2"),
    Need("iptables", "iptables"),
    Need("openssl", "openssl"),
    Need("CNI plugins (bridge)", "containernetworking-plugins", tuple(f / "bridge" for f in _CNI_FOLDERS)),
)
BUILD = (
    Need("gcc", "gcc"),
    Need("C library headers", "libc6-dev", _headers("stdlib.h")),
    Need("pkg-config", "pkg-config"),
    Need("libseccomp headers", "libseccomp-dev", _headers("seccomp.h")),
)
IMAGES = (Need("buildah", "buildah"), Need("mmdebstrap", "mmdebstrap"))


def ensure(needs: Iterable[Need]) -> None:
    """Install what is missing.

    Raises:
        ClusterError: something is missing and this is not root on a Debian.
    """
    missing = [need for need in needs if not need.met()]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ClusterError(
            f"missing: {', '.join(need.what for need in missing)}. On Debian or Ubuntu: "
            f"sudo apt-get install {' '.join(sorted({need.debian for need in missing}))}; "
            "elsewhere install what these packages hold."
        )
    with _alone():
        packages = sorted({need.debian for need in missing if not need.met()})
        if packages:
            _install(packages)


def _install(packages: list[str]) -> None:
    with step(f"Debian packages: {' '.join(packages)}"):
        run("apt-get", "update")
        install = ("apt-get", "install", "--yes", "--no-install-recommends")
        run(*install, *packages, env={"DEBIAN_FRONTEND": "noninteractive"})


@contextmanager
def _alone() -> Iterator[None]:
    """One at a time: apt-get gives up at once where another one holds its lists."""
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def cni_plugins() -> Path:
    return next(folder for folder in _CNI_FOLDERS if (folder / "bridge").exists())
