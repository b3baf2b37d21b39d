"""A Pod without a cluster: the paths of the protocol below a directory, the phases as processes, a script's marks."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import signal
import subprocess
import sys
from binascii import crc32
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from dev.s3 import ADMIN
from processing_agent.__main__ import main
from processing_agent.journal import boot_id

if TYPE_CHECKING:
    pass

WITHIN = 50.0  # s: no run of a test takes longer
STOP = '{"stop":"2026-01-01T00:00:00Z"}'
AGENT = (sys.executable, "-m", "processing_agent")

# the launcher's record; its file is `page` of it
WHOLE: dict[str, Any] = {
    "version": 1, "code": 0, "signal": 0, "reason": "Exited", "startedAt": "2026-01-01T00:00:00.000000Z",
    "finishedAt": "2026-01-01T00:00:01.000000Z", "milliseconds": 1234, "cpuMilliseconds": 900,
    "peakMemoryBytes": 12345678, "oomKills": 0, "bootId": "", "message": "",
}  # fmt: skip


def page(text: bytes) -> bytes:
    """Give a record's file as the launcher leaves it."""
    return b"".join((len(text).to_bytes(4, "big"), crc32(text).to_bytes(4, "big"), text)).ljust(4096, b"\0")


def waits_for_a_lock(pid: int) -> bool:
    """Tell whether the kernel holds the process back (proc(5): `->` marks who waits)."""
    waiting = [line.split() for line in Path("/proc/locks").read_text().splitlines() if "->" in line]
    return any(words[2] == "FLOCK" and int(words[5]) == pid for words in waiting)


@dataclass(frozen=True)
class Ended:
    """How a phase ended."""

    code: int
    result: dict[str, Any]
    lines: list[dict[str, Any]]

    @property
    def reason(self) -> str:
        return str(self.result["reason"])

    @property
    def message(self) -> str:
        return str(self.result["message"])

    @property
    def items(self) -> list[tuple[int, int, str]]:
        """Objects, bytes, state of each item."""
        return [(objects, size, state) for objects, size, _ms, state in self.result["items"]]

    @property
    def progress(self) -> list[dict[str, Any]]:
        return [line["progress"] for line in self.lines if "progress" in line]

    @property
    def text(self) -> str:
        """Everything that left the process."""
        return json.dumps([self.result, self.lines])


@dataclass
class Pod:
    """One Pod's directories and plan."""

    root: Path
    endpoint: str
    keys: tuple[str, str] = ADMIN
    plan: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)  # of the staging containers, besides the protocol's
    _begun: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for path in ("opt/ml", "run/processing/bin", "run/processing/control", "run/processing/state", "dev"):
            (self.root / path).mkdir(parents=True, exist_ok=True)
        launcher = self.root / "launcher-in-the-image"
        launcher.write_bytes(b"\x7fELF")
        self.credentials()
        self.signal("")
        self.plan = {
            "version": 1,
            "job": {"name": "j", "namespace": "default", "uid": "u", "attempt": 1, "index": 0},
            "final": True,
            "s3": {
                "endpoint": self.endpoint,
                "region": "us-east-1",
                "addressing": "Path",
                "secretName": "keys",
                "platformCredentials": False,
            },
            "inputs": [],
            "outputs": [],
            "directories": ["config", "output", "processing"],
            "pendingTimeoutSeconds": 3600,
            "downloadTimeoutSeconds": 60,
            "uploadTimeoutSeconds": 60,
            "stopGraceSeconds": 30,
            "config": {"resourceconfig.json": {"current_host": "algo-1", "hosts": ["algo-1"]}},
        }

    def path(self, absolute: str) -> Path:
        return self.root / absolute.lstrip("/")

    def write(self, absolute: str, content: bytes = b"x") -> Path:
        path = self.path(absolute)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def files(self, absolute: str) -> dict[str, bytes]:
        base = self.path(absolute)
        return {str(p.relative_to(base)): p.read_bytes() for p in sorted(base.rglob("*")) if p.is_file()}

    def credentials(self, keys: tuple[str, str] | None = None) -> None:
        access, secret = keys or self.keys
        self.write("/run/processing/credentials/AWS_ACCESS_KEY_ID", access.encode())
        self.write("/run/processing/credentials/AWS_SECRET_ACCESS_KEY", secret.encode())

    def signal(self, value: str) -> None:
        """Change the annotation as the kubelet does: by renaming."""
        new = self.write("/run/processing/podinfo/.new", value.encode())
        new.replace(self.path("/run/processing/podinfo/signal"))

    def input(self, uri: str, path: str = "/opt/ml/processing/input", name: str = "data") -> None:
        self.plan["inputs"].append({"name": name, "path": path, "s3": {"uri": uri}})

    def output(self, uri: str, path: str = "/opt/ml/processing/out", name: str = "out", **more: Any) -> None:
        default = {"uploadOn": "Always", "archive": None, "required": False}
        self.plan["outputs"].append({"name": name, "path": path, "uri": uri, **default, **more})

    def begin(self, phase: str, *wrapper: str) -> subprocess.Popen[bytes]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | self.prepare()
        process = subprocess.Popen([*wrapper, *AGENT, phase], env=environment, stdout=subprocess.PIPE)
        self._begun.append(process)
        return process

    def end(self, process: subprocess.Popen[bytes], within: float = WITHIN) -> Ended:
        out, _ = process.communicate(timeout=within)
        return self._ended(process.returncode, out.decode())

    def prepare(self) -> dict[str, str]:
        self.write("/run/processing/podinfo/plan", json.dumps(self.plan).encode())
        self.path("/dev/termination-log").unlink(missing_ok=True)
        return {
            "PROCESSING_ROOT": str(self.root),
            "PROCESSING_LAUNCHER": str(self.root / "launcher-in-the-image"),
            **self.environment,
        }

    def _ended(self, code: int, out: str) -> Ended:
        log = self.path("/dev/termination-log")
        result = json.loads(log.read_bytes()) if log.exists() and log.stat().st_size else {}
        return Ended(code, result, [json.loads(line) for line in out.splitlines()])

    def run(self, phase: str) -> Ended:
        """Run a phase in this process: starting one costs more than most tests."""
        out = io.StringIO()
        before, mask = signal.getsignal(signal.SIGTERM), os.umask(0o022)
        try:
            with (
                pytest.MonkeyPatch.context() as patch,
                mock.patch.dict(os.environ),
                contextlib.redirect_stdout(out),
            ):
                for name in [name for name in os.environ if name.startswith("AWS_")]:
                    patch.delenv(name)
                for name, value in self.prepare().items():
                    patch.setenv(name, value)
                code = main([phase])
        finally:
            signal.signal(signal.SIGTERM, before)
            os.umask(mask)
        return self._ended(code, out.getvalue())

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End a phase as a node without memory does."""
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=WITHIN)

    def close(self) -> None:
        """End what a failed test left running."""
        for process in self._begun:
            if process.returncode is None:
                self.kill(process)

    def launch(self) -> Launcher:
        return Launcher(self)

    def script(self, files: dict[str, bytes] | None = None, code: int = 0, reason: str = "Exited") -> None:
        """Do what a whole run of a script does: begin, write, end."""
        launcher = self.launch()
        for path, content in (files or {}).items():
            self.write(path, content)
        launcher.end(code, reason)


class Launcher:
    """Holds the lock from before `started` exists until its end, as the real one."""

    def __init__(self, pod: Pod) -> None:
        self._control = pod.path("/run/processing/control")
        self._notes = -1
        self._fd = os.open(self._control / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        (self._control / "started").write_text("2026-01-01T00:00:00Z\n")

    def note(self, kills: int) -> None:
        """Note so many OOM kills, as the launcher does: into a file that stays open."""
        text = json.dumps({"version": 1, "oomKills": kills}).encode()
        if self._notes < 0:
            self._notes = os.open(self._control / "notes", os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(self._notes, page(text), 0)

    def end(self, code: int = 0, reason: str = "Exited") -> None:
        self.leave(page(json.dumps(WHOLE | {"code": code, "reason": reason, "bootId": boot_id()}).encode()))

    def leave(self, record: bytes) -> None:
        """End with whatever in the record's place."""
        (self._control / "record").write_bytes(record)
        os.close(self._fd)

    def die(self) -> None:
        """End without a record: SIGKILL, out of memory."""
        os.close(self._fd)
