"""Waiting for a state that no event tells of, such as the readiness of a process."""

import time
from collections.abc import Callable

from dev.cluster.errors import ClusterError

_INTERVAL_SECONDS = 0.05


class NotReachedError(ClusterError):
    """The state was not reached in time."""


def until(
    what: str, reached: Callable[[], bool], *, seconds: float = 60.0, check: Callable[[], None] = lambda: None
) -> None:
    """Ask again and again until `reached`; a refused connection or an answer that is not whole counts as not yet.

    Args:
        what: names the state in the error.
        reached: asks for it.
        seconds: how long to go on.
        check: raises if waiting is of no use any more.

    Raises:
        NotReachedError: the state was not reached.
    """
    deadline = time.monotonic() + seconds
    last = ""
    while True:
        try:
            if reached():
                return
        except (OSError, ValueError, KeyError) as error:
            last = f" ({error})"
        check()
        if time.monotonic() > deadline:
            raise NotReachedError(f"waited {seconds:.0f} s in vain: {what}{last}")
        time.sleep(_INTERVAL_SECONDS)
