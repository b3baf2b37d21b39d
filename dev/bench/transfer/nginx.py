"""The fast static server: objects and lists from memory."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Self

from dev.bench.transfer.data import Object
from dev.bench.transfer.listing import pages
from dev.cluster.commands import run
from dev.cluster.errors import ClusterError
from dev.cluster.places import cache

CONFIG = Path(__file__).with_name("nginx.conf.in")
BUCKET = "bench"
_STARTS_WITHIN = 10.0  # s
_MISSING = "missing: nginx, and its Debian package could not be fetched. Install it: sudo apt-get install nginx"


def program() -> Path:
    """Find nginx, or take it out of its Debian package: installing that would start a server on port 80.

    Raises:
        ClusterError: it is not there and cannot be fetched, or does not run.
    """
    system = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if system:
        return Path(system)
    folder = cache() / "nginx"
    found = folder / "usr" / "sbin" / "nginx"
    if not found.exists():
        _extract(folder)
    if run(found, "-v", check=False).returncode:
        raise ClusterError(_MISSING)
    return found


def _extract(folder: Path) -> None:
    if not shutil.which("apt-get"):
        raise ClusterError(_MISSING)
    folder.mkdir(parents=True, exist_ok=True)
    words = ["bash", "-c", 'cd "$0" && apt-get download nginx', str(folder)]
    if run(*words, check=False).returncode:
        run("apt-get", "update", check=False)  # a fresh machine has no lists yet; only root may fetch them
        if run(*words, check=False).returncode:
            raise ClusterError(_MISSING)
    (package,) = folder.glob("nginx_*.deb")
    run("dpkg-deb", "--extract", package, folder)
    package.unlink()


@dataclass(frozen=True, slots=True)
class Ports:
    """One for each scheme."""

    http: int
    https: int


def config(home: Path, ports: Ports, *, root: bool) -> str:
    """Render the configuration of a server whose files are all below `home`."""
    values = {
        "user": "user root;" if root else "",  # workers of root's server are else not let into its folder
        "home": str(home),
        "http": str(ports.http),
        "https": str(ports.https),
    }
    return Template(CONFIG.read_text()).substitute(values)


def sums(objects: list[Object]) -> str:
    """Render the map from an object's path to its checksum."""
    return "".join(f'"/{BUCKET}/{found.key}" "{found.checksum}";\n' for found in objects)


@dataclass
class Nginx:
    """A server below `home`, where `src/`, and `tls/` with cert.pem and key.pem are."""

    home: Path
    ports: Ports
    _process: subprocess.Popen[bytes] | None = None

    def prepare(self, objects: dict[str, list[Object]]) -> None:
        """Write the lists, the checksums and the configuration."""
        for folder in ("lists", "temporary"):
            (self.home / folder).mkdir()
        for name, found in objects.items():
            for file, text in pages(name, found):
                (self.home / "lists" / file).write_text(text)
        (self.home / "sums.map").write_text(sums([found for some in objects.values() for found in some]))
        (self.home / "nginx.conf").write_text(config(self.home, self.ports, root=os.geteuid() == 0))

    def __enter__(self) -> Self:
        log = self.home / "error.log"
        words = [str(program()), "-e", str(log), "-p", str(self.home), "-c", str(self.home / "nginx.conf")]
        self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        await_port(self.ports.http, self._process, log)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()


def await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server that was just started takes connections.

    Raises:
        RuntimeError: it ended, or did not listen in time.
    """
    deadline = time.monotonic() + _STARTS_WITHIN
    while True:
        with socket.socket() as trial:
            if not trial.connect_ex(("127.0.0.1", port)):
                return
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise RuntimeError(f"{process.args!r} does not listen on {port}: {said}")
        time.sleep(0.02)
