"""What is moved: the rows of the benchmark with their aims, and the objects they move."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


class Server(StrEnum):
    """Who answers. Between the late ones and their clients a proxy holds every reply back."""

    NGINX = "nginx"
    SINK = "sink"
    LATE_NGINX = "nginx, replies 20 ms late"
    LATE_SINK = "sink, replies 20 ms late"
    WEED = "SeaweedFS"


class Direction(StrEnum):
    """Seen from the client."""

    DOWN = "down"
    UP = "up"


@dataclass(frozen=True, slots=True)
class Dataset:
    """So many objects of so many bytes. The name is the key's first segment: letters and digits alone."""

    name: str
    count: int
    size: int

    @property
    def total(self) -> int:
        """All its bytes."""
        return self.count * self.size

    def names(self) -> list[str]:
        """The file names, in order."""
        return [f"{number:06d}" for number in range(self.count)]

    def scaled(self, factor: float) -> Dataset:
        """Fewer objects, or smaller ones where they are few and large; never none, and whole KiB."""
        if self.count == 1 and self.size < MIB:
            return self
        if self.count > 8:  # noqa: PLR2004 - the few large ones
            return Dataset(self.name, max(1, round(self.count * factor)), self.size)
        return Dataset(self.name, self.count, max(1, round(self.size * factor / KIB)) * KIB)

    def __str__(self) -> str:
        for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
            if self.size >= unit:
                return f"{self.count:,} x {self.size / unit:.4g} {name}"
        return f"{self.count:,} x {self.size} B"


@dataclass(frozen=True, slots=True)
class Workload:
    """One row. `wall` and `cpu`: the aims, ours divided by s5cmd's; None: measured without an aim."""

    name: str
    direction: Direction
    dataset: str
    server: Server = Server.NGINX
    tls: bool = False
    wall: float | None = None
    cpu: float | None = None

    def title(self, dataset: Dataset) -> str:
        """The row's name in the table."""
        checksum = " with CRC64NVME" if self.direction is Direction.UP else ""
        return f"{self.direction} {dataset}{checksum}{', TLS' if self.tls else ''}"


ONE, LARGE, EIGHT, MEDIUM, SMALL = "one", "large", "eight", "medium", "small"
STORED_LARGE, STORED_SMALL = "storedlarge", "storedsmall"

DATASETS = (
    Dataset(ONE, 1, KIB),
    Dataset(LARGE, 1, 2 * GIB),
    Dataset(EIGHT, 8, 256 * MIB),
    Dataset(MEDIUM, 1000, MIB),
    Dataset(SMALL, 20_000, 16 * KIB),
    # SeaweedFS is slower than what is measured, so it gets less
    Dataset(STORED_LARGE, 1, 128 * MIB),
    Dataset(STORED_SMALL, 2000, 16 * KIB),
)

DOWN, UP = Direction.DOWN, Direction.UP
WORKLOADS = (  # the first is what each tool is warmed up with
    Workload("start-up", DOWN, ONE, wall=1.8),
    Workload("down-large", DOWN, LARGE, wall=0.65, cpu=0.45),
    Workload("down-eight", DOWN, EIGHT, wall=0.65, cpu=0.45),
    Workload("down-medium", DOWN, MEDIUM, wall=0.65, cpu=0.50),
    Workload("down-small", DOWN, SMALL, wall=0.25, cpu=0.22),
    Workload("down-large-tls", DOWN, LARGE, tls=True, wall=1.0, cpu=0.85),
    Workload("down-medium-tls", DOWN, MEDIUM, tls=True, wall=0.70, cpu=0.75),
    Workload("down-small-tls", DOWN, SMALL, tls=True, wall=0.15, cpu=0.20),
    Workload("up-large", UP, LARGE, Server.SINK, wall=0.30, cpu=0.22),
    Workload("up-medium", UP, MEDIUM, Server.SINK, wall=0.30, cpu=0.25),
    Workload("up-small", UP, SMALL, Server.SINK, wall=0.22, cpu=0.20),
    Workload("up-large-tls", UP, LARGE, Server.SINK, tls=True, wall=0.80, cpu=0.50),
    Workload("down-medium-late", DOWN, MEDIUM, Server.LATE_NGINX),
    Workload("down-small-late", DOWN, SMALL, Server.LATE_NGINX),
    Workload("up-small-late", UP, SMALL, Server.LATE_SINK),
    Workload("down-large-weed", DOWN, STORED_LARGE, Server.WEED),
    Workload("down-small-weed", DOWN, STORED_SMALL, Server.WEED),
    Workload("up-large-weed", UP, STORED_LARGE, Server.WEED),
    Workload("up-small-weed", UP, STORED_SMALL, Server.WEED),
)
MEMORY_AIM = {False: 64, True: 80}  # MiB over all processes, by TLS


def chosen(names: list[str]) -> tuple[Workload, ...]:
    """Those whose name begins with one of `names`; all if there is none.

    Raises:
        ValueError: a name that begins no workload's.
    """
    for name in names:
        if not any(workload.name.startswith(name) for workload in WORKLOADS):
            raise ValueError(f"no workload begins with {name!r}; there are {', '.join(w.name for w in WORKLOADS)}")
    return tuple(w for w in WORKLOADS if not names or w.name.startswith(tuple(names)))
