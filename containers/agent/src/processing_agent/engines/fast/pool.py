"""Connections that are open and free, and opening more."""

from __future__ import annotations

import errno
import os
import time

from processing_agent.engines.fast.connection import BUFFER, Connection
from processing_agent.engines.fast.faults import PROXY_AUTHENTICATION, SERVER_ERROR, proxy_step
from processing_agent.engines.fast.messages import Request
from processing_agent.engines.fast.names import Names
from processing_agent.engines.fast.pipe import Pipe
from processing_agent.engines.fast.streams import Tls
from processing_agent.light import TYPE_CHECKING
from processing_agent.s3.addresses import OPEN, forbidden, why_forbidden
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    import socket
    import ssl

    from processing_agent.engines.fast.loop import Loop
    from processing_agent.engines.fast.names import Address
    from processing_agent.s3.http import Site
    from processing_agent.s3.proxies import Proxies, Proxy
else:
    import _socket as socket  # in C beneath `socket`, which takes 12 ms to load: it brings `enum` and `selectors`

CONNECT_WITHIN = 5.0  # s
NEXT_WITHIN = 1.5  # s: an address that there is another for is given less
PROXY_VARIABLES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY")
IDLE = 30.0  # s after which a free connection is not trusted any more: stores and what stands before them close theirs


class Pool:
    """Hands out connections, the one used last first."""

    def __init__(self, loop: Loop, ca_bundle: str | None, guard: str = OPEN) -> None:
        self._loop, self._ca_bundle = loop, ca_bundle or os.environ.get("AWS_CA_BUNDLE") or None
        self._guard = guard
        self._buffer = memoryview(bytearray(BUFFER))
        self._pipe = Pipe()
        self._scratch: memoryview | None = None
        self._context: ssl.SSLContext | None = None
        self._free: dict[Site, list[tuple[float, Connection]]] = {}
        self._busy: set[Connection] = set()
        self._lacking = 0  # how often `free` has had none since one was opened
        self._names = Names(loop)
        self._proxies = _proxies()

    def check(self) -> None:
        """End what has stalled."""
        now = time.monotonic()
        for connection in list(self._busy):
            connection.check(now)

    def free(self, site: Site) -> Connection | None:
        """Give a free connection, if there is one; if not, a `take` that follows opens one more.

        Else there would always be a few less than what is under way, and every other object would find none.
        """
        found = self._free_one(site)
        if found is None:
            self._lacking += 1
        return found

    def _free_one(self, site: Site) -> Connection | None:
        free = self._free.get(site)
        while free:
            since, connection = free.pop()
            if connection.reusable and time.monotonic() - since < IDLE:
                self._busy.add(connection)
                return connection
            connection.close()
        return None

    async def take(self, site: Site, *, fresh: bool = False, direct: bool = False, patience: float = 0.0) -> Connection:
        """Give a free connection, or a new one; always a new one if `fresh`.

        `direct`: past any proxy, and wherever it is: a service of the platform. `patience`: s to connect, and without
        a byte then, where it should be less than usual.

        Raises:
            OSError: it cannot be reached, or is not whom it should be.
            StoreFault: the settings of proxy or CA bundle cannot be used, or nobody may have a store there.
        """
        is_short, self._lacking = self._lacking > 0, max(0, self._lacking - 1)
        found = None if fresh or is_short else self._free_one(site)
        if found is not None:
            return found
        if direct:
            return await self._open(site, None, patience, OPEN)
        return await self._open(site, self._proxy(site), patience, self._guard)

    def give_back(self, site: Site, connection: Connection) -> None:
        """Take back what `take` gave; what cannot be used again is closed."""
        self._busy.discard(connection)
        if connection.reusable:
            self._free.setdefault(site, []).append((time.monotonic(), connection))
        else:
            connection.close()

    def form(self, site: Site) -> tuple[str, str]:
        """Give what a request's head needs on its way to a server: before its path, and as further lines.

        Both are empty unless it goes through a proxy in the clear; these lines are not signed.
        """
        proxy = None if site.tls else self._proxy(site)
        return (f"http://{site.authority}", proxy.authorization) if proxy else ("", "")

    def _proxy(self, site: Site) -> Proxy | None:
        return self._proxies.of(site) if self._proxies else None

    async def _open(self, site: Site, proxy: Proxy | None, patience: float, guard: str) -> Connection:
        context = self._tls_context() if site.tls else None
        if proxy:  # which looks names up itself; an address is one here as there
            _allowed(site, self._names.literal(site), guard)
            connection = await self._connected(proxy.site, await self._names.of(proxy.site), patience, f"{proxy}: ")
        else:
            connection = await self._connected(site, _allowed(site, await self._names.of(site), guard), patience)
        connection.pace.quiet = patience
        opened = False
        try:
            if context is not None:
                if proxy:
                    await self._tunnel(connection, site, proxy)
                await self._encrypt(connection, context, site.host)
            opened = True
        finally:
            if not opened:
                self._drop(connection)
        return connection

    async def _connected(self, site: Site, addresses: list[Address], patience: float, through: str = "") -> Connection:
        for left, address in zip(reversed(range(len(addresses))), addresses, strict=True):
            try:
                return await self._connect(address, patience or (NEXT_WITHIN if left else CONNECT_WITHIN))
            except OSError as error:
                self._names.bad(site, address)
                if not left:
                    if through:
                        raise ConnectionError(f"{through}{error.strerror or error}") from None
                    raise
        raise AssertionError

    async def _connect(self, address: Address, within: float) -> Connection:
        family, where = address
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection = Connection(self._loop, sock, self._buffer, self._pipe)
        self._busy.add(connection)
        connected = False
        try:
            code = sock.connect_ex(where)
            if code == errno.EINPROGRESS:
                connection.pace.reset(1, within)
                await connection.ready()
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, os.strerror(code))
            connected = True
        finally:
            if not connected:
                self._drop(connection)
        return connection

    def _drop(self, connection: Connection) -> None:
        self._busy.discard(connection)
        connection.close()

    @staticmethod
    async def _tunnel(connection: Connection, site: Site, proxy: Proxy) -> None:
        """Have the proxy connect us (CONNECT of RFC 9110, 9.3.6).

        Raises:
            StoreFault: the proxy does not want to.
            OSError: it cannot, now.
        """
        where = f"{site.name}:{site.port}"
        head = f"CONNECT {where} HTTP/1.1\r\nhost: {where}\r\n{proxy.authorization}\r\n".encode("latin-1")
        answer = await connection.exchange(Request("CONNECT", head))
        connection.used = False
        if answer.is_success:
            return
        if answer.status >= SERVER_ERROR:
            raise ConnectionError(f"{proxy}: HTTP {answer.status}")
        if answer.status == PROXY_AUTHENTICATION:
            step = f"it asks for a user and a password: {proxy_step('HTTPS')}"
        else:
            step = f"it does not connect us with {site.host}: allow it there, or add the host to NO_PROXY"
        raise StoreFault(Kind.REJECTED, f"{proxy}: {step}", status=answer.status)

    async def _encrypt(self, connection: Connection, context: ssl.SSLContext, host: str) -> None:
        stream = Tls(connection.socket, context, host, self._scratch_view())
        connection.pace.reset(1)
        while True:
            try:
                stream.handshake()
            except BlockingIOError:
                await connection.ready()
            else:
                connection.encrypt(stream)
                return

    def _tls_context(self) -> ssl.SSLContext:
        if self._context is None:
            import ssl  # noqa: PLC0415 - loaded only when it is needed: starting fast counts

            try:
                self._context = ssl.create_default_context(cafile=self._ca_bundle)
            except OSError as error:  # of the file, or of what it holds
                why = error.strerror if error.errno and not isinstance(error, ssl.SSLError) else "no PEM certificate"
                step = "set s3.caBundle or AWS_CA_BUNDLE to a file with the authority's certificate"
                raise StoreFault(Kind.REJECTED, f"CA bundle {self._ca_bundle}: {why}: {step}") from None
        return self._context

    def _scratch_view(self) -> memoryview:
        if self._scratch is None:
            self._scratch = memoryview(bytearray(BUFFER))
        return self._scratch

    def forsake(self) -> None:
        """In a copy of the process: let go of what is another's, without a word to its loop."""
        for connection in self._busy:
            connection.socket.close()
        for free in self._free.values():
            for _, connection in free:
                connection.socket.close()

    def close(self) -> None:
        """Close what is free and what a broken-off transfer left."""
        for connection in self._busy:
            connection.close()
        for free in self._free.values():
            for _, connection in free:
                connection.close()
        self._busy.clear()
        self._free.clear()
        self._pipe.close()


def _allowed(site: Site, addresses: list[Address], guard: str) -> list[Address]:
    """Leave out addresses that a store must not have.

    Raises:
        StoreFault: DENIED, there are no others.
    """
    reasons = [why_forbidden(address[1][0], guard) for address in addresses]
    allowed = [address for address, why in zip(addresses, reasons, strict=True) if not why]
    if reasons and not allowed:
        raise forbidden(site.host, addresses[0][1][0], reasons[0])
    return allowed


def _proxies() -> Proxies | None:
    if not any(os.environ.get(name) for name in PROXY_VARIABLES):
        return None
    from processing_agent.s3.proxies import Proxies  # noqa: PLC0415 - loaded only when it is needed

    return Proxies(os.environ)
