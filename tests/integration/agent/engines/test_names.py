"""Where a store is: by name or address, IPv6 and IPv4, and with more addresses than work."""

from __future__ import annotations

import _socket
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.agent.engines.rig import Rig
from tests.support.fault_server import FaultServer

CONTENT = {"x": b"1", "large": bytes(20 << 20)}


class OverIpv6(FaultServer):
    """The server of faults on the other loopback address."""

    address_family = socket.AF_INET6
    host = "::1"

    @property
    def endpoint(self) -> str:
        return f"http://[::1]:{self.server_address[1]}"


@pytest.fixture
def over_ipv6() -> Iterator[FaultServer]:
    with OverIpv6() as made:
        yield made


def moves(rig: Rig, server: FaultServer) -> None:
    for name, content in CONTENT.items():
        server.store.put(f"d/{name}", content)
    rig.download()
    assert rig.files == CONTENT
    assert not rig.upload(CONTENT).items[0].faults
    assert server.store.objects["r/large"].content == CONTENT["large"]


def test_an_address_of_ipv6(rig: Rig, over_ipv6: FaultServer) -> None:
    rig.endpoint = over_ipv6.endpoint
    moves(rig, over_ipv6)
    port = over_ipv6.server_address[1]
    assert {seen.request.headers["host"] for seen in over_ipv6.seen()} == {f"[::1]:{port}"}


def test_a_name(rig: Rig, server: FaultServer) -> None:
    """The system's own resolver is asked for it."""
    rig.endpoint = f"http://localhost:{server.server_address[1]}"
    moves(rig, server)


@pytest.mark.parametrize("first", ["127.0.0.2", "::1"])
def test_the_next_address_is_tried(rig: Rig, server: FaultServer, monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    """The name's addresses are injected: no resolver knows it."""
    ask = _socket.getaddrinfo  # beneath `socket`: what both engines end at

    def answer(host: Any, *arguments: Any, **named: Any) -> list[Any]:
        if host not in {"store.test", b"store.test"} or named.get("flags", 0) & socket.AI_NUMERICHOST:
            return ask(host, *arguments, **named)
        return [found for address in (first, "127.0.0.1") for found in ask(address, *arguments, **named)]

    monkeypatch.setattr(_socket, "getaddrinfo", answer)
    rig.endpoint = f"http://store.test:{server.server_address[1]}"
    moves(rig, server)
    assert rig.tally.counts.retries == 0


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_store_below_a_path(rig: Rig, server: FaultServer, slash: str) -> None:
    """As Supabase has it: listing, ranges, parts, names that are quoted."""
    server.base = "/storage/v1/s3"
    rig.endpoint = server.endpoint + slash
    large = bytes(17 << 20)
    server.store.put("d/a b%", b"1")
    server.store.put("d/large", large)
    rig.download()
    assert rig.files == {"a b%": b"1", "large": large}
    tally = rig.upload({"c d%": b"2", "large": large})
    assert tally.items[0].failures == 0
    assert (rig.sent("c d%"), rig.sent("large")) == (b"2", large)
