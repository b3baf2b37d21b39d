"""Starting fast counts: what `fetch` and `pj cp` load on their way is named here, and nothing else is loaded.

Each runs as a process of its own, started as in its image (`-I -S`), for one small object of a server on loopback.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

import processing_agent
from tests.integration.agent.pod import Pod
from tests.support.fault_server import FaultServer

PATHS = [str(Path(processing_agent.__file__).parents[1]), sysconfig.get_paths()["purelib"]]
BEGIN = f"import sys; before = set(sys.modules); sys.path += {PATHS!r}\n"
END = "\nprint('loaded:', *sorted(set(sys.modules) - before), sep='\\n')"
FETCH = "from processing_agent.__main__ import main; assert main(['fetch']) == 0"
COPY = "from processing_agent import copy; copy.{0}(sys.argv[1], sys.argv[2], endpoint=sys.argv[3], addressing='Path')"

CONTENT = bytes(range(256)) * 4

# of the standard library; each takes less than a millisecond
ALLOWED = {
    "__future__", "_collections", "_functools", "_heapq", "_json", "_operator", "_sha2", "_sha256", "_socket", "_stat",
    "_collections_abc", "abc", "_abc", "binascii", "errno", "fcntl", "gc", "genericpath", "heapq", "itertools", "mmap",
    "os", "os.path", "posixpath", "pwd", "select", "stat", "time",
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as made:
        made.store.put("d/x", CONTENT, "crc64nvme")
        yield made


def run(program: str, *arguments: str, **environment: str) -> tuple[str, set[str]]:
    """Run it; give what it printed, and the modules that it loaded beside the agent's own."""
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "PROCESSING_ENGINE": "fast"}
    words = [sys.executable, "-I", "-S", "-c", BEGIN + program + END, *arguments]
    ran = subprocess.run(words, env=keys | environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    printed, _, modules = ran.stdout.partition("loaded:\n")
    assert "processing_agent.engines.fast" in modules
    assert "processing_agent.engines.reference" not in modules
    return printed, {name for name in modules.split() if name.partition(".")[0] != "processing_agent"}


def test_fetch(server: FaultServer, tmp_path: Path) -> None:
    pod = Pod(tmp_path, server.endpoint, keys=("a", "s"))
    pod.input("s3://b/d/")
    pod.output("s3://b/out")
    printed, modules = run(FETCH, **pod.prepare())
    assert pod.files("/opt/ml/processing/input") == {"x": CONTENT}
    assert '"verified":{"CRC64NVME":1}' in printed
    assert modules - ALLOWED == set()


def test_a_copy_down(server: FaultServer, tmp_path: Path) -> None:
    _, modules = run(COPY.format("download"), "s3://b/d/", str(tmp_path), server.endpoint)
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert modules - ALLOWED == set()


def test_a_copy_up(server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / "y").write_bytes(CONTENT)
    _, modules = run(COPY.format("upload"), str(tmp_path), "s3://b/up", server.endpoint)
    assert server.store.objects["up/y"].content == CONTENT
    assert modules - ALLOWED == set()
