"""The agent in a container's memory, beside a store that is outside of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.agent.pod import Ended, Pod
from tests.support.bulk_store import BulkStore
from tests.support.engines import VARIABLE
from tests.support.memory_cgroup import MemoryCgroup, Peak

MIB = 1 << 20
LIMIT = 128 * MIB  # what the agent's containers are given
SLACK = 8 * MIB  # two runs over the same data differ by so much
MOST_THREADS = 16
MOST_SOCKETS = 3 * 128 + 32  # of a process and its two workers, each with so many connections; and few for all else
CREW = 12 * MIB  # what two workers take, which a smaller run may do without
PATIENCE = 3600.0  # s for a phase, enough for the full size


@pytest.fixture(autouse=True)
def engine_name(monkeypatch: pytest.MonkeyPatch) -> str:
    """Only the fast engine promises this: the reference engine is given 512 MiB."""
    monkeypatch.setenv(VARIABLE, "fast")
    return "fast"


@pytest.fixture(scope="session")
def bulk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BulkStore]:
    with BulkStore(tmp_path_factory.mktemp("bulk")) as server:
        yield server


@pytest.fixture
def scale(request: pytest.FixtureRequest) -> float:
    return float(request.config.getoption("--bounded-scale"))


@dataclass
class Measured:
    """A phase that has ended, and the most it used."""

    ended: Ended
    peak: Peak


def measure(pod: Pod, phase: str) -> Measured:
    """Run a phase under the limit. None of its processes may be killed for want of memory, also if it recovers."""
    with MemoryCgroup(LIMIT) as group:
        process = pod.begin(phase, *group.wrapper)
        with group.sampled() as peak:
            ended = pod.end(process, PATIENCE)
        assert group.kills == 0
    assert (ended.code, ended.reason) == (0, ""), ended.text
    assert peak.samples, "it was looked at"
    return Measured(ended, peak)


@pytest.fixture
def make_pod(bulk: BulkStore, tmp_path: Path) -> Iterator[Callable[[str], Pod]]:
    """Make Pods whose store is the bulk one."""
    with contextlib.ExitStack() as stack:

        def make(name: str) -> Pod:
            made = Pod(tmp_path / name, bulk.endpoint)
            made.plan["downloadTimeoutSeconds"] = made.plan["uploadTimeoutSeconds"] = PATIENCE
            return stack.enter_context(contextlib.closing(made))

        yield make


def compare(small: Peak, large: Peak) -> None:
    """Compare a run with one over four times the data. How far a short run comes with its sockets is chance."""
    print(f"\na quarter: {small}\nthe whole: {large}")
    crew = CREW if large.threads > small.threads else 0
    assert large.memory <= small.memory + SLACK + crew
    assert large.threads <= MOST_THREADS
    assert large.sockets <= MOST_SOCKETS
