"""A forward proxy, for requests in the clear and, by CONNECT, for TLS. It forwards for real, and keeps a record.

Whatever name is asked for, it connects with `upstream`: so names that no resolver knows can be tried.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit

BLOCK = 64 << 10
OF_THE_HOP = {"connection", "proxy-connection", "proxy-authorization", "keep-alive", "transfer-encoding"}


@dataclass
class HttpProxy:
    """Listens on loopback, or another address of this machine.

    `password`: "user:password" that is asked for. `refuses`: the status of every refusal.
    """

    upstream: tuple[str, int]
    password: str = ""
    refuses: int = 0
    host: str = "127.0.0.1"
    seen: list[tuple[str, str]] = field(default_factory=list)  # method and target of what was let through

    def __post_init__(self) -> None:
        self._http = _Server((self.host, 0), _Handler)
        self._http.proxy = self

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """The value for HTTP_PROXY, with the password in its encoded form."""
        user, _, password = self.password.partition(":")
        who = f"{user}:{password.replace('@', '%40')}@" if self.password else ""
        return f"http://{who}{self.host}:{self.port}"

    def refusal(self, authorization: str) -> int:
        """Give the status of a refusal; 0: it is let through."""
        wanted = f"Basic {base64.b64encode(self.password.encode()).decode()}"
        return 407 if self.password and authorization != wanted else self.refuses

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: HttpProxy


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def _may(self) -> bool:
        status = self.server.proxy.refusal(self.headers.get("Proxy-Authorization", ""))
        if status:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            self.close_connection = True
            return False
        self.server.proxy.seen.append((self.command, self.path))
        return True

    def do_CONNECT(self) -> None:
        self.close_connection = True
        if not self._may():
            return
        with socket.create_connection(self.server.proxy.upstream) as server:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_pump, args=(server, self.connection), daemon=True)
            back.start()
            _pump(self.connection, server)
            back.join()

    def _forward(self) -> None:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self._may():
            return
        answer, content = self._asked(body)
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in OF_THE_HOP | {"content-length"}:
                self.send_header(name, value)
        length = answer.headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)

    def _asked(self, body: bytes) -> tuple[HTTPResponse, bytes]:
        target = urlsplit(self.path)._replace(scheme="", netloc="").geturl()
        with contextlib.closing(HTTPConnection(*self.server.proxy.upstream)) as upstream:
            upstream.putrequest(self.command, target, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in OF_THE_HOP | {"expect"}:
                    upstream.putheader(name, value)
            upstream.endheaders(body or None)
            answer = upstream.getresponse()
            return answer, answer.read()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _forward  # noqa: N815 - the base class's names

    def handle_expect_100(self) -> bool:
        return True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(BLOCK):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
