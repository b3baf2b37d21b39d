"""Starting, finding and ending the cluster's processes.

They are found by the path of their program and not by files with numbers in them: such a file can be lost or outlive
its process, and its number can be another program's by then.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from dev.cluster.commands import run
from dev.cluster.components import command
from dev.cluster.errors import ClusterError
from dev.cluster.places import BIN, CONTAINERD_SOCKET, LOGS
from dev.cluster.waiting import NotReachedError, until

_END_SECONDS = 15.0
# `setsid --fork` has not called the program yet for a moment
_LAUNCHER = ["setsid", "--fork"]


def start(component: str) -> None:
    """Start a component, unless it runs, detached from this process, with its log in the state folder."""
    if find(component):
        return
    LOGS.mkdir(parents=True, exist_ok=True)
    with (LOGS / f"{component}.log").open("ab") as log:
        # The environment is a small one: a proxy that is set for downloads must not get between the components.
        subprocess.run(
            [*_LAUNCHER, *command(component)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={"PATH": f"{BIN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"},
            check=True,
        )


def find(component: str) -> list[int]:
    """The numbers of the processes that run a component; none if it is dead or a zombie."""
    program = f"{BIN}/{component}"
    return [pid for pid, words in _processes() if _program(words) == program]


def find_shims() -> list[int]:
    """The shims of our Pods: they live on when containerd is killed, and are told by its socket's path."""
    socket = str(CONTAINERD_SOCKET)
    return [pid for pid, words in _processes() if "containerd-shim" in words[0] and socket in words]


def end(component: str) -> None:
    """Ask a component to end and wait for it; kill it after 15 s."""
    send(find(component), signal.SIGTERM)
    try:
        until(f"{component} ended", lambda: not find(component), seconds=_END_SECONDS)
    except NotReachedError:
        kill(component)


def kill(component: str) -> None:
    """End a component by SIGKILL and wait until it is gone."""
    send(find(component), signal.SIGKILL)
    until(f"{component} killed", lambda: not find(component), seconds=_END_SECONDS)


def kill_all(pids: Callable[[], list[int]], what: str) -> None:
    """Kill until nothing of it is left: what is being ended may still start children."""

    def none_left() -> bool:
        left = pids()
        send(left, signal.SIGKILL)
        return not left

    until(f"{what} killed", none_left, seconds=_END_SECONDS)


def send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def check_alive(*components: str) -> None:
    """Raise a ClusterError with the end of its log for the first component that does not run."""
    for component in components:
        if not find(component):
            log = LOGS / f"{component}.log"
            raise ClusterError(f"{component} ended; its log {log} ends with:\n{run('tail', '-n5', log).stdout}")


def _processes() -> Iterator[tuple[int, list[str]]]:
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
        except OSError:  # ended meanwhile
            continue
        if words:  # a zombie has none
            yield int(folder.name), words


def _program(words: list[str]) -> str:
    if words[: len(_LAUNCHER)] == _LAUNCHER:
        words = words[len(_LAUNCHER) :]
    return words[0]
