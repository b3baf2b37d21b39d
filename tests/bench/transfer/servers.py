"""All servers of one benchmark and the data that they give, below one folder in memory."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from boto3.s3.transfer import TransferConfig

from tests.bench.transfer import data
from tests.bench.transfer.nginx import BUCKET, SINK, Nginx, Ports, await_port
from tests.bench.transfer.workloads import Dataset, Direction, Server, Workload
from tests.cluster.commands import run
from tests.support import authority
from tests.support.s3 import SeaweedFS, free_ports

DELAY = 20  # ms
_DELAY_SOURCE = Path(__file__).with_name("delay") / "main.go"


@dataclass
class Servers:
    """Started and stopped as a context. `datasets` are those that the chosen workloads need."""

    home: Path
    workloads: tuple[Workload, ...]
    datasets: dict[str, Dataset]
    weed: SeaweedFS | None = None
    ca: Path = field(init=False)
    _ports: Ports = field(init=False)
    _delayed: int = 0
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.ca = authority.make(self.home / "tls")
            objects = self._write()
            http, https, self._delayed = free_ports(3)
            self._ports = Ports(http, https)
            server = Nginx(self.home, self._ports)
            server.prepare(objects)
            stack.enter_context(server)
            if any(workload.server is Server.DELAYED for workload in self.workloads):
                self._delay(stack)
            if any(workload.server is Server.WEED for workload in self.workloads):
                self.weed = stack.enter_context(SeaweedFS(self.home / "weed"))
                self._fill(self.weed)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def source(self, workload: Workload) -> Path:
        """The folder of a workload's objects."""
        return self.home / "src" / workload.dataset

    def endpoint(self, workload: Workload) -> str:
        """Where the workload's clients go."""
        if workload.server is Server.WEED and self.weed:
            return self.weed.endpoint
        if workload.server is Server.DELAYED:
            return f"http://127.0.0.1:{self._delayed}"
        return f"https://127.0.0.1:{self._ports.https}" if workload.tls else f"http://127.0.0.1:{self._ports.http}"

    @staticmethod
    def bucket(workload: Workload) -> str:
        """Where the workload's objects are or go."""
        return SINK if workload.direction is Direction.UP and workload.server is not Server.WEED else BUCKET

    def read_back(self, workload: Workload, prefix: str) -> None:
        """Compare what was uploaded with its source, then delete it. The sink keeps nothing that could be compared.

        Raises:
            data.NotEqualError: it differs.
        """
        if workload.server is not Server.WEED or not self.weed:
            return
        source, back = self.source(workload), self.home / "back"
        client = self.weed.client()
        back.mkdir()
        for key in self.weed.objects(BUCKET, f"{prefix}/"):
            client.download_file(BUCKET, key, str(back / key.removeprefix(f"{prefix}/").replace("/", "%")))
            client.delete_object(Bucket=BUCKET, Key=key)
        try:
            data.compare(source, back)
        finally:
            shutil.rmtree(back)

    def _write(self) -> dict[str, list[data.Object]]:
        first, objects = 0, {}
        for name, dataset in self.datasets.items():
            objects[name] = data.write(dataset, self.home / "src" / name, first)
            first += data.span(dataset)
        return objects

    def _delay(self, stack: ExitStack) -> None:
        program, log = self.home / "delay", self.home / "delay.log"
        run("go", "build", "-o", program, _DELAY_SOURCE)
        words = [str(program), f"127.0.0.1:{self._delayed}", f"127.0.0.1:{self._ports.http}", str(DELAY)]
        with log.open("wb") as out:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        await_port(self._delayed, process, log)

    def _fill(self, weed: SeaweedFS) -> None:
        client: Any = weed.client()
        client.create_bucket(Bucket=BUCKET)
        needed = {w.dataset for w in self.workloads if w.server is Server.WEED and w.direction is Direction.DOWN}
        for name in sorted(needed):
            for file in self.datasets[name].names():
                path = str(self.home / "src" / name / file)
                client.upload_file(path, BUCKET, f"{name}/{file}", Config=TransferConfig(use_threads=False))
