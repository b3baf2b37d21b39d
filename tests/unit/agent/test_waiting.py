"""What is waited for beside the loop: names, and work that one does for all."""

from __future__ import annotations

import _socket
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from processing_agent.engines.fast.loop import Loop
from processing_agent.engines.fast.names import Names
from processing_agent.engines.fast.waiting import aside
from processing_agent.s3.http import Site

STORE = Site("store.test", 9000, tls=False)
FIRST, SECOND = (socket.AF_INET, ("192.0.2.1", 9000)), (socket.AF_INET, ("192.0.2.2", 9000))


class Resolver:
    """Knows one name, and answers when it is let to."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = threading.Event()

    def __call__(self, host: bytes, port: int, *, type: int, flags: int) -> list[Any]:  # noqa: A002 - the library's name
        if flags & socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        self.asked += 1
        assert self.may_answer.wait(10), "the loop is kept waiting"
        if host != b"store.test":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(family, type, 0, "", (address, port)) for family, (address, _) in (FIRST, SECOND)]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    made = Resolver()
    monkeypatch.setattr(_socket, "getaddrinfo", made)
    return made


@pytest.fixture
def loop() -> Iterator[Loop]:
    with contextlib.closing(Loop(lambda: None)) as made:
        yield made


def test_the_loop_goes_on_while_a_name_is_looked_up(loop: Loop, resolver: Resolver) -> None:
    names, found = Names(loop), list[list[Any]]()

    async def look_up() -> None:
        found.append(await names.of(STORE))

    async def main() -> None:
        for _ in range(20):
            loop.spawn(look_up())
        await loop.sleep(0.01)
        assert not found
        resolver.may_answer.set()

    loop.run(main())
    assert len(found) == 20
    assert resolver.asked == 1, "one asks for all"
    assert all(set(addresses) == {FIRST, SECOND} for addresses in found)
    assert {addresses[0] for addresses in found} == {FIRST, SECOND}, "in turn"


def test_a_bad_address_is_tried_last(loop: Loop, resolver: Resolver) -> None:
    names = Names(loop)
    resolver.may_answer.set()

    async def main() -> None:
        await names.of(STORE)
        names.bad(STORE, FIRST)
        for _ in range(4):
            assert await names.of(STORE) == [SECOND, FIRST]
        assert resolver.asked == 1
        names.bad(STORE, SECOND)
        await names.of(STORE)
        assert resolver.asked == 2, "all are bad: there may be others by now"

    loop.run(main())


def test_an_unknown_name_is_named(loop: Loop, resolver: Resolver) -> None:
    resolver.may_answer.set()
    with pytest.raises(socket.gaierror, match=r"other\.test cannot be resolved"):
        loop.run(Names(loop).of(Site("other.test", 80, tls=False)))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_needs_no_thread(loop: Loop, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setattr(threading, "Thread", None)
    assert loop.run(Names(loop).of(Site(host, 80, tls=False)))[0][1][0] == host


def test_what_goes_wrong_aside_is_raised_here(loop: Loop) -> None:
    with pytest.raises(ZeroDivisionError):
        loop.run(aside(loop, lambda: 1 // 0))


def test_a_run_that_is_broken_off_waits_for_nobody(loop: Loop) -> None:
    ended, may_end = threading.Event(), threading.Event()

    def work() -> None:
        may_end.wait(10)
        ended.set()

    async def main() -> None:
        loop.spawn(aside(loop, work))
        await loop.sleep(0.01)
        raise LookupError

    with pytest.raises(LookupError):
        loop.run(main())
    assert not ended.is_set()
    may_end.set()
    assert ended.wait(10)
    assert loop.run(aside(loop, lambda: 1)) == 1, "the loop can be used again"
