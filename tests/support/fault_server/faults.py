"""What may go wrong. A fault is given a request and a way to ask the healthy store, and gives the answer instead."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.support.fault_server.messages import CHECKSUM, Answer, Ending, Request, failure, xml

Ask = Callable[[Request], Answer]
Fault = Callable[[Request, Ask], Answer]

MOST_SKEW = timedelta(minutes=15)  # by S3
STAMP = "%Y%m%dT%H%M%SZ"


def refused(status: int, code: str = "InternalError", **headers: str) -> Fault:
    """Answer with a status and S3's code, without asking the store."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _request, _ask: failure(status, code, named)


def refused_quoting(status: int, code: str, message: str) -> Fault:
    """Refuse with a text that says more than it should."""
    body = xml(f"<Error><Code>{code}</Code><Message>{message}</Message></Error>")
    return lambda _request, _ask: Answer(status, body, {"Content-Type": "application/xml"})


def page_of_a_gateway(status: int) -> Fault:
    """Answer as a proxy in front of the store does: a page for people."""
    page = Answer(status, b"<html><body><h1>Bad Gateway</h1></body></html>", {"Content-Type": "text/html"})
    return lambda _request, _ask: page


def cut(after: int, ending: Ending = Ending.RESET) -> Fault:
    """End the connection when so many bytes of the body have been sent."""
    return lambda request, ask: replace(ask(request), only=after, ending=ending)


def short(after: int) -> Fault:
    """Close in order before the announced length is reached."""
    return cut(after, Ending.CLOSE)


def stalled(after: int) -> Fault:
    """Send so many bytes of the body, then nothing more, while the connection stays."""
    return cut(after, Ending.STALL)


def trickling(after: int, every: float) -> Fault:
    """Send so many bytes of the body, then one byte after another, so many seconds apart."""
    return lambda request, ask: replace(ask(request), only=after, every=every)


def silent() -> Fault:
    """Take the request, and send not a byte."""
    return lambda _request, _ask: Answer(silent=True, ending=Ending.STALL)


def hung_up() -> Fault:
    """Take the request, and reset the connection."""
    return lambda _request, _ask: Answer(silent=True, ending=Ending.RESET)


def answer_lost() -> Fault:
    """Do what is asked for, then reset the connection: the client cannot know that it is done."""

    def fault(request: Request, ask: Ask) -> Answer:
        ask(request)
        return Answer(silent=True, ending=Ending.RESET)

    return fault


def claimed() -> Fault:
    """Say that the bytes were kept, without asking the store."""
    return lambda _request, _ask: Answer(200, headers={"ETag": '"0"'})


def late(seconds: float) -> Fault:
    """Send the first byte late."""
    return lambda request, ask: replace(ask(request), late=seconds)


def closed_after() -> Fault:
    """Answer well, then close a connection that was to be kept, as servers do with idle ones."""
    return lambda request, ask: replace(ask(request), ending=Ending.CLOSE)


def chunked(size: int) -> Fault:
    """Send the body in chunks of so many bytes, its length unannounced."""
    return lambda request, ask: replace(ask(request), chunked=size)


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def damaged(at: int) -> Fault:
    """Send one wrong bit, at this byte of the answer's body."""

    def fault(request: Request, ask: Ask) -> Answer:
        answer = ask(request)
        return replace(answer, body=_flip(answer.read(0, answer.length), at), span=None)

    return fault


def damaged_arrival(at: int) -> Fault:
    """Let one bit of the request's body arrive wrong; whether that is noticed is for the store's checks to show."""
    return lambda request, ask: ask(replace(request, body=_flip(request.body, at)))


def range_ignored() -> Fault:
    """Send the whole object to whoever asks for a range of it."""

    def fault(request: Request, ask: Ask) -> Answer:
        headers = {name: value for name, value in request.headers.items() if name != "range"}
        return ask(replace(request, headers=headers))

    return fault


def wrong_checksum(algorithm: str, value: str) -> Fault:
    """Announce another checksum than the object's."""

    def fault(request: Request, ask: Ask) -> Answer:
        answer = ask(request)
        return replace(answer, headers={**answer.headers, CHECKSUM + algorithm: value})

    return fault


def error_in_200(code: str) -> Fault:
    """Answer 200 with an error's document: what S3 does when completing an upload fails late."""
    body = xml(f"<Error><Code>{code}</Code><Message>injected</Message></Error>")
    return lambda _request, _ask: Answer(200, body, {"Content-Type": "application/xml"})


def first(action: Callable[[], None]) -> Fault:
    """Do something (overwrite, delete), then answer."""

    def fault(request: Request, ask: Ask) -> Answer:
        action()
        return ask(request)

    return fault


def overtaken(action: Callable[[], None]) -> Fault:
    """Answer by what is so now, and do something (overwrite, delete) before the answer is sent."""

    def fault(request: Request, ask: Ask) -> Answer:
        answer = ask(request)
        action()
        return answer

    return fault


def expired(access: str) -> Fault:
    """Call this access key's token expired; others are taken."""

    def fault(request: Request, ask: Ask) -> Answer:
        return failure(400, "ExpiredToken") if request.scope[0] == access else ask(request)

    return fault


def elsewhere(region: str) -> Fault:
    """Hold the bucket in this region: requests signed for another are sent there, as S3 does with 301."""

    def fault(request: Request, ask: Ask) -> Answer:
        if request.scope[2] == region:
            return ask(request)
        return failure(301, "PermanentRedirect", {"x-amz-bucket-region": region})

    return fault


def redirected(status: int, location: str) -> Fault:
    """Send the client to another address."""
    return lambda _request, _ask: failure(status, "TemporaryRedirect", {"Location": location})


def skewed(by: timedelta) -> Fault:
    """Run the server's clock ahead, and refuse what is signed too far from it."""

    def fault(request: Request, ask: Ask) -> Answer:
        now = datetime.now(UTC) + by
        date = {"Date": format_datetime(now, usegmt=True)}
        signed = datetime.strptime(request.headers["x-amz-date"], STAMP).replace(tzinfo=UTC)
        if abs(now - signed) > MOST_SKEW:
            return failure(403, "RequestTimeTooSkewed", date)
        answer = ask(request)
        return replace(answer, headers={**answer.headers, **date})

    return fault


def until(moment: float, fault: Fault, clock: Callable[[], float] = time.monotonic) -> Fault:
    """Go wrong until a moment of a clock."""
    return lambda request, ask: fault(request, ask) if clock() < moment else ask(request)
