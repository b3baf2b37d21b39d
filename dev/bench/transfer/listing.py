"""ListObjectsV2's answers, made beforehand: pages of 1,000 keys that the static server finds by the request's query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from dev.bench.transfer.data import Object

PAGE = 1000
_MODIFIED = "2026-01-01T00:00:00.000Z"
_QUOTES = {'"': "&quot;"}
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def pages(name: str, objects: list[Object]) -> Iterator[tuple[str, str]]:
    """Give file name and text of each page of a dataset's list. The token of page N says the dataset and N."""
    count = max(1, -(-len(objects) // PAGE))
    for number in range(count):
        here = objects[number * PAGE : (number + 1) * PAGE]
        token = token_of(name, number + 1) if number + 1 < count else ""
        yield page_file(name, number), page(f"{name}/", here, token)


def page_file(name: str, number: int) -> str:
    """Where the server finds a page."""
    return f"{name}-{number}.xml"


def token_of(name: str, number: int) -> str:
    """The continuation token that asks for a page."""
    return f"tok{name}-{number}"


def page(prefix: str, objects: list[Object], token: str) -> str:
    """Give one answer; `token` empty: it is the last."""
    entries = "".join(_entry(found) for found in objects)
    further = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="{_NAMESPACE}"><Name>bench</Name>'
        f"<Prefix>{escape(prefix)}</Prefix><KeyCount>{len(objects)}</KeyCount><MaxKeys>{PAGE}</MaxKeys>"
        f"<IsTruncated>{str(bool(token)).lower()}</IsTruncated>{further}{entries}</ListBucketResult>"
    )


def _entry(found: Object) -> str:
    return (
        f"<Contents><Key>{escape(found.key)}</Key><LastModified>{_MODIFIED}</LastModified>"
        f"<ETag>{escape(found.etag, _QUOTES)}</ETag><Size>{found.size}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )
