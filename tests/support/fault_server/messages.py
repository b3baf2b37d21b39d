"""Requests as they came, answers as they are to be sent, and the record of both."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from html import escape
from urllib.parse import parse_qs, unquote

from tests.support.fault_server.content import Content

CHECKSUM = "x-amz-checksum-"


@dataclass(frozen=True)
class Request:
    """One request, whole. Header names are in lower case."""

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def operation(self) -> str:
        """Name what is asked for in S3's words."""
        if not self.key:
            return "ListMultipartUploads" if "uploads" in self.query else "ListObjectsV2"
        if "partNumber" in self.query and self.method == "PUT":
            return "UploadPart"
        if "uploadId" in self.query:
            return {"GET": "ListParts", "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}[
                self.method
            ]
        if "uploads" in self.query:
            return "CreateMultipartUpload"
        return {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}[self.method]

    @property
    def scope(self) -> list[str]:
        """Give the credential scope of the signature: access key, day, region, service, `aws4_request`."""
        _, _, rest = self.headers.get("authorization", "").partition("Credential=")
        return rest.partition(",")[0].split("/")

    @property
    def checksums(self) -> dict[str, str]:
        """Give the checksums that came with it: algorithm in lower case, value."""
        named = {n.removeprefix(CHECKSUM): v for n, v in self.headers.items() if n.startswith(CHECKSUM)}
        return {name: value for name, value in named.items() if name not in {"mode", "type", "algorithm"}}


def parse_target(target: str) -> tuple[str, str, dict[str, str]]:
    """Split a request's target, path style, into bucket, key and query."""
    path, _, query = target.partition("?")
    bucket, _, key = path.lstrip("/").partition("/")
    values = parse_qs(query, keep_blank_values=True)
    return unquote(bucket), unquote(key), {name: found[0] for name, found in values.items()}


class Ending(Enum):
    """What the connection does after the answer, or after the part of it that is sent."""

    KEEP = "stays open"
    CLOSE = "is closed in order, unannounced"
    RESET = "is reset"
    STALL = "stays open, and nothing comes"


@dataclass(frozen=True)
class Answer:
    """What is to be sent. `only`: so many bytes of the body, then `ending`; None: all of it.

    `every`: after `only` bytes the others come one by one, so many seconds apart.
    """

    status: int = 200
    body: Content = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    span: tuple[int, int] | None = None  # of the body; None: the whole
    late: float = 0.0  # s before the first byte
    chunked: int = 0  # bytes of a chunk of Transfer-Encoding; 0: Content-Length
    only: int | None = None
    every: float = 0.0
    silent: bool = False  # not even a head is sent
    ending: Ending = Ending.KEEP

    @property
    def length(self) -> int:
        """Give the length of the body as announced."""
        return len(self.body) if self.span is None else self.span[1] - self.span[0]

    def read(self, begin: int, end: int) -> bytes:
        """Give a piece of what is to be sent."""
        offset = self.span[0] if self.span else 0
        return self.body[offset + begin : offset + min(end, self.length)]


def failure(status: int, code: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Refuse as S3 does."""
    text = f"<Error><Code>{escape(code)}</Code><Message>injected: {escape(code)}</Message></Error>"
    return Answer(status, xml(text), {"Content-Type": "application/xml", **(headers or {})})


def xml(text: str) -> bytes:
    """Make a document."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


@dataclass
class Seen:
    """One request of the record, with what was answered. `sent`: bytes of the answer's body that were written."""

    request: Request
    status: int = 0  # 0: no answer was sent
    sent: int = 0
    whole: bool = False  # it was a success, sent to its end
    at: float = field(default_factory=time.monotonic)

    @property
    def operation(self) -> str:
        """See `Request`."""
        return self.request.operation

    @property
    def key(self) -> str:
        """See `Request`."""
        return self.request.key

    @property
    def range(self) -> str:
        """Give the range that was asked for; empty: the whole."""
        return self.request.headers.get("range", "")

    @property
    def part(self) -> int:
        """Give the number of the part; 0: none."""
        return int(self.request.query.get("partNumber", 0))
