"""A cgroup with a memory limit, version 1 or 2, for processes of a test: what they may use, and what they used.

Page cache counts in a cgroup too and fills it up to its limit, since the kernel takes it back when it is needed. So
the kernel's own peak says nothing of a process; what cannot be taken back is sampled: anonymous memory and tmpfs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dev.cluster.waiting import until

MOUNT = Path("/sys/fs/cgroup")
EVERY = 0.05  # s between two samples
EMPTY_WITHIN = 10.0  # s
KEPT_V1 = ("total_rss", "total_shmem")
KEPT_V2 = ("anon", "shmem", "sock", "kernel_stack", "pagetables", "slab_unreclaimable")


@dataclass
class Peak:
    """The most that was seen at once, of all processes together."""

    memory: int = 0  # bytes that the kernel cannot take back
    threads: int = 0
    sockets: int = 0
    samples: int = 0

    def see(self, memory: int, threads: int, sockets: int) -> None:
        """Take one sample."""
        self.memory, self.threads = max(self.memory, memory), max(self.threads, threads)
        self.sockets, self.samples = max(self.sockets, sockets), self.samples + 1


class MemoryCgroup:
    """Exists as long as the block; what is still in it at the end is killed."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._is_v2 = (MOUNT / "cgroup.controllers").exists()
        self.path = (MOUNT if self._is_v2 else MOUNT / "memory") / f"processing-test-{uuid.uuid4().hex[:12]}"

    def __enter__(self) -> Self:
        """Make it.

        Raises:
            OSError: the machine does not let us: run as root, with the memory controller.
        """
        if self._is_v2:
            (MOUNT / "cgroup.subtree_control").write_text("+memory")
        self.path.mkdir()
        try:
            self._set("memory.max" if self._is_v2 else "memory.limit_in_bytes", self._limit)
            self._forbid_swap()
        except OSError:
            self.path.rmdir()
            raise
        return self

    def _set(self, name: str, value: int) -> None:
        (self.path / name).write_text(str(value))

    def _forbid_swap(self) -> None:
        """Else memory that grows would go there unseen. A kernel without swap has no such file."""
        names = {"memory.swap.max": 0} if self._is_v2 else {"memory.memsw.limit_in_bytes": self._limit}
        for name, value in names.items():
            if (self.path / name).exists():
                self._set(name, value)

    def __exit__(self, *_: object) -> None:
        for pid in self._pids():  # of a test that has failed: those that ended with it are not there any more
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until("the cgroup is empty", lambda: not self._pids(), seconds=EMPTY_WITHIN)
        until("the cgroup is removed", self._removed, seconds=EMPTY_WITHIN)

    def _removed(self) -> bool:
        self.path.rmdir()  # busy for a moment after the last process: OSError, so it is tried again
        return True

    @property
    def wrapper(self) -> tuple[str, ...]:
        """Give the words before a command that make it enter first."""
        return ("/bin/sh", "-c", f'echo $$ > {self.path}/cgroup.procs && exec "$@"', "sh")

    @property
    def kills(self) -> int:
        """How many processes the kernel killed for want of memory."""
        name = "memory.events" if self._is_v2 else "memory.oom_control"
        return self._numbers(name)["oom_kill"]

    def _numbers(self, name: str) -> dict[str, int]:
        lines = (self.path / name).read_text().splitlines()
        return {word: int(number) for word, number in map(str.split, lines)}

    def _pids(self) -> list[int]:
        return [int(pid) for pid in (self.path / "cgroup.procs").read_text().split()]

    def sampled(self) -> Sampling:
        """Take samples as long as a block."""
        return Sampling(self)

    def sample(self, peak: Peak) -> None:
        """Take one sample."""
        numbers = self._numbers("memory.stat")
        memory = sum(numbers.get(name, 0) for name in (KEPT_V2 if self._is_v2 else KEPT_V1))
        threads = sockets = 0
        for pid in self._pids():
            with contextlib.suppress(OSError):  # it may end meanwhile
                threads += len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208 - numbers are enough
                sockets += sum(_is_socket(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
        peak.see(memory, threads, sockets)


def _is_socket(link: str) -> bool:
    try:
        return os.readlink(link).startswith("socket:")  # noqa: PTH115 - the target is no path
    except OSError:  # closed meanwhile
        return False


class Sampling:
    """A thread that looks again and again; the block's value is the peak."""

    def __init__(self, group: MemoryCgroup) -> None:
        self._group, self._peak = group, Peak()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._over.wait(EVERY):
            self._group.sample(self._peak)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self._peak

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
