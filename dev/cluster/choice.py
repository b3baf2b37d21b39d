"""Choosing the cluster by the environment variable `CLUSTER`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from dev.cluster import current, embedded, kind
from dev.cluster.errors import ClusterError


class Cluster(Protocol):
    """What each of the modules `embedded`, `kind` and `current` can do."""

    def up(self) -> None: ...

    def down(self, *, wipe: bool = False) -> None: ...

    def status(self) -> None: ...

    def load(self, archives: Sequence[Path]) -> None: ...


_CLUSTERS: dict[str, Cluster] = {"embedded": embedded, "kind": kind, "current": current}


def name() -> str:
    """The value of `CLUSTER`; without one kind if it and Docker answer, else embedded."""
    chosen = os.environ.get("CLUSTER") or ("kind" if kind.answers() else "embedded")
    if chosen not in _CLUSTERS:
        raise ClusterError(f"CLUSTER={chosen} is none of {', '.join(_CLUSTERS)}")
    return chosen


def cluster() -> Cluster:
    return _CLUSTERS[name()]
