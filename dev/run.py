"""`make test`: every check in the order of its cost. `python -m dev.run [part ...]` runs some of them.

The parts that need a cluster share one; if there was none before, it is ended at the end, also after a failure.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from containers.build.catalog import IMAGES
from dev.cluster import choice, embedded
from dev.cluster.places import kubeconfig

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
VENV = Path(PYTHON).parent
SOURCES = ("operator", "cli", "containers", "dev", "tests", "examples")
LAUNCHER = ROOT / "containers" / "launcher"
BENCH = ROOT / "dev" / "bench" / "transfer"
RELAY = ROOT / "examples" / "dev-s3" / "relay"
GO = (LAUNCHER, RELAY, ROOT / "tests" / "support" / "bulk", BENCH / "delay", BENCH / "sink")


class PartFailedError(Exception):
    """A part of the run did not pass; what it printed says why."""


def run(*command: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Run a command with our output and no input.

    Raises:
        PartFailedError: it ended with another code than 0.
    """
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise PartFailedError(f"`{' '.join(command)}` ended with {done.returncode}")


def pytest(*args: str) -> None:
    """Run tests. Modules are compiled once, and not by each worker of each run: that is most of a worker's start."""
    run(PYTHON, "-m", "pytest", "-q", *args, env={"PYTHONDONTWRITEBYTECODE": ""})


def lint() -> None:
    run(str(VENV / "ruff"), "check", "--quiet", *SOURCES)
    run(str(VENV / "ruff"), "format", "--quiet", "--check", *SOURCES)
    run(str(VENV / "lint-imports"), "--no-logo")
    unformatted = subprocess.run(["gofmt", "-l", *map(str, GO)], check=True, capture_output=True, text=True).stdout
    if unformatted:
        raise PartFailedError(f"not formatted by gofmt: {unformatted.split()}")
    for module in GO:
        run("go", "vet", "./..." if (module / "go.mod").exists() else "main.go", cwd=module)
    run(PYTHON, "-m", "dev.generate", "--check")


def types() -> None:
    run(str(VENV / "mypy"), "operator/src", "cli/src", "containers/agent/src", "containers/build", "dev", "tests")


def unit() -> None:
    pytest("tests/unit", "-n", "2", "--dist", "worksteal")


def launcher() -> None:
    run("go", "test", "./...", cwd=LAUNCHER)


def chart() -> None:
    pytest("tests/chart")


def schema() -> None:
    pytest("tests/schema")


def integration() -> None:
    pytest("tests/integration", "-n", "4", "--dist", "loadgroup")


def scale() -> None:
    """Alone on the machine: what it prints is measured."""
    pytest("tests/scale", "-s")


def e2e() -> None:
    """The cases share the cluster and run side by side; those that break the operator or the node come after."""
    pytest("tests/e2e", "-m", "not disruptive", "-n", "6", "--dist", "worksteal")
    pytest("tests/e2e", "-m", "disruptive")


def cluster_up() -> None:
    run(PYTHON, "-m", "dev.cluster", "up")


def cluster_down() -> None:
    run(PYTHON, "-m", "dev.cluster", "down")


def images() -> None:
    run(PYTHON, "-m", "containers.build", "--load", *IMAGES)


def install() -> None:
    run(PYTHON, "-m", "dev.install")


@dataclass(frozen=True)
class Part:
    name: str
    action: Callable[[], None]
    needs: tuple[Callable[[], None], ...] = ()


PARTS = (
    Part("lint", lint),
    Part("types", types),
    Part("unit", unit),
    Part("launcher", launcher),
    Part("chart", chart),
    Part("schema", schema, (cluster_up,)),
    Part("integration", integration, (cluster_up,)),
    Part("scale", scale),
    Part("e2e", e2e, (cluster_up, images, install)),
)


def cluster_is_up() -> bool:
    """Whether a cluster was there before us: then it is not ours to end."""
    return embedded.healthy() if choice.name() == "embedded" else kubeconfig().exists()


def timed(name: str, action: Callable[[], None]) -> None:
    begin = time.monotonic()
    print(f"== {name}", flush=True)
    action()
    print(f"== {name} passed in {time.monotonic() - begin:.0f} s", flush=True)


def run_parts(parts: list[Part]) -> None:
    """Run the parts in order, each need once, and end a cluster that we started."""
    done: set[str] = set()
    with ExitStack() as stack:
        for part in parts:
            for need in part.needs:
                if need.__name__ in done:
                    continue
                if need is cluster_up and not cluster_is_up():
                    stack.callback(cluster_down)
                done.add(need.__name__)
                timed(need.__name__.replace("_", " "), need)
            timed(part.name, part.action)


def main(names: list[str]) -> int:
    unknown = set(names) - {part.name for part in PARTS}
    if unknown:
        print(
            f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(p.name for p in PARTS)}", file=sys.stderr
        )
        return 2
    begin = time.monotonic()
    try:
        run_parts([part for part in PARTS if not names or part.name in names])
    except PartFailedError as error:
        print(f"== FAILED: {error}", file=sys.stderr)
        return 1
    print(f"== all passed in {time.monotonic() - begin:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
