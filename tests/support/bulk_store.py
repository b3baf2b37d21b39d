"""The store for transfers that are too large to be kept: the Go program in `bulk`, built and started."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

SOURCE = Path(__file__).parent / "bulk"
BLOCK = random.Random(1).randbytes(1_048_573)  # noqa: S311 - the same each time; a prime, so that no range is another
STOPS_WITHIN = 10.0  # s


@dataclass(frozen=True)
class Taken:
    """What was sent: objects by key (`size`, `crc`, `parts` of these two), unfinished uploads, what came twice."""

    objects: dict[str, dict[str, Any]]
    open: int
    again: int


class BulkStore:
    """One server. It has `many-COUNT/` (tiny objects, COUNT of them) and `large-SIZE` in whatever bucket."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __enter__(self) -> Self:
        program, block = self._directory / "bulk", self._directory / "block"
        subprocess.run(["go", "build", "-C", SOURCE, "-o", program, "."], check=True, stdin=subprocess.DEVNULL)
        block.write_bytes(BLOCK)
        self._process = subprocess.Popen([program, block], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout
        self._address = self._process.stdout.readline().decode().strip()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=STOPS_WITHIN)  # the end of its input ends it

    @property
    def endpoint(self) -> str:
        """The address for a client."""
        return f"http://{self._address}"

    def taken(self) -> Taken:
        """Give what was sent since the last call."""
        found = json.loads(self._ask("GET", "/-/taken"))
        return Taken({one["key"]: one for one in found["objects"]}, found["open"], found["again"])

    def warm(self, key: str) -> None:
        """Let it make a large object's checksum, which takes a second for each 2 GiB, before anybody waits for it."""
        self._ask("HEAD", f"/bucket/{key}")

    def _ask(self, method: str, path: str) -> bytes:
        with contextlib.closing(http.client.HTTPConnection(self._address)) as connection:
            connection.request(method, path)
            return connection.getresponse().read()
