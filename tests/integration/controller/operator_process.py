"""The operator as a process of its own, as a cluster runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.controller.control_plane import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_STARTED_SECONDS = 60.0  # one processor may be shared with an API server that starts


@dataclass
class OperatorProcess:
    """A running operator."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    expected_errors: list[str] = field(default_factory=list)

    def ask(self, path: str) -> str:
        return requests.get(f"http://127.0.0.1:{self.port}{path}", timeout=10).text

    def is_ready(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=10).ok
        except requests.ConnectionError:
            return False

    def wait_ready(self) -> None:
        end = time.monotonic() + _STARTED_SECONDS
        while not self.is_ready():
            assert self.process.poll() is None, f"the operator has ended:\n{self.log.read_text()}"
            assert time.monotonic() < end, f"the operator is not ready:\n{self.log.read_text()}"
            time.sleep(0.05)

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all samples of that name and these labels."""
        return sum(
            sample.value
            for family in text_string_to_metric_families(self.ask("/metrics"))
            for sample in family.samples
            if sample.name == f"processing_operator_{name}" and labels.items() <= sample.labels.items()
        )

    def writes(self) -> dict[str, int]:
        """How often each thing was written, Events and the Lease apart."""
        return {
            f"{sample.labels['verb']} {sample.labels['resource']}": int(sample.value)
            for family in text_string_to_metric_families(self.ask("/metrics"))
            for sample in family.samples
            if sample.name == "processing_operator_api_requests_total" and _is_write(**sample.labels)
        }

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1]) * 1024

    def kill(self) -> None:
        """As a crash does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """As Kubernetes does; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def start(kubeconfig: Path, folder: Path, **settings: str) -> Iterator[OperatorProcess]:
    """Run an operator; it is ended with the block, and must not have logged an error of its own."""
    port = free_port()
    log = folder / f"operator-{port}.log"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "KUBECONFIG": str(kubeconfig),
        "PROCESSING_HEALTH_PORT": str(port),
        **{f"PROCESSING_{name.upper()}": value for name, value in settings.items()},
    }
    command = [sys.executable, "-W", "error", "-m", "processing_operator"]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env=environment, cwd=folder)
    operator = OperatorProcess(process, port, log)
    try:
        yield operator
    except BaseException as error:
        error.add_note("the operator's log ends with:\n" + "\n".join(log.read_text().splitlines()[-20:]))
        raise
    finally:
        if process.poll() is None:
            operator.kill()
    check_log(operator)


def _is_write(verb: str, resource: str, code: str) -> bool:
    return verb not in ("GET", "WATCH") and resource not in ("events", "leases") and code.startswith("2")


def check_log(operator: OperatorProcess) -> None:
    """No line is an error, tells of an exception or of a missing right, unless the test expects it."""
    for line in operator.lines():
        text = json.dumps(line)
        bad = line["level"] in ("error", "critical") or "exception" in line or "Forbidden" in text
        assert not bad or any(expected in text for expected in operator.expected_errors), text
