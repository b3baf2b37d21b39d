"""From a host's name to its addresses, without keeping the loop waiting."""

from __future__ import annotations

import time

from processing_agent.light import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from typing import Any

    from processing_agent.engines.fast.loop import Loop
    from processing_agent.engines.fast.waiting import Shared
    from processing_agent.s3.http import Site

    # what a socket is made of and what it is connected to
    Address = tuple[socket.AddressFamily, Any]
else:
    import _socket as socket  # see `pool`

LAST = 30.0  # s that a host's addresses are believed
BAD_FOR = 30.0  # s that an address which could not be reached is tried only after the others


class Names:
    """Remembers answers for a while, and which addresses were bad."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._lookups: dict[Site, Shared] = {}
        self._found: dict[Site, tuple[float, list[Address]]] = {}
        self._bad: dict[Any, float] = {}
        self._turns = 0

    async def of(self, site: Site) -> list[Address]:
        """Give a server's addresses, IPv6 and IPv4, in the order in which they are to be tried.

        Those that are not known to be bad begin in turn: a store's load is spread, and one address that is down costs
        one try.

        Raises:
            OSError: the name has none.
        """
        moment = time.monotonic()
        since, found = self._found.get(site, (0.0, []))
        if not found or moment - since > LAST:
            found = await self._look_up(site)
            self._found[site] = moment, found
        if len(found) == 1:
            return found
        self._turns += 1
        first = self._turns % len(found)
        return sorted(found[first:] + found[:first], key=lambda address: self._is_bad(address, moment))

    @staticmethod
    def literal(site: Site) -> list[Address]:
        """Give the address that a host is, in whatever spelling; none where it is a name."""
        return _addresses(site, socket.AI_NUMERICHOST)

    def bad(self, site: Site, address: Address) -> None:
        """Say that an address could not be reached; when none can, the name is asked for again."""
        self._bad[address[1]] = time.monotonic()
        _, found = self._found.get(site, (0.0, []))
        if all(self._is_bad(other, time.monotonic()) for other in found):
            self._found.pop(site, None)

    def _is_bad(self, address: Address, moment: float) -> bool:
        return moment - self._bad.get(address[1], -BAD_FOR) < BAD_FOR

    async def _look_up(self, site: Site) -> list[Address]:
        if literal := self.literal(site):
            return literal
        from processing_agent.engines.fast.waiting import (  # noqa: PLC0415 - loaded only when it is needed
            Shared,
            aside,
        )

        shared = self._lookups.get(site)
        if shared is None:
            shared = self._lookups[site] = Shared(self._loop, lambda: aside(self._loop, lambda: _addresses(site)))
        found: list[Address] = await shared.result()
        return found


def _addresses(site: Site, flags: int = 0) -> list[Address]:
    # bytes, since for a text the standard library loads its whole support of international names
    host = site.host.encode("ascii") if site.host.isascii() else site.host.encode("idna")
    try:
        answers = socket.getaddrinfo(host, site.port, type=socket.SOCK_STREAM, flags=flags)
    except socket.gaierror as error:
        if flags:
            return []
        raise socket.gaierror(error.errno, f"the name {site.host} cannot be resolved: {error.strerror}") from None
    return [(answer[0], answer[4]) for answer in answers]
