from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

from processing_operator.controller.health import Answer, HealthServer, verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    answers = {
        "/healthz": lambda: verdict({"the queue": False}),
        "/readyz": lambda: verdict({"the watch": True, "the list": True, "x": False}),
        "/metrics": lambda: Answer(ok=True, body=b"a 1\n"),
    }
    task = asyncio.create_task(HealthServer(answers, port=port, host="127.0.0.1").run())
    await asyncio.sleep(0.05)
    yield port
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def ask(port: int, request: bytes) -> tuple[str, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition("\r\n\r\n")
    return head.partition("\r\n")[0], body


async def test_paths() -> None:
    async with serving() as port:
        assert await ask(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") == ("HTTP/1.1 200 OK", "ok\n")
        assert await ask(port, b"GET /readyz?verbose HTTP/1.1\r\n\r\n") == (
            "HTTP/1.1 503 Service Unavailable",
            "the watch\nthe list\n",
        )
        assert await ask(port, b"GET /metrics HTTP/1.1\r\n\r\n") == ("HTTP/1.1 200 OK", "a 1\n")
        assert (await ask(port, b"GET /else HTTP/1.1\r\n\r\n"))[0] == "HTTP/1.1 404 Not Found"


async def test_nonsense_is_answered_and_the_server_lives_on() -> None:
    async with serving() as port:
        assert (await ask(port, b"\r\n\r\n"))[0] == "HTTP/1.1 404 Not Found"
        assert await ask(port, b"x" * 100_000 + b"\r\n") == ("", ""), "a line without end is cut off"
        assert (await ask(port, b"GET /healthz HTTP/1.1\r\n\r\n"))[0] == "HTTP/1.1 200 OK"
