"""The three ways in which HTTP/1.1 says where a body ends (RFC 9112, 6.3)."""

from __future__ import annotations

from processing_agent.light import TYPE_CHECKING, Protocol
from processing_agent.s3.http import BadAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

HEX = 16
MOST_SIZE_LINE = 1024
CUT_SHORT = "the answer was cut short"


class Source(Protocol):
    """Where bytes come from: each block stands until the next wait of anybody."""

    async def block(self, most: int | None = None) -> memoryview:
        """Give the next bytes, `most` at most; none at the end."""


async def counted(source: Source, rest: bytes, length: int, take: Callable[[memoryview], None]) -> None:
    """Take `length` bytes, the first of them in `rest`.

    Raises:
        ConnectionResetError: there are less.
    """
    if rest:
        take(memoryview(rest)[:length])
    left = length - len(rest)
    while left > 0:
        block = await source.block(left)
        if not block:
            raise ConnectionResetError(CUT_SHORT)
        left -= len(block)
        take(block)


async def until_closed(source: Source, rest: bytes, take: Callable[[memoryview], None]) -> None:
    """Take everything until the end of the connection."""
    take(memoryview(rest))
    while block := await source.block():
        take(block)


async def chunked(source: Source, rest: bytes, take: Callable[[memoryview], None]) -> None:
    """Take chunks until the empty one; trailers are read and dropped.

    Raises:
        ConnectionResetError: there is no empty one.
        BadAnswer: no chunks.
    """
    size = 1
    while size:
        line, rest = await _line(source, rest)
        try:
            size = int(line.partition(b";")[0], HEX)
        except ValueError:
            raise BadAnswer("a chunk without its size") from None
        rest = await _chunk(source, rest, size, take)
        if size:
            line, rest = await _line(source, rest)
            if line:
                raise BadAnswer("a chunk is longer than it says")
    while line:
        line, rest = await _line(source, rest)


async def _chunk(source: Source, rest: bytes, size: int, take: Callable[[memoryview], None]) -> bytes:
    now, rest = rest[:size], rest[size:]
    if now:
        take(memoryview(now))
    if size > len(now):
        await counted(source, b"", size - len(now), take)
    return rest


async def _line(source: Source, rest: bytes) -> tuple[bytes, bytes]:
    while b"\r\n" not in rest:
        block = await source.block()
        if not block:
            raise ConnectionResetError(CUT_SHORT)
        rest += bytes(block)
        if len(rest) > MOST_SIZE_LINE and b"\r\n" not in rest:
            raise BadAnswer("a chunk without its size")
    line, _, rest = rest.partition(b"\r\n")
    return line, rest
