"""Patience: what is tried again, how often, and when it ends. The clock is the test's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import botocore.exceptions as boto
import pytest

from processing_agent.credentials import Keys, MissingKeys
from processing_agent.engines import Store
from processing_agent.engines.reference import requests as module
from processing_agent.engines.reference.requests import Requests
from processing_agent.s3.faults import Kind, StoreFault
from processing_agent.watch import StopAsked, TimeUp, Watch


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeWatch(Watch):
    """Lets the test's time pass instead of waiting."""

    def __init__(self, clock: Clock, deadline: float | None = None) -> None:
        super().__init__(deadline, clock)
        self._time = clock

    def pause(self, seconds: float) -> None:
        self._time.now += seconds
        self.check()


@dataclass
class Seen:
    faults: list[StoreFault] = field(default_factory=list)
    recoveries: int = 0

    def retrying(self, fault: StoreFault) -> None:
        self.faults.append(fault)

    def recovered(self) -> None:
        self.recoveries += 1

    def moved(self, size: int) -> None: ...
    def finished(self, ordinal: int, size: int, verified: str) -> None: ...
    def failed(self, ordinal: int, fault: StoreFault) -> None: ...


@dataclass
class Source:
    keys: list[Keys | Exception | None]

    def read(self) -> Keys | None:
        value = self.keys.pop(0) if len(self.keys) > 1 else self.keys[0]
        if isinstance(value, Exception):
            raise value
        return value


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("processing_agent.engines.reference.requests.time", SimpleNamespace(monotonic=made))
    monkeypatch.setattr(module, "make_client", lambda _store, keys: keys or "client")
    return made


def requests(clock: Clock, seen: Seen, *keys: Any, deadline: float | None = None) -> Requests:
    return Requests(Store(), Source(list(keys) or [None]), FakeWatch(clock, deadline), seen)


def answer(status: int, code: str) -> boto.ClientError:
    body: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return boto.ClientError(body, "GetObject")


def test_five_minutes_without_a_store_are_survived_gently(clock: Clock) -> None:
    seen, tries = Seen(), list[float]()

    def action(_client: Any) -> str:
        tries.append(clock.now)
        if clock.now < 1300:
            raise boto.EndpointConnectionError(endpoint_url="http://s3")
        return "done"

    assert requests(clock, seen).ask("b", "k", action) == "done"
    assert 300 / 6 < len(tries) < 300 / 0.45
    assert all(later - earlier >= module.FLOOR for earlier, later in pairwise(tries))
    assert tries[-1] < 1300 + module.FLOOR + module.LONGEST
    assert len(seen.faults) == len(tries) - 1
    assert seen.recoveries == 1


@pytest.mark.parametrize(("status", "code"), [(500, ""), (503, "SlowDown"), (429, ""), (502, "")])
def test_passing_trouble_is_tried_again(clock: Clock, status: int, code: str) -> None:
    answers = [answer(status, code)] * 3
    result = requests(clock, Seen()).ask("b", "k", lambda _: "done" if not answers else throw(answers.pop()))
    assert result == "done"


def throw(error: Exception) -> str:
    raise error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (answer(403, "AccessDenied"), Kind.DENIED),
        (answer(404, "NoSuchKey"), Kind.NO_KEY),
        (answer(404, "NoSuchBucket"), Kind.NO_BUCKET),
        (answer(412, ""), Kind.CHANGED),
        (answer(400, "InvalidRequest"), Kind.REJECTED),
    ],
)
def test_what_time_does_not_heal_is_raised_at_once(clock: Clock, error: Exception, kind: Kind) -> None:
    seen = Seen()
    with pytest.raises(StoreFault) as fault:
        requests(clock, seen).ask("b", "k", lambda _: throw(error))
    assert (fault.value.kind, fault.value.bucket, fault.value.key) == (kind, "b", "k")
    assert not seen.faults


def test_rotated_keys_are_read_again(clock: Clock) -> None:
    old, new = Keys("old", "s"), Keys("new", "s")
    used = []

    def action(client: Keys) -> str:
        used.append(client.access)
        if client is old:
            raise answer(400, "ExpiredToken")
        return "done"

    assert requests(clock, Seen(), old, new).ask("b", "k", action) == "done"
    assert used == ["old", "new"]


@pytest.mark.parametrize("again", [Keys("old", "s"), MissingKeys("gone")])
def test_keys_that_stay_expired_are_a_denial(clock: Clock, again: Any) -> None:
    with pytest.raises(StoreFault) as fault:
        requests(clock, Seen(), Keys("old", "s"), again).ask("b", "k", lambda _: throw(answer(400, "ExpiredToken")))
    assert fault.value.kind is Kind.DENIED
    assert clock.now - 1000 > module.STALE_FOR


def test_time_runs_out(clock: Clock) -> None:
    with pytest.raises(TimeUp):
        requests(clock, Seen(), deadline=1010.0).ask("b", "k", lambda _: throw(answer(500, "")))
    assert clock.now < 1020


def test_a_stop_ends_the_waiting(clock: Clock) -> None:
    watch = FakeWatch(clock)
    asking = Requests(Store(), Source([None]), watch, Seen())
    left = [answer(500, "")] * 3

    def action(_client: Any) -> str:
        if not left:
            watch.stop()
        raise left.pop() if left else answer(500, "")

    with pytest.raises(StopAsked):
        asking.ask("b", "k", action)


def test_a_container_that_is_ended_does_not_back_off(clock: Clock) -> None:
    watch = FakeWatch(clock)
    watch.hurry()
    left = [1] * 10
    asking = Requests(Store(), Source([None]), watch, Seen())
    asking.ask("b", "k", lambda _: throw(answer(500, "")) if left and left.pop() else "done")
    assert clock.now - 1000 <= 10 * module.HURRIED


def test_what_is_not_the_store_s_is_left_as_it_is(clock: Clock) -> None:
    with pytest.raises(ZeroDivisionError):
        requests(clock, Seen()).ask("b", "k", lambda _: throw(ZeroDivisionError()))
