"""One run of one client: its time, its CPU with that of all its children, its memory."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from dev.bench.transfer.samples import Sample

TIMEOUT = 900.0  # s; a client that hangs is a failure, not the end of the benchmark
_OFTEN, _SELDOM = 0.01, 0.05  # s between looks at its memory: at first, and after
_AT_FIRST = 0.3  # s
_SAID = 400  # characters of its last words


class ClientFailedError(Exception):
    """A client ended with another code than 0, or not in time. The text has the end of what it said."""


def measure(command: list[str], environment: dict[str, str], log: Path) -> Sample:
    """Run a client to its end.

    Raises:
        ClientFailedError: see there.
    """
    with log.open("wb") as out:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
        with _Watch(process.pid) as watch:
            try:
                _, status, usage = os.wait4(process.pid, 0)
            except BaseException:  # we are being ended: the client has a session of its own and would go on
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
            wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = log.read_text(errors="replace").strip()[-_SAID:]
        late = f" (ended after {TIMEOUT:.0f} s)" if wall >= TIMEOUT else ""
        raise ClientFailedError(f"ended with {process.returncode}{late}: {said}")
    # usage.ru_maxrss is no measure of a small client: it begins with what this process had when it forked
    return Sample(wall, usage.ru_utime + usage.ru_stime, watch.peak)


class _Watch:
    """Looks at a process and its children again and again; kills them all when the time is over."""

    def __init__(self, pid: int) -> None:
        self.peak = 0.0
        self._pid, self._done = pid, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        while not self._done.wait(_OFTEN if time.monotonic() - began < _AT_FIRST else _SELDOM):
            self.peak = max(self.peak, sum(_own_memory(pid) for pid in _family(self._pid)))
            if time.monotonic() - began > TIMEOUT:
                os.killpg(self._pid, signal.SIGKILL)  # its group is its own: it began a session
                return


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _own_memory(pid: int) -> float:
    try:
        return own_memory(Path(f"/proc/{pid}/smaps_rollup").read_text())
    except OSError:  # it has ended
        return 0.0


def own_memory(rollup: str) -> float:
    """MiB of a process out of its smaps_rollup: its share of shared pages once, without files on tmpfs.

    A client that maps a source on tmpfs would else be charged for what on a disk is page cache.
    """
    found = dict(line.split(":", 1) for line in rollup.splitlines()[1:])
    return sum(int(found[name].split()[0]) for name in ("Pss_Anon", "Pss_File") if name in found) / 1024
