"""Small objects without a coroutine each: success is dealt with here, everything else by the ordinary way.

A coroutine's way through all the rules of retrying costs several times what the exchange of a small object does. So an
exchange begins here, driven by the loop's events alone. The moment it is anything but a plain success (an error, a
chunked answer, a wrong checksum, a full disk, a closed connection) it is handed over as it stands to a coroutine, which
goes on with the same request and judges it by the same rules as any other.
"""

from __future__ import annotations

import select

from processing_agent.light import TYPE_CHECKING
from processing_agent.s3.http import BadAnswer, parse_head

if TYPE_CHECKING:
    from processing_agent.credentials import Keys
    from processing_agent.engines.fast.connection import Connection
    from processing_agent.engines.fast.requests import Requests
    from processing_agent.s3.http import Answer, Site

MOST = 256 << 10  # bytes of an object that are held in memory until they are whole
MOST_HEAD = 64 << 10
OK = 200
NOTHING = memoryview(b"")


class Begun:
    """An exchange that was begun here and has to be ended by a coroutine."""

    __slots__ = ("connection", "error", "keys", "received", "site", "unsent")

    def __init__(self, site: Site, connection: Connection, keys: Keys) -> None:
        self.site, self.connection, self.keys = site, connection, keys
        self.unsent = NOTHING
        self.received = bytearray()
        self.error: OSError | None = None


class Quick:
    """One exchange. Subclasses say what success is (`take`) and who goes on otherwise (`hand_over`)."""

    __slots__ = ("_answer", "_begin", "_begun", "_end", "_requests")

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._answer: Answer | None = None
        self._begin = self._end = 0

    def take(self, answer: Answer, body: memoryview) -> bool:
        """Take a whole answer of status 200; False hands it over. The view ends with the call."""
        raise NotImplementedError

    def hand_over(self, begun: Begun) -> None:
        """Let a coroutine go on."""
        raise NotImplementedError

    def send(self, begun: Begun, data: bytes) -> None:
        """Begin, on a connection that is free."""
        self._begun = begun
        begun.connection.quick = self
        begun.unsent = memoryview(data)
        try:
            self._push()
        except BlockingIOError:
            pass
        except OSError as error:
            self.stop(error)

    def happened(self, mask: int) -> None:
        """Go on after an event on the socket."""
        try:
            if self._begun.unsent and not mask & select.EPOLLIN:
                self._push()
            else:
                self._pull()
        except BlockingIOError:
            return
        except OSError as error:
            self.stop(error)

    def stop(self, error: OSError | None = None) -> None:
        """Hand over what there is."""
        begun = self._begun
        begun.error = error
        begun.connection.quick = None
        self.hand_over(begun)

    def _push(self) -> None:
        begun = self._begun
        while begun.unsent:
            rest = begun.unsent[begun.connection.write_some(begun.unsent) :]
            begun.unsent = rest or NOTHING  # even an empty view would keep all of the bytes
        begun.connection.flush()

    def _pull(self) -> None:
        """Read until the answer is whole: no event tells of bytes that an earlier one has told of."""
        begun = self._begun
        while True:
            block = begun.connection.read_some()
            if not block:
                raise ConnectionResetError("closed before the answer was whole")
            begun.received += block
            if begun.unsent or not self._is_well():
                return self.stop()
            if self._answer is not None and len(begun.received) >= self._end:
                return self._finish(self._answer)

    def _is_well(self) -> bool:
        if self._answer is not None:
            return True
        received = self._begun.received
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return len(received) < MOST_HEAD
        try:
            answer = parse_head(bytes(received[:end]))
        except BadAnswer:
            return False
        length = answer.length
        if answer.status != OK or length is None or length > MOST:
            return False
        self._answer, self._begin, self._end = answer, end + 4, end + 4 + length
        return True

    def _finish(self, answer: Answer) -> None:
        begun = self._begun
        with memoryview(begun.received) as received, received[self._begin : self._end] as body:
            taken = self.take(answer, body)
        if not taken:
            self.stop()
            return
        begun.connection.quick = None
        begun.connection.used = True
        if "connection" in answer.headers and answer.headers["connection"].lower() == "close":
            begun.connection.reusable = False
        self._requests.ended_well(begun)
