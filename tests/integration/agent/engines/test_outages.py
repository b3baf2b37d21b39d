"""A store that is away: survived, gently. Minutes pass on the test's own clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from processing_agent.watch import TimeUp, Watch
from tests.integration.agent.engines.rig import Rig
from tests.support.engines import CLOCKS, replace_clock
from tests.support.fault_server import Answer, FaultServer, Request, faults
from tests.support.fault_server.faults import Ask, Fault

OUTAGE = 300.0  # s
RATE = 10.0  # requests/s that an outage may see
SLACK = 12  # requests under way when it begins, whatever the engine's number of connections


@dataclass
class Clock:
    """Time that passes only while the engine pauses."""

    now: float = 1000.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        with self.lock:
            self.now += seconds


class PatientWatch(Watch):
    """Lets the test's time pass instead of waiting."""

    def __init__(self, deadline: float, clock: Clock) -> None:
        super().__init__(deadline)
        self._passing = clock

    def pause(self, seconds: float) -> None:
        self._passing.pass_by(seconds)
        self.check()


@pytest.fixture
def clock(rig: Rig, engine_name: str) -> Clock:
    if engine_name not in CLOCKS:
        pytest.fail(f"the clock of {engine_name} cannot be replaced: see tests.support.engines.CLOCKS")
    rig.impatience.undo()
    made = Clock()
    replace_clock(engine_name, made, rig.impatience)
    rig.make_watch = lambda deadline: PatientWatch(deadline, made)
    return made


def counted(fault: Fault, clock: Callable[[], float], moments: list[float]) -> Fault:
    """Keep the moments of the requests that go wrong."""

    def noted(request: Request, ask: Ask) -> Answer:
        moments.append(clock())
        return fault(request, ask)

    return noted


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.hung_up(), id="hung up"),
        pytest.param(faults.refused(503, "SlowDown"), id="SlowDown"),
        pytest.param(faults.page_of_a_gateway(502), id="gateway"),
    ],
)
@pytest.mark.parametrize("direction", ["download", "upload"])
def test_five_minutes(rig: Rig, server: FaultServer, clock: Clock, direction: str, fault: Fault) -> None:
    moments: list[float] = []
    begin = clock.now
    server.always(faults.until(begin + OUTAGE, counted(fault, clock, moments), clock))
    server.store.put("d/x", b"content")
    tally = rig.download() if direction == "download" else rig.upload({"x": b"content"})
    assert clock.now >= begin + OUTAGE
    assert clock.now < begin + OUTAGE + 30, "its end is noticed soon"
    assert OUTAGE / 30 < len(moments) <= OUTAGE * RATE
    assert tally.counts.retries == len(moments)
    assert tally.outage is None
    assert (rig.files or rig.sent("x")) in ({"x": b"content"}, b"content")


def test_many_objects_share_one_brake(rig: Rig, server: FaultServer) -> None:
    """In real time: what is under way at once must not multiply the requests."""
    rig.impatience.undo()
    names = [f"{n}" for n in range(40)]
    moments: list[float] = []
    begin = time.monotonic()
    server.always(
        faults.until(begin + 2, counted(faults.refused(503, "SlowDown"), time.monotonic, moments)), "PutObject"
    )
    tally = rig.upload(dict.fromkeys(names, b"x"))
    assert not tally.items[0].faults
    assert len(server.store.objects) == len(names)
    assert 2 <= len(moments) <= 2 * RATE + SLACK


def test_the_status_says_so_meanwhile(rig: Rig, server: FaultServer) -> None:
    rig.within = 1
    server.store.put("d/x", b"1")
    server.always(faults.refused(503, "SlowDown"))
    with pytest.raises(TimeUp):
        rig.download()
    assert rig.files == {}
    assert rig.tally.counts.error.startswith("StoreUnavailable, retrying")
    assert "SlowDown" in rig.tally.counts.error
