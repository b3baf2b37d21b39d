"""HTTP around the store and its faults: one thread a connection, on a loopback port of its own."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any, Self

from tests.support.fault_server.faults import Fault
from tests.support.fault_server.messages import Answer, Ending, Request, Seen, parse_target
from tests.support.fault_server.store import Store
from tests.support.fault_server.uploads import Uploads
from tests.support.s3_proxy import Gate

BLOCK = 64 << 10
REFUSAL = 300  # HTTP statuses from here on give nothing of an object
UNSPECIFIED = bytes(16)  # a socket address of the family AF_UNSPEC
QUIET_WITHIN = 120.0  # s: more than it takes on a busy machine


def reset(connection: socket.socket) -> None:
    """Send RST now, whoever else has the socket open: an engine's forked workers may hold copies of it.

    connect(2): "TCP sockets may dissolve the association by connecting to an address with the sa_family AF_UNSPEC".
    """
    ctypes.CDLL(None).connect(connection.fileno(), UNSPECIFIED, len(UNSPECIFIED))


@dataclass
class Rule:
    """Injects a fault into the matching requests number `nth` and on, so many times."""

    fault: Fault
    operation: str
    key: str | None
    nth: int
    times: float
    early: bool
    matched: int = 0

    def takes(self, request: Request, *, early: bool) -> bool:
        """Count a request that matches; tell whether it is to go wrong."""
        if (
            self.early is not early
            or self.operation not in {"", request.operation}
            or self.key not in {None, request.key}
        ):
            return False
        self.matched += 1
        return self.nth <= self.matched < self.nth + self.times


class FaultServer(ThreadingTCPServer):
    """A store at `endpoint`; `store`, `uploads` are its content, `seen` the record of requests."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256
    host = "127.0.0.1"

    def __init__(self) -> None:
        super().__init__((self.host, 0), _Handler)
        self.base = ""  # the path that everything is below
        self.store = Store()
        self.uploads = Uploads(self.store)
        self.down_gate: Gate | None = None
        self.up_gate: Gate | None = None
        self._rules: list[Rule] = []
        self._seen: list[Seen] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def endpoint(self) -> str:
        """The address for a client."""
        return f"http://127.0.0.1:{self.server_address[1]}{self.base}"

    def inject(
        self,
        fault: Fault,
        operation: str = "",
        key: str | None = None,
        *,
        nth: int = 1,
        times: float = 1,
        early: bool = False,
    ) -> None:
        """Let the `nth` matching request and those after it, `times` in all, go wrong. The first rule wins.

        `early`: the answer is sent before the request's body is read, and nothing is read any more.
        """
        with self._lock:
            self._rules.append(Rule(fault, operation, key, nth, times, early))

    def always(self, fault: Fault, operation: str = "", key: str | None = None) -> None:
        """Let every matching request go wrong."""
        self.inject(fault, operation, key, times=float("inf"))

    def seen(self, operation: str = "", key: str | None = None) -> list[Seen]:
        """Give the requests so far, in the order of their arrival."""
        with self._lock:
            return [s for s in self._seen if operation in {"", s.operation} and key in {None, s.key}]

    def refusal(self, request: Request) -> Answer | None:
        """Give the answer to a request whose body is not read; None: it is to be read."""
        fault = self._chosen(request, early=True)
        return fault(request, self.store.answer) if fault else None

    def respond(self, request: Request) -> Answer:
        """Give a request's answer, by the first rule that wants it, else by the store."""
        fault = self._chosen(request, early=False)
        return fault(request, self.store.answer) if fault else self.store.answer(request)

    def _chosen(self, request: Request, *, early: bool) -> Fault | None:
        with self._lock:
            fitting = [rule.fault for rule in self._rules if rule.takes(request, early=early)]
        return fitting[0] if fitting else None

    def note(self, seen: Seen) -> None:
        """Take a request into the record."""
        with self._lock:
            self._seen.append(seen)

    @contextlib.contextmanager
    def connected(self, connection: socket.socket) -> Iterator[None]:
        """Keep count of open connections."""
        with self._lock:
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)

    def await_quiet(self) -> None:
        """Wait until everything that a killed client had sent is dealt with."""
        deadline = time.monotonic() + QUIET_WITHIN
        while self._open:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self._open)} connections are still open")
            time.sleep(0.01)

    def shutdown_request(self, request: Any) -> None:
        """Close without the base class's orderly end: it may have been reset."""
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break are what this server is for."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for gate in (self.down_gate, self.up_gate):
            if gate:
                gate.release()
        self.shutdown()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FaultServer

    def handle(self) -> None:
        with self.server.connected(self.connection), contextlib.suppress(OSError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass

    def _one(self) -> None:
        if not self.path.startswith(f"{self.server.base}/"):
            self.send_error(404)
            return
        bucket, key, query = parse_target(self.path.removeprefix(self.server.base))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, bucket, key, query, headers)
        seen = Seen(request)
        if refusal := self.server.refusal(request):
            self.server.note(seen)
            self._send(replace(refusal, ending=Ending.CLOSE), seen)
            return
        if headers.get("expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        seen.request = replace(request, body=self._body())
        self.server.note(seen)
        self._send(self.server.respond(seen.request), seen)

    def handle_expect_100(self) -> bool:
        """Leave it to `_one`, which may not want the body."""
        return True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _one  # noqa: N815 - the base class's names

    def _body(self) -> bytes:
        left = int(self.headers.get("Content-Length", 0))
        blocks = []
        while left:
            block = self.rfile.read(min(left, BLOCK))
            if not block:
                raise ConnectionError
            if self.server.up_gate:
                self.server.up_gate.pass_through(len(block))
            blocks.append(block)
            left -= len(block)
        return b"".join(blocks)

    def _send(self, answer: Answer, seen: Seen) -> None:
        time.sleep(answer.late)
        if not answer.silent:
            seen.status = answer.status
            self._send_head(answer)
            if self.command != "HEAD":
                self._send_body(answer, seen)
        seen.whole = not answer.silent and answer.status < REFUSAL and seen.sent == answer.length
        self._end(answer.ending)

    def _send_head(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in {"Date": self.date_time_string(), "x-amz-request-id": "1", **answer.headers}.items():
            self.send_header(name, value)
        if answer.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif answer.status != 204:
            self.send_header("Content-Length", str(answer.length))
        self.end_headers()

    def _send_body(self, answer: Answer, seen: Seen) -> None:
        most = answer.length if answer.only is None else min(answer.only, answer.length)
        step = answer.chunked or BLOCK
        for begin in range(0, most, step):
            data = answer.read(begin, min(begin + step, most))
            if self.server.down_gate:
                self.server.down_gate.pass_through(len(data))
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data) if answer.chunked else data)
            seen.sent += len(data)
        for begin in range(most, answer.length if answer.every else most):
            time.sleep(answer.every)
            self.wfile.write(answer.read(begin, begin + 1))
            seen.sent += 1
        if answer.chunked and most == answer.length:
            self.wfile.write(b"0\r\n\r\n")

    def _end(self, ending: Ending) -> None:
        if ending is Ending.KEEP:
            return
        self.close_connection = True
        if ending is Ending.STALL:
            self.connection.recv(1)  # until the client has had enough, or the server ends
        elif ending is Ending.RESET:
            reset(self.connection)
        else:
            self.connection.shutdown(socket.SHUT_RDWR)  # and not only closed, for the same reason as in `reset`
