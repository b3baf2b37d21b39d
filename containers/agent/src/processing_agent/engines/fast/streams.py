"""Bytes over a non-blocking socket, plain or through TLS.

`ssl.MemoryBIO` and not `SSLSocket`: records are read from the socket a megabyte at a time, and what is written leaves
in one piece.
"""

from __future__ import annotations

import os

from processing_agent.light import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import socket
    import ssl
    from typing import Any

TLS_BLOCK = 256 << 10  # bytes of a file encrypted at once
SEND_FILE = 1 << 20


class Stream(Protocol):
    """Every method raises BlockingIOError when nothing is possible now."""

    def read_into(self, view: memoryview) -> int:
        """Give how many bytes came; 0 at the end."""

    def write(self, data: memoryview) -> int:
        """Give how many bytes were taken."""

    def write_file(self, fd: int, offset: int, size: int) -> int:
        """Send from a file; give how many bytes were taken, 0 when it has no more."""

    def flush(self) -> None:
        """Send what was taken and not sent yet."""


class Plain:
    """No TLS: the kernel does the copying."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def read_into(self, view: memoryview) -> int:
        """See `Stream`."""
        return self._socket.recv_into(view)

    def write(self, data: memoryview) -> int:
        """See `Stream`."""
        return self._socket.send(data)

    def write_file(self, fd: int, offset: int, size: int) -> int:
        """See `Stream`."""
        return os.sendfile(self._socket.fileno(), fd, offset, min(size, SEND_FILE))

    def flush(self) -> None:
        """See `Stream`: nothing is kept back."""


class Tls:
    """TLS in memory, between two buffers and the socket."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str, scratch: memoryview) -> None:
        """`scratch` is used within a call only, so that connections may share it."""
        import ssl  # noqa: PLC0415 - loaded only when it is needed: starting fast counts

        self._socket, self._scratch = sock, scratch
        self._wants_read = ssl.SSLWantReadError
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=host)
        self._unsent = memoryview(b"")
        self._ended = False

    def handshake(self) -> None:
        """Go on with the handshake; BlockingIOError until it is done."""
        while True:
            try:
                self._tls.do_handshake()
            except self._wants_read:
                self.flush()
                self._fill()
                if self._ended:
                    raise ConnectionResetError("closed in the TLS handshake") from None
            else:
                self.flush()
                return

    def _fill(self) -> None:
        size = self._socket.recv_into(self._scratch)
        if size:
            self._in.write(self._scratch[:size])
        else:
            self._ended = True
            self._in.write_eof()

    def read_into(self, view: memoryview) -> int:
        """See `Stream`. Records that are there are gathered: less calls for the same bytes."""
        got = 0
        while got < len(view):
            try:
                size: Any = self._tls.read(len(view) - got, view[got:])  # a number, when a buffer is given
            except self._wants_read:
                if got or self._ended:
                    break
                self._fill()
                continue
            if not size:
                break
            got += size
        return got

    def write(self, data: memoryview) -> int:
        """See `Stream`."""
        self.flush()
        size = self._tls.write(data[:TLS_BLOCK])
        self._send_some()
        return size

    def write_file(self, fd: int, offset: int, size: int) -> int:
        """See `Stream`."""
        self.flush()
        block = os.pread(fd, min(size, TLS_BLOCK), offset)
        return self.write(memoryview(block)) if block else 0

    def flush(self) -> None:
        """See `Stream`."""
        while self._unsent or self._out.pending:
            if not self._unsent:
                self._unsent = memoryview(self._out.read())
            self._unsent = self._unsent[self._socket.send(self._unsent) :]

    def _send_some(self) -> None:
        try:
            self.flush()
        except BlockingIOError:
            return  # taken all the same; the next call sends it first
