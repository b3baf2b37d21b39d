"""When keys are renewed, on the test's own clock. The fast engine's rules; what the reference does is botocore's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from processing_agent.engines.fast.identity import renewal
from tests.integration.agent.engines.rig import Rig
from tests.integration.agent.engines.test_credentials import used
from tests.support.fault_server import FaultServer, faults
from tests.support.key_services import KeyServices, refused

pytestmark = [
    pytest.mark.parametrize("engine_name", ["fast"], indirect=True),
    pytest.mark.usefixtures("identity"),
]

LASTS = timedelta(hours=6)
OBJECTS = 40


@dataclass
class Clock:
    """The engine's clock, which the test puts forward."""

    ahead: float = 0.0

    def leave(self, seconds: float) -> None:
        """Let so many seconds be left of keys that were given just now."""
        self.ahead += LASTS.total_seconds() - seconds


@pytest.fixture
def clock(impatience: pytest.MonkeyPatch) -> Clock:
    made, now = Clock(), renewal.now
    impatience.setattr(renewal, "now", lambda: now() + made.ahead)
    return made


@pytest.fixture
def content(server: FaultServer, services: KeyServices) -> dict[str, bytes]:
    services.lasts = LASTS
    made = {f"{n}": b"%d" % n for n in range(OBJECTS)}
    for name, data in made.items():
        server.store.put(f"d/{name}", data)
    return made


def test_the_transfer_goes_on_meanwhile(
    rig: Rig, server: FaultServer, services: KeyServices, clock: Clock, content: dict[str, bytes]
) -> None:
    def nearly_over() -> None:
        services.gate.clear()
        clock.leave(600)

    server.inject(faults.first(nearly_over), "GetObject", nth=3)

    def asked() -> None:
        assert services.waiting.wait(10), "new keys are asked for while objects arrive"
        services.gate.set()

    server.inject(faults.first(asked), "GetObject", nth=OBJECTS)
    rig.download()
    assert rig.files == content
    assert services.waiting.is_set()
    assert services.issued == 2
    assert set(used(server)[: OBJECTS - 1]) == {"key-1"}


def test_keys_that_are_over_are_not_used(
    rig: Rig, server: FaultServer, services: KeyServices, clock: Clock, content: dict[str, bytes]
) -> None:
    def over() -> None:
        services.inject(refused(503, "ServiceUnavailable"), times=3)
        clock.leave(0)

    server.inject(faults.first(over), "ListObjectsV2")
    rig.download()
    assert rig.files == content
    assert set(used(server, "GetObject")) == {"key-2"}
    assert not rig.tally.counts.error, "it is over"


def test_keys_that_cannot_be_renewed_are_used_to_their_end(
    rig: Rig, server: FaultServer, services: KeyServices, clock: Clock, content: dict[str, bytes]
) -> None:
    def nearly_over() -> None:
        services.inject(refused(403, "AccessDenied"), times=1000)
        clock.leave(30)

    server.inject(faults.first(nearly_over), "ListObjectsV2")
    rig.download()
    assert rig.files == content
    assert set(used(server)) == {"key-1"}
    denied = [asked for asked in services.asked if asked.form or asked.method == "GET"]
    assert len(denied) < OBJECTS, "it is not asked again for each request"


def test_how_long_keys_last_is_told_by_their_source_s_clock(
    rig: Rig, server: FaultServer, services: KeyServices, content: dict[str, bytes]
) -> None:
    services.ahead, services.lasts = timedelta(hours=3), timedelta(seconds=90)
    server.inject(faults.first(lambda: setattr(services, "lasts", LASTS)), "ListObjectsV2")
    rig.download()
    assert rig.files == content
    assert set(used(server, "GetObject")) == {"key-2"}
