"""The healthy part: objects in memory, read and listed as S3 does. Whatever goes wrong is added by `faults`."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from urllib.parse import quote

from tests.support.fault_server.content import DIGESTS, Content, checksum, md5
from tests.support.fault_server.messages import CHECKSUM, Answer, Request, failure, xml

SPAN = re.compile(r"bytes=(\d+)-(\d*)")
PAGE = 1000  # keys of a page, S3's limit


@dataclass(frozen=True)
class Stored:
    """One version of an object. `parts`: the sizes that it was sent in; none if in one piece."""

    content: Content
    etag: str
    checksums: dict[str, str] = field(default_factory=dict)
    parts: tuple[int, ...] = ()


def stored(content: Content, *algorithms: str) -> Stored:
    """Make an object that was sent in one piece; with checksums by these algorithms."""
    if not isinstance(content, bytes):
        return Stored(content, f'"generated-{len(content)}"')
    return Stored(content, f'"{md5(content).hex()}"', {name: checksum(name, content) for name in algorithms})


class Store:
    """All buckets are one, and any name of one exists."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.objects: dict[str, Stored] = {}
        self.page = PAGE
        self.operations: dict[str, Callable[[Request], Answer]] = {
            "GetObject": self._get,
            "HeadObject": self._get,
            "PutObject": self._put,
            "ListObjectsV2": self._list,
        }

    def put(self, key: str, content: Content, *algorithms: str) -> None:
        """Place an object."""
        with self.lock:
            self.objects[key] = stored(content, *algorithms)

    def delete(self, key: str) -> None:
        """Remove an object."""
        with self.lock:
            self.objects.pop(key, None)

    def answer(self, request: Request) -> Answer:
        """Do what a request asks for."""
        with self.lock:
            operation = self.operations.get(request.operation)
            return operation(request) if operation else failure(501, "NotImplemented")

    def _get(self, request: Request) -> Answer:
        found = self.objects.get(request.key)
        if found is None:
            return failure(404, "NoSuchKey")
        if request.headers.get("if-match", found.etag) != found.etag:
            return failure(412, "PreconditionFailed")
        headers = {"ETag": found.etag, "Accept-Ranges": "bytes", "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        size = len(found.content)
        if (number := int(request.query.get("partNumber", 0))) and found.parts:
            begin = sum(found.parts[: number - 1])
            return Answer(206, found.content, headers, span=(begin, begin + found.parts[number - 1]))
        if span := SPAN.fullmatch(request.headers.get("range", "")):
            begin, end = int(span[1]), min(int(span[2] or size - 1) + 1, size)
            if begin >= size:
                return failure(416, "InvalidRange")
            return Answer(
                206, found.content, {**headers, "Content-Range": f"bytes {begin}-{end - 1}/{size}"}, (begin, end)
            )
        if request.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED":
            headers |= {CHECKSUM + name: value for name, value in found.checksums.items()}
        return Answer(200, found.content, headers)

    def _put(self, request: Request) -> Answer:
        if refused := refuse_damaged(request):
            return refused
        self.objects[request.key] = found = stored(request.body, *request.checksums)
        return Answer(headers={"ETag": found.etag, **{CHECKSUM + n: v for n, v in found.checksums.items()}})

    def _list(self, request: Request) -> Answer:
        prefix, after = request.query.get("prefix", ""), request.query.get("continuation-token", "")
        keys = sorted((key for key in self.objects if key.startswith(prefix) and key > after), key=str.encode)
        limit = min(self.page, int(request.query.get("max-keys", PAGE)))
        by_url = request.query.get("encoding-type") == "url"
        entries = "".join(map(self._entry, keys[:limit], [by_url] * limit))
        more = f"<NextContinuationToken>{escape(keys[limit - 1])}</NextContinuationToken>" if keys[limit:] else ""
        return Answer(
            body=xml(
                f"<ListBucketResult><Name>{request.bucket}</Name><Prefix>{named(prefix, by_url)}</Prefix>"
                f"{'<EncodingType>url</EncodingType>' if by_url else ''}"
                f"<KeyCount>{min(limit, len(keys))}</KeyCount><MaxKeys>{limit}</MaxKeys>"
                f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{more}{entries}</ListBucketResult>"
            ),
            headers={"Content-Type": "application/xml"},
        )

    def _entry(self, key: str, by_url: bool) -> str:
        found = self.objects[key]
        return (
            f"<Contents><Key>{named(key, by_url)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>{escape(found.etag)}</ETag><Size>{len(found.content)}</Size>"
            f"<StorageClass>STANDARD</StorageClass></Contents>"
        )


def named(key: str, by_url: bool) -> str:
    """Write a key into a document: control characters are no XML, which is what the encoding is for."""
    return quote(key, safe="/") if by_url else escape(key)


def refuse_damaged(request: Request) -> Answer | None:
    """Compare a body with the checksums that came with it, as S3 does; a checksum is demanded here."""
    if request.headers.get("content-encoding") == "aws-chunked":
        return failure(501, "NotImplemented")
    if not request.checksums:
        return failure(400, "MissingChecksum")
    for name, value in request.checksums.items():
        if name not in DIGESTS or checksum(name, request.body) != value:
            return failure(400, "BadDigest")
    return None
