"""An engine between a store that misbehaves and a directory; what is around the engine is the agent's own."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from processing_agent.credentials import Keys, KeySource
from processing_agent.download import TEMPORARY, Download, Source
from processing_agent.engines import Engine, Put, Store, open_engine
from processing_agent.journal import Journal
from processing_agent.paths import Beneath
from processing_agent.progress import Counts
from processing_agent.s3.addresses import OPEN
from processing_agent.s3.faults import StoreFault
from processing_agent.s3.uri import parse
from processing_agent.tally import FirstFault, Item, Tally
from processing_agent.watch import Watch
from tests.support.fault_server import FaultServer

WITHIN = 20.0  # s: no transfer of a test takes longer, whatever its engine makes of a fault
BUCKET = "bucket"


@dataclass
class Rotating:
    """Keys, one set after another; the last one stays."""

    sets: list[Keys]
    reads: int = 0

    def read(self) -> Keys:
        """Give the next set."""
        self.reads += 1
        return self.sets[min(self.reads, len(self.sets)) - 1]


@dataclass
class Rig:
    """Runs of one transfer. Each `download` or `upload` is one run of a process: journal and files stay in between."""

    server: FaultServer
    root: Path
    impatience: pytest.MonkeyPatch  # shortened the engine's waits; `undo` gives it its own back
    keys: KeySource = field(default_factory=lambda: Rotating([Keys("access", "secret")]))
    within: float = WITHIN
    endpoint: str = ""  # another than the server's own
    ca_bundle: str | None = None
    guard: str = OPEN
    make_watch: Callable[[float], Watch] = Watch
    tally: Tally = field(default_factory=lambda: Tally([Item()], Counts("")))  # of the last run

    def __post_init__(self) -> None:
        for directory in (self.workspace, self.state):
            directory.mkdir(parents=True)

    @property
    def workspace(self) -> Path:
        return self.root / "workspace"

    @property
    def out(self) -> Path:
        return self.workspace / "out"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @contextlib.contextmanager
    def _run(self, tally: Tally) -> Iterator[tuple[Engine, Journal, Beneath]]:
        self.tally = tally
        watch = self.make_watch(time.time() + self.within)
        store = Store(self.endpoint or self.server.endpoint, "us-east-1", "Path", self.ca_bundle, self.guard)
        with (
            contextlib.closing(Journal(self.state / "journal", survives_reboot=True)) as journal,
            contextlib.closing(Beneath(self.workspace)) as workspace,
            contextlib.closing(open_engine(store, self.keys, watch, tally)) as engine,
        ):
            yield engine, journal, workspace

    def download(self, prefix: str = "d/") -> Tally:
        """Fetch what begins with `prefix` to `workspace/in`; the first object that fails is raised."""
        tally = FirstFault([Item()], Counts("Downloading"))
        source = Source(parse(f"s3://{BUCKET}/{prefix}"), "/opt/ml/in", "in")
        with self._run(tally) as (engine, journal, workspace):
            Download([source], workspace, self.state, engine=engine, journal=journal, tally=tally).run()
        return tally

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files, as a script does."""
        for name, content in files.items():
            path = self.out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def send(self, sizes: Mapping[str, int], *, doubtful: bool = False) -> Tally:
        """Send what a walk found to keys of the same names below `r/`; failures are in the tally."""
        tally = Tally([Item()], Counts("Uploading"))
        puts = []
        for ordinal, (name, size) in enumerate(sizes.items()):
            tally.begin(ordinal, 0)
            puts.append(Put(ordinal, BUCKET, f"r/{name}", f"out/{name}", size, doubtful))
        with self._run(tally) as (engine, journal, workspace):
            engine.put(puts, workspace, journal)
        return tally

    def upload(self, files: Mapping[str, bytes]) -> Tally:
        """Write files and send them."""
        self.write(files)
        return self.send({name: len(content) for name, content in files.items()})

    def fault(self, tally: Tally) -> StoreFault:
        """Give the only fault of a run."""
        (fault,) = tally.items[0].faults
        return fault

    @property
    def files(self) -> dict[str, bytes]:
        """Give what stands under final names."""
        base = self.workspace / "in"
        return {str(p.relative_to(base)): p.read_bytes() for p in sorted(base.rglob("*")) if p.is_file()}

    @property
    def leftovers(self) -> list[str]:
        """Give what stands under temporary names."""
        return sorted(path.name for path in (self.workspace / TEMPORARY).glob("*"))

    def sent(self, name: str) -> bytes:
        """Give what the store has of a file that was sent."""
        found = self.server.store.objects[f"r/{name}"].content
        return found[0 : len(found)]
