"""Keeping commands out of each other's way."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.cluster.steps import step


@contextmanager
def hold(path: Path, other: str) -> Iterator[None]:
    """Hold a lock while the block runs; the kernel frees it however the process ends.

    Args:
        path: the lock's file; it is made if need be and stays.
        other: what is waited for if another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step(f"waited for {other}"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield
