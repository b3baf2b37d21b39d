"""A proxy before the API server that loses requests and answers on demand: a crash or a network at a chosen call."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

How = Literal["before", "after", "hang before", "hang after"]
_KEPT = ("content-type", "accept", "authorization", "user-agent")


@dataclass
class Fault:
    """What happens to calls that match.

    before: the connection is closed, the API server has heard nothing; after: the answer is lost. `hang` keeps the
    caller waiting instead, for as long as the proxy lives.
    """

    call: str
    how: How
    times: int = 1
    hit: threading.Event = field(default_factory=threading.Event)

    def takes(self, call: str) -> bool:
        if self.times <= 0 or not re.fullmatch(self.call, call):
            return False
        self.times -= 1
        return True


@dataclass
class Proxy:
    """Where it listens, and what it does wrong."""

    url: str
    faults: list[Fault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)
    flows: threading.Event = field(default_factory=threading.Event)
    open: set[socket.socket] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.flows.set()

    def freeze(self) -> None:
        """What is under way stands still, from the next bytes on: connections stay open and nothing comes."""
        self.flows.clear()

    def cut(self) -> None:
        """Break off what is under way; what was frozen flows again."""
        for connection in list(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.flows.set()

    def add(self, call: str, how: How, times: int = 1) -> Fault:
        """Spoil the next calls whose `VERB /path` (with `?watch` if it is one) matches the pattern."""
        fault = Fault(call, how, times)
        with self.lock:
            self.faults.append(fault)
        return fault

    def heal(self) -> None:
        """Nothing is spoiled any more."""
        with self.lock:
            self.faults.clear()

    def find(self, call: str) -> Fault | None:
        with self.lock:
            self.calls.append(call)
            return next((fault for fault in self.faults if fault.takes(call)), None)


@contextmanager
def running(target: str, authority: Path) -> Iterator[Proxy]:
    """A proxy before the API server."""
    context = ssl.create_default_context(cafile=str(authority))
    proxy = Proxy("")
    handler = type("Bound", (_Handler,), {"proxy": proxy, "target": urlsplit(target).netloc, "context": context})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.ended.set()
        proxy.cut()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy
    target: str
    context: ssl.SSLContext
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        fault = self.proxy.find(f"{self.command} {path}{'?watch' if 'watch=true' in query else ''}")
        if fault is not None and "before" in fault.how:
            self._break(fault)
            return
        try:
            self._forward(body, fault)
        except (OSError, http.client.HTTPException):
            self.close_connection = True  # one of the two sides has gone

    def _forward(self, body: bytes, fault: Fault | None) -> None:
        with closing(http.client.HTTPSConnection(self.target, context=self.context, timeout=60)) as upstream:
            self._exchange(upstream, body, fault)

    def _exchange(self, upstream: http.client.HTTPSConnection, body: bytes, fault: Fault | None) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() in _KEPT}
        upstream.request(self.command, self.path, body, headers)
        answer = upstream.getresponse()
        if fault is not None:
            answer.read()
            self._break(fault)
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.proxy.open.add(self.connection)
        try:
            while chunk := answer.read1(65536):
                self.proxy.flows.wait()
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            self.wfile.write(b"0\r\n\r\n")
        finally:
            self.proxy.open.discard(self.connection)

    def _break(self, fault: Fault) -> None:
        fault.hit.set()
        if "hang" in fault.how:
            self.proxy.ended.wait()
        self.close_connection = True

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - the library's names

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
