"""/healthz, /readyz and /metrics on one small HTTP server."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_log = logging.getLogger(__name__)
_PATIENCE_SECONDS: Final = 5.0
_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"


class Answer(NamedTuple):
    """What one path answers."""

    ok: bool
    body: bytes


class HealthServer:
    """Answers GET with what the functions say.

    One request a connection, closed after it: probes and scrapes are rare, and a connection kept open would be one more
    to wait for at the end.
    """

    def __init__(self, answers: Mapping[str, Callable[[], Answer]], *, port: int, host: str | None = None) -> None:
        self._answers = answers
        self._host = host
        self._port = port

    async def run(self) -> None:
        """Until cancelled.

        Raises:
            OSError: the port is taken.
        """
        server = await asyncio.start_server(self._serve, self._host, self._port)
        async with server:
            await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                request = (await reader.readline()).split()
                while (await reader.readline()).strip():
                    pass  # headers: none of them matters
                writer.write(self._respond(request))
                await writer.drain()
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError) as error:
            _log.debug("health request broken off: %s", error)
        finally:
            writer.close()

    def _respond(self, request: list[bytes]) -> bytes:
        path = request[1].decode(errors="replace").partition("?")[0] if len(request) > 1 else ""
        answer = self._answers.get(path)
        if answer is None:
            return _render("404 Not Found", b"not found\n")
        ok, body = answer()
        return _render("200 OK" if ok else "503 Service Unavailable", body)


def _render(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {_TEXT}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def verdict(problems: Mapping[str, bool]) -> Answer:
    """200 `ok`, or 503 with the names of what is wrong."""
    wrong = [name for name, is_wrong in problems.items() if is_wrong]
    return Answer(not wrong, ("\n".join(wrong) if wrong else "ok").encode() + b"\n")
