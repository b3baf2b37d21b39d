"""All servers of one benchmark and the data that they give, below one folder in memory."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from boto3.s3.transfer import TransferConfig

from dev import authority
from dev.bench.transfer import data
from dev.bench.transfer.nginx import BUCKET, Nginx, Ports, await_port
from dev.bench.transfer.workloads import Dataset, Direction, Server, Workload
from dev.cluster.commands import run
from dev.s3 import SeaweedFS, free_ports

SINK = "sink"  # as a bucket
DELAY = 20  # ms
LATE = {Server.LATE_NGINX: Server.NGINX, Server.LATE_SINK: Server.SINK}


@dataclass
class Servers:
    """Started and stopped as a context. `datasets` are those that the chosen workloads need."""

    home: Path
    workloads: tuple[Workload, ...]
    datasets: dict[str, Dataset]
    weed: SeaweedFS | None = None
    ca: Path = field(init=False)
    _ports: dict[Server, Ports] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.ca = authority.make(self.home / "tls")
            objects = self._write()
            used = {workload.server for workload in self.workloads}
            self._start_nginx(stack, objects)
            if used & {Server.SINK, Server.LATE_SINK}:
                self._start_sink(stack)
            for late in used & LATE.keys():
                self._delay(stack, late)
            if Server.WEED in used:
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
        ports = self._ports[workload.server]
        return f"https://127.0.0.1:{ports.https}" if workload.tls else f"http://127.0.0.1:{ports.http}"

    @staticmethod
    def bucket(workload: Workload) -> str:
        """Where the workload's objects are or go."""
        return SINK if LATE.get(workload.server, workload.server) is Server.SINK else BUCKET

    def check_upload(self, workload: Workload, prefix: str) -> None:
        """Compare what was uploaded with its source, then delete it. Of what the sink has had it knows how much.

        Raises:
            data.NotEqualError: it differs.
        """
        if self.weed and workload.server is Server.WEED:
            self._read_back(self.weed, self.source(workload), prefix)
            return
        with urllib.request.urlopen(f"http://127.0.0.1:{self._ports[Server.SINK].http}/taken") as answer:
            taken, sent = int(answer.read()), self.datasets[workload.dataset].total
        if taken < sent:  # more: what frames the bytes
            raise data.NotEqualError(f"{taken} bytes of {sent} have arrived")

    def _read_back(self, weed: SeaweedFS, source: Path, prefix: str) -> None:
        back = self.home / "back"
        client = weed.client()
        back.mkdir()
        for key in weed.objects(BUCKET, f"{prefix}/"):
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

    def _start_nginx(self, stack: ExitStack, objects: dict[str, list[data.Object]]) -> None:
        self._ports[Server.NGINX] = ports = Ports(*free_ports(2))
        server = Nginx(self.home, ports)
        server.prepare(objects)
        stack.enter_context(server)

    def _start_sink(self, stack: ExitStack) -> None:
        self._ports[Server.SINK] = ports = Ports(*free_ports(2))
        addresses = (f"127.0.0.1:{ports.http}", f"127.0.0.1:{ports.https}")
        tls = (str(self.home / "tls" / "cert.pem"), str(self.home / "tls" / "key.pem"))
        self._start(stack, "sink", ports.http, *addresses, *tls)

    def _delay(self, stack: ExitStack, late: Server) -> None:
        (port,) = free_ports(1)
        self._ports[late] = Ports(port, 0)
        target = self._ports[LATE[late]].http
        self._start(stack, "delay", port, f"127.0.0.1:{port}", f"127.0.0.1:{target}", str(DELAY))

    def _start(self, stack: ExitStack, name: str, port: int, *words: str) -> None:
        """Build and start one of our own programs, and wait until it listens."""
        program, log = self.home / name, self.home / f"{name}-{port}.log"
        if not program.exists():
            run("go", "build", "-o", program, Path(__file__).with_name(name) / "main.go")
        with log.open("wb") as out:
            process = subprocess.Popen([str(program), *words], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        await_port(port, process, log)

    def _fill(self, weed: SeaweedFS) -> None:
        client: Any = weed.client()
        client.create_bucket(Bucket=BUCKET)
        needed = {w.dataset for w in self.workloads if w.server is Server.WEED and w.direction is Direction.DOWN}
        for name in sorted(needed):
            for file in self.datasets[name].names():
                path = str(self.home / "src" / name / file)
                client.upload_file(path, BUCKET, f"{name}/{file}", Config=TransferConfig(use_threads=False))
