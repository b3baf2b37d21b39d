"""One keep-alive connection: an HTTP/1.1 exchange as straight-line code over a non-blocking socket."""

from __future__ import annotations

import select

from processing_agent.engines.fast.bodies import CUT_SHORT, chunked, counted, until_closed
from processing_agent.engines.fast.loop import Later, Loop
from processing_agent.engines.fast.messages import FilePart, FileShrank, FileSink, Pace, Request, Sink, Stalled
from processing_agent.engines.fast.streams import Plain
from processing_agent.light import TYPE_CHECKING
from processing_agent.s3.http import Answer, BadAnswer, parse_head

if TYPE_CHECKING:
    import socket

    from processing_agent.engines.fast.pipe import Pipe
    from processing_agent.engines.fast.quick import Begun, Quick
    from processing_agent.engines.fast.streams import Stream

BUFFER = 512 << 10  # bytes read at once: more does not fit the processor's cache, in which the checksum finds them
HEAD = 16 << 10  # bytes read first: what comes with an answer's head is copied, a whole buffer would be too much
MOST_HEAD = 64 << 10
MOST_BODY = 64 << 20  # of answers that are kept in memory: a list of 1,000 keys has 2 MB at most
BLOCKS_A_TURN = 8  # then the other connections have theirs
NO_BODY = {204, 304}
NO_BODY_TO = {"HEAD", "CONNECT"}  # after a CONNECT come the bytes of whom it connects with
FIRST_FINAL = 200
LEAST = 20 << 10  # bytes of a body within `messages.QUIET` seconds
SEND_AT_ONCE = 256 << 10
WORTH_A_PIPE = 1 << 20  # bytes still to come


class Connection:
    """Serves one exchange after another; `reusable` says whether the next one may use it."""

    def __init__(self, loop: Loop, sock: socket.socket, buffer: memoryview, pipe: Pipe) -> None:
        self._loop, self.socket, self._buffer, self._pipe = loop, sock, buffer, pipe
        self._stream: Stream = Plain(sock)
        self._fd = sock.fileno()
        self._waiting: Later[int] | None = None
        self.quick: Quick | None = None  # drives the current exchange in place of a coroutine
        self.pace = Pace()
        self.reusable = True
        self.used = False  # an exchange has ended on it
        self.answered = False  # a byte of the current answer has come
        self._is_plain = True
        self._blocks = 0
        loop.watch(self._fd, self)

    def encrypt(self, stream: Stream) -> None:
        """Use TLS from now on."""
        self._stream, self._is_plain = stream, False

    def happened(self, mask: int) -> None:
        """See `Watcher`."""
        if self.quick is not None:
            self.quick.happened(mask)
            return
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.set(mask)
        elif mask & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR):
            self.reusable = False

    def check(self, now: float) -> None:
        """End an exchange that has stalled."""
        if (self._waiting is not None or self.quick is not None) and self.pace.is_too_slow(now):
            stalled = Stalled(f"nothing, or next to nothing, has moved for {self.pace.within:.0f} s")
            waiting, self._waiting = self._waiting, None
            if self.quick is not None:
                self.quick.stop(stalled)
            elif waiting is not None:
                waiting.fail(stalled)

    def write_some(self, data: memoryview) -> int:
        """Give how many bytes were taken; BlockingIOError when none can be now."""
        size = self._stream.write(data)
        self.pace.moved += size
        return size

    def flush(self) -> None:
        """Send what was taken; BlockingIOError when it is not all sent."""
        self._stream.flush()

    def read_some(self) -> memoryview:
        """Give what has come, until the next call of anybody; none at the end. BlockingIOError: nothing has."""
        size = self._stream.read_into(self._buffer)
        self.pace.moved += size
        self.answered = self.answered or size > 0
        return self._buffer[:size]

    async def ready(self) -> int:
        """Wait until the socket may do more."""
        self._waiting = later = Later[int](self._loop)
        return await later

    def close(self) -> None:
        """Let go of the socket."""
        if self._fd >= 0:
            self._loop.forget(self._fd)
            self.socket.close()
            self._fd, self.reusable = -1, False

    def begin(self) -> None:
        """Take note that an exchange begins."""
        self.answered = False
        self.pace.reset(LEAST)

    async def exchange(self, request: Request, begun: Begun | None = None) -> Answer:
        """Send a request and take its answer, or go on with what was `begun`.

        Raises:
            OSError: the network, or too slow.
            BadAnswer: no HTTP, or a success of what was not all sent.
            FileShrank: the body's file.
        """
        whole = False
        try:
            try:
                sent = await (self._send(request) if begun is None else self._send_rest(begun))
            except (BrokenPipeError, ConnectionResetError):
                sent = False  # but it may have said why
            self.reusable = self.reusable and sent
            answer = await self._receive(request, b"" if begun is None else bytes(begun.received))
            if answer.is_success and not sent:  # it cannot have kept what it has not had
                raise BadAnswer("a success came before all of the body was sent")
            whole = True
        finally:
            self.used = True
            if not whole:
                self.close()
        if answer.headers.get("connection", "").lower() == "close":
            self.reusable = False
        return answer

    async def _send_rest(self, begun: Begun) -> bool:
        if begun.error is not None:
            raise begun.error
        if begun.received:
            return not begun.unsent
        return await self._write(begun.unsent)

    async def _send(self, request: Request) -> bool:
        """Tell whether all was sent; if not, the answer has come before, which is a refusal."""
        self.begin()
        head, body = request.head, request.body
        if isinstance(body, FilePart):
            return await self._write(head) and await self._write_file(body)
        if len(body) <= SEND_AT_ONCE:
            return await self._write(head + body)
        return await self._write(head) and await self._write(body)

    async def _write(self, data: bytes | memoryview) -> bool:
        view = memoryview(data)
        while view:
            try:
                size = self._stream.write(view)
            except BlockingIOError:
                if not await self._may_write():
                    return False
                continue
            view = view[size:]
            self.pace.moved += size
        return await self._flushed()

    async def _write_file(self, part: FilePart) -> bool:
        offset, left, blocks = part.offset, part.size, 0
        while left:
            try:
                size = self._stream.write_file(part.fd, offset, left)
            except BlockingIOError:
                if not await self._may_write():
                    return False
                continue
            if not size:
                raise FileShrank
            offset, left, blocks = offset + size, left - size, blocks + 1
            self.pace.moved += size
            if blocks % BLOCKS_A_TURN == 0:
                await self._loop.turn()
        return await self._flushed()

    async def _flushed(self) -> bool:
        while True:
            try:
                self._stream.flush()
            except BlockingIOError:
                if not await self._may_write():
                    return False
            else:
                return True

    async def _may_write(self) -> bool:
        """Wait for room; False when the store has answered already."""
        return not (await self.ready() & select.EPOLLIN and self._is_plain)

    async def block(self, most: int | None = None) -> memoryview:
        """See `bodies.Source`."""
        await self._turn()
        while True:
            try:
                size = self._stream.read_into(self._buffer[:most])
            except BlockingIOError:
                await self.ready()
                continue
            self.pace.moved += size
            self.answered = self.answered or size > 0
            return self._buffer[:size]

    async def _turn(self) -> None:
        self._blocks += 1
        if self._blocks % BLOCKS_A_TURN == 0:
            await self._loop.turn()

    async def _splice(self, left: int, sink: FileSink) -> None:
        while left > 0:
            await self._turn()
            try:
                size = self._pipe.take(self._fd, left)
            except BlockingIOError:
                await self.ready()
                continue
            if not size:
                raise ConnectionResetError(CUT_SHORT)
            self.pace.moved += size
            left -= size
            sink.splice(self._pipe, size)

    async def _receive(self, request: Request, rest: bytes) -> Answer:
        self.pace.reset(1)
        while True:
            head, rest = await self._head(rest)
            answer = parse_head(head)
            if answer.status >= FIRST_FINAL:
                break
        if request.method in NO_BODY_TO or answer.status in NO_BODY:
            return answer
        sink = request.sink if answer.is_success else None
        if sink is not None:
            sink.begin(answer)
            self.pace.reset(LEAST)
        await self._body(answer, sink, rest)
        return answer

    async def _head(self, head: bytes) -> tuple[bytes, bytes]:
        while (end := head.find(b"\r\n\r\n")) < 0:
            block = await self.block(HEAD)
            if not block:
                raise ConnectionResetError("the connection was closed before the answer")
            head += bytes(block)
            if len(head) > MOST_HEAD:
                raise BadAnswer("the answer's head does not end")
        return head[:end], head[end + 4 :]

    async def _body(self, answer: Answer, sink: Sink | None, rest: bytes) -> None:
        kept = bytearray()

        def take(block: memoryview) -> None:
            if sink is not None:
                sink.write(block)
                return
            kept.extend(block)
            if len(kept) > MOST_BODY:
                raise BadAnswer("the answer's body does not end")

        if "chunked" in answer.headers.get("transfer-encoding", "").lower():
            await chunked(self, rest, take)
        elif (length := answer.length) is not None:
            if self._is_plain and length - len(rest) >= WORTH_A_PIPE and isinstance(sink, FileSink):
                take(memoryview(rest)[:length])
                await self._splice(length - len(rest), sink)
            else:
                await counted(self, rest, length, take)
        else:
            self.reusable = False
            await until_closed(self, rest, take)
        answer.body = bytes(kept)
