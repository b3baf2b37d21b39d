"""A TCP proxy in front of the real S3 server that injects faults and keeps a record of the requests.

It passes bytes through unchanged (signatures stay right), counts what the client sends, can hold a transfer at an exact
byte so that a test can act in the middle of it, and can refuse every connection for an outage.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

_LINE = re.compile(rb"^([A-Z]+) (\S+) HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_RANGE = re.compile(rb"\r\nrange: *bytes=(\d+)-(\d+)\r\n", re.IGNORECASE)
_CHUNK = 64 * 1024
_QUIET_WITHIN = 120.0  # s: more than a server takes on a busy machine


@dataclass(frozen=True)
class Request:
    """One request as the client sent it, with the server's answer; status 0 while there is none."""

    method: str
    target: str
    status: int = 0
    span: range = range(0)  # of bytes, that it asked for


def _any(_: Request) -> bool:
    return True


@dataclass
class Gate:
    """Holds the bytes of one direction once `after` of them have passed, until `release`; those of `which` requests."""

    after: int
    which: Callable[[Request], bool] = _any
    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)
    passed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def pass_through(self, size: int, request: Request | None = None) -> None:
        if request and not self.which(request):
            return
        with self.lock:
            self.passed += size
            hold = self.passed > self.after
        if hold:
            self.reached.set()
            self.opened.wait()

    def release(self) -> None:
        self.opened.set()


class S3Proxy:
    """Listens on `address`, forwards to `upstream` ("host:port")."""

    def __init__(self, address: str, upstream: tuple[str, int]) -> None:
        self._upstream = upstream
        self._listener = socket.create_server((address, 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._fewer = threading.Condition(self._lock)
        self._requests: list[Request] = []
        self._down = threading.Event()
        self.upload_gate: Gate | None = None
        self.download_gate: Gate | None = None
        # bytes of the answers to replace by others of the same length: what a hostile store might say
        self.rewrite: tuple[bytes, bytes] = (b"", b"")
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def endpoint(self) -> str:
        host, port = self._listener.getsockname()[:2]
        return f"http://{host}:{port}"

    @property
    def requests(self) -> list[Request]:
        with self._lock:
            return list(self._requests)

    def completed(self, method: str, contains: str) -> list[Request]:
        """Requests that the server answered with success."""
        return [r for r in self.requests if r.method == method and contains in r.target and r.status == HTTPStatus.OK]

    def outage(self) -> None:
        """Refuse new connections and cut those that are open, until `recover`."""
        self._down.set()
        self.cut()

    def recover(self) -> None:
        self._down.clear()

    def cut(self) -> None:
        """Reset every open connection."""
        with self._lock:
            sockets = list(self._open)
        for sock in sockets:
            _shut(sock)

    def await_quiet(self) -> None:
        """Wait until the server has dealt with everything that a killed client had sent: no connection is open."""
        with self._fewer:
            if not self._fewer.wait_for(lambda: not self._open, _QUIET_WITHIN):
                raise TimeoutError(f"{len(self._open)} sockets are still open after {_QUIET_WITHIN:.0f} s")

    def close(self) -> None:
        for gate in (self.upload_gate, self.download_gate):
            if gate:
                gate.release()
        _shut(self._listener)
        self._listener.close()
        self.cut()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._down.is_set():
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._upstream)
        except OSError:
            client.close()
            return
        with self._lock:
            self._open |= {client, server}
        pending: list[Request] = []
        back = threading.Thread(target=self._copy_answers, args=(server, client, pending), daemon=True)
        back.start()
        try:
            self._copy_requests(client, server, pending)
        except OSError:
            pass
        finally:
            _shut(server, socket.SHUT_WR)  # and not both: what it has in hand, it is to answer
            back.join()
            client.close()
            server.close()
            with self._fewer:
                self._open -= {client, server}
                self._fewer.notify_all()

    def _copy_requests(self, client: socket.socket, server: socket.socket, pending: list[Request]) -> None:
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                data = client.recv(_CHUNK)
                if not data:
                    return
                buffer += data
            end = buffer.index(b"\r\n\r\n") + 4
            head, buffer = buffer[:end], buffer[end:]
            request = _parse(head)
            if request:
                pending.append(request)
            server.sendall(head)
            length = _LENGTH.search(head)
            buffer = self._copy_body(client, server, buffer, int(length[1]) if length else 0, request)

    def _copy_body(
        self, client: socket.socket, server: socket.socket, buffer: bytes, left: int, request: Request | None
    ) -> bytes:
        while left:
            data = buffer[:left] if buffer else client.recv(min(_CHUNK, left))
            if not data:
                raise ConnectionError
            buffer = buffer[len(data) :]
            left -= len(data)
            if self.upload_gate:
                self.upload_gate.pass_through(len(data), request)
            server.sendall(data)
        return buffer

    def _copy_answers(self, server: socket.socket, client: socket.socket, pending: list[Request]) -> None:
        answered: Request | None = None
        try:
            while data := server.recv(_CHUNK):
                # An answer begins a read in practice: the client sends its next request only after the last answer.
                head = data.split(b"\r\n\r\n", 1)[1] if data.startswith(b"HTTP/1.1 100") else data
                if head.startswith(b"HTTP/1.1 ") and pending:
                    answered = replace(pending.pop(0), status=int(head[9:12]))
                    with self._lock:
                        self._requests.append(answered)
                if self.download_gate:
                    self.download_gate.pass_through(len(data), answered)
                old, new = self.rewrite
                client.sendall(data.replace(old, new) if old else data)
        except OSError:
            pass
        finally:
            _shut(client)


def _parse(head: bytes) -> Request | None:
    line, span = _LINE.match(head), _RANGE.search(head)
    if line is None:
        return None
    asked = range(int(span[1]), int(span[2]) + 1) if span else range(0)
    return Request(line[1].decode(), line[2].decode("latin-1"), span=asked)


def _shut(sock: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(how)
