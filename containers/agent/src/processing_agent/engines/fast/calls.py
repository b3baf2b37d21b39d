"""The S3 operations that the engine uses, as requests, and what their answers say. Source: Amazon S3 API reference."""

from __future__ import annotations

from processing_agent.engines.fast.requests import Call
from processing_agent.light import TYPE_CHECKING
from processing_agent.s3 import checksums
from processing_agent.s3.sigv4 import query_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from processing_agent.engines.fast.messages import FilePart, Sink
    from processing_agent.s3.checksums import Expected
    from processing_agent.s3.http import Answer

CHECKSUM_HEADERS = [(name, f"x-amz-checksum-{name.lower()}") for name in checksums.PREFERENCE]
CHECKSUM_HEADER = f"x-amz-checksum-{checksums.UPLOAD_ALGORITHM.lower()}"
WITH_CHECKSUM = {"x-amz-checksum-mode": "ENABLED"}
OWN_KEY = {"aws:kms", "aws:kms:dsse"}
WHOLE = "FULL_OBJECT"


def list_page(bucket: str, prefix: str, token: str) -> Call:
    """ListObjectsV2."""
    parameters = [("list-type", "2"), ("encoding-type", "url"), ("prefix", prefix)]
    if token:
        parameters.append(("continuation-token", token))
    return Call("GET", bucket, query=query_of(parameters))


def head(bucket: str, key: str, *, part: int = 0, etag: str = "") -> Call:
    """HeadObject."""
    headers = {**WITH_CHECKSUM, **({"if-match": etag} if etag else {})}
    return Call("HEAD", bucket, key, f"partNumber={part}" if part else "", headers)


def get(bucket: str, key: str, etag: str, sink: Sink | None = None) -> Call:
    """GetObject, whole; of this version if there is an ETag."""
    headers = {**WITH_CHECKSUM, **({"if-match": etag} if etag else {})}
    return Call("GET", bucket, key, headers=headers, sink=sink)


def get_range(bucket: str, key: str, etag: str, sink: Sink, span: Callable[[], str]) -> Call:
    """GetObject, a range of one version."""
    return Call("GET", bucket, key, headers={"if-match": etag}, sink=sink, span=span)


def put(bucket: str, key: str, body: bytes | FilePart, crc: int) -> Call:
    """PutObject with its checksum."""
    return Call("PUT", bucket, key, headers={CHECKSUM_HEADER: checksums.crc64_text(crc)}, body=body)


def create_upload(bucket: str, key: str) -> Call:
    """CreateMultipartUpload."""
    headers = {"x-amz-checksum-algorithm": checksums.UPLOAD_ALGORITHM, "x-amz-checksum-type": WHOLE}
    return Call("POST", bucket, key, "uploads=", headers)


def put_part(bucket: str, key: str, upload: str, number: int, *, body: bytes | FilePart, crc: int) -> Call:
    """UploadPart with its checksum."""
    query = query_of([("partNumber", str(number)), ("uploadId", upload)])
    return Call("PUT", bucket, key, query, {CHECKSUM_HEADER: checksums.crc64_text(crc)}, body)


def list_parts(bucket: str, key: str, upload: str, after: str) -> Call:
    """ListParts."""
    parameters = [("uploadId", upload), *([("part-number-marker", after)] if after else [])]
    return Call("GET", bucket, key, query_of(parameters))


def list_uploads(bucket: str, key: str) -> Call:
    """ListMultipartUploads."""
    return Call("GET", bucket, query=query_of([("uploads", ""), ("prefix", key)]))


def complete_upload(bucket: str, key: str, upload: str, parts: list[tuple[str, int]], whole: str) -> Call:
    """CompleteMultipartUpload; `parts` are ETags and checksums of parts 1 to the last."""
    tag = f"Checksum{checksums.UPLOAD_ALGORITHM}"
    listed = "".join(
        f"<Part><{tag}>{checksums.crc64_text(crc)}</{tag}><ETag>{_escaped(etag)}</ETag>"
        f"<PartNumber>{number}</PartNumber></Part>"
        for number, (etag, crc) in enumerate(parts, 1)
    )
    name = "CompleteMultipartUpload"
    body = f'<{name} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{listed}</{name}>'
    headers = {CHECKSUM_HEADER: whole, "x-amz-checksum-type": WHOLE, "content-type": "application/xml"}
    return Call("POST", bucket, key, query_of([("uploadId", upload)]), headers, body.encode("utf-8"))


def abort_upload(bucket: str, key: str, upload: str) -> Call:
    """AbortMultipartUpload."""
    return Call("DELETE", bucket, key, query_of([("uploadId", upload)]))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def expected_of(answer: Answer) -> Expected | None:
    """Read a GET's or HEAD's head for what to verify by."""
    headers = answer.headers
    given = {name: headers[header] for name, header in CHECKSUM_HEADERS if header in headers}
    encrypted = (
        headers.get("x-amz-server-side-encryption") in OWN_KEY
        or "x-amz-server-side-encryption-customer-algorithm" in headers
    )
    return checksums.expected(given, headers.get("etag", ""), etag_may_be_md5=not encrypted)
