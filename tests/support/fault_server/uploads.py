"""Uploads in parts, as strict as S3: sizes, order, ETags and checksums are compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape, unescape

from tests.support.fault_server.content import checksum, md5
from tests.support.fault_server.messages import CHECKSUM, Answer, Request, failure, xml
from tests.support.fault_server.store import Store, Stored, refuse_damaged

LEAST = 5 << 20  # bytes of every part but the last
PART = re.compile(rb"<Part>(.*?)</Part>", re.DOTALL)
FIELD = re.compile(rb"<(\w+)>([^<]*)</\1>")


@dataclass
class Upload:
    """One upload that is neither completed nor aborted."""

    key: str
    began: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"))
    parts: dict[int, bytes] = field(default_factory=dict)


def etag(data: bytes) -> str:
    """Give a part's ETag."""
    return f'"{md5(data).hex()}"'


class Uploads:
    """Adds the operations of uploads in parts to a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._count = 0
        self.open: dict[str, Upload] = {}
        store.operations |= {
            "CreateMultipartUpload": self._create,
            "UploadPart": self._part,
            "ListParts": self._list_parts,
            "ListMultipartUploads": self._list,
            "CompleteMultipartUpload": self._complete,
            "AbortMultipartUpload": self._abort,
        }

    def _create(self, request: Request) -> Answer:
        self._count += 1
        name = f"upload-{self._count}"
        self.open[name] = Upload(request.key)
        return _document(
            f"<InitiateMultipartUploadResult><Bucket>{request.bucket}</Bucket><Key>{escape(request.key)}</Key>"
            f"<UploadId>{name}</UploadId></InitiateMultipartUploadResult>"
        )

    def _of(self, request: Request) -> Upload | None:
        found = self.open.get(request.query["uploadId"])
        return found if found and found.key == request.key else None

    def _part(self, request: Request) -> Answer:
        upload = self._of(request)
        if upload is None:
            return failure(404, "NoSuchUpload")
        if refused := refuse_damaged(request):
            return refused
        upload.parts[int(request.query["partNumber"])] = request.body
        echoed = {CHECKSUM + name: value for name, value in request.checksums.items()}
        return Answer(headers={"ETag": etag(request.body), **echoed})

    def _list_parts(self, request: Request) -> Answer:
        upload = self._of(request)
        if upload is None:
            return failure(404, "NoSuchUpload")
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag(data))}</ETag><Size>{len(data)}</Size>"
            f"<LastModified>2026-01-01T00:00:00.000Z</LastModified></Part>"
            for number, data in sorted(upload.parts.items())
        )
        return _document(f"<ListPartsResult><IsTruncated>false</IsTruncated>{parts}</ListPartsResult>")

    def _list(self, request: Request) -> Answer:
        prefix = request.query.get("prefix", "")
        uploads = "".join(
            f"<Upload><Key>{escape(upload.key)}</Key><UploadId>{name}</UploadId>"
            f"<Initiated>{upload.began}</Initiated></Upload>"
            for name, upload in self.open.items()
            if upload.key.startswith(prefix)
        )
        return _document(
            f"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>{uploads}</ListMultipartUploadsResult>"
        )

    def _complete(self, request: Request) -> Answer:
        upload = self._of(request)
        if upload is None:
            return failure(404, "NoSuchUpload")
        chosen = [dict(FIELD.findall(part)) for part in PART.findall(request.body)]
        numbers = [int(part[b"PartNumber"]) for part in chosen]
        if not numbers or numbers != sorted(set(numbers)):
            return failure(400, "InvalidPartOrder")
        if not all(_matches(part, upload.parts.get(number)) for part, number in zip(chosen, numbers, strict=True)):
            return failure(400, "InvalidPart")
        pieces = [upload.parts[number] for number in numbers]
        if any(len(piece) < LEAST for piece in pieces[:-1]):
            return failure(400, "EntityTooSmall")
        whole = b"".join(pieces)
        if any(checksum(name, whole) != value for name, value in request.checksums.items()):
            return failure(400, "BadDigest")
        tag = f'"{md5(b"".join(map(md5, pieces))).hex()}-{len(pieces)}"'
        self._store.objects[request.key] = Stored(whole, tag, request.checksums, tuple(map(len, pieces)))
        del self.open[request.query["uploadId"]]
        return _document(
            f"<CompleteMultipartUploadResult><Key>{escape(request.key)}</Key>"
            f"<ETag>{escape(tag)}</ETag></CompleteMultipartUploadResult>"
        )

    def _abort(self, request: Request) -> Answer:
        if self._of(request) is None:
            return failure(404, "NoSuchUpload")
        del self.open[request.query["uploadId"]]
        return Answer(204)


def _matches(part: Mapping[bytes, bytes], data: bytes | None) -> bool:
    if data is None or unescape(part[b"ETag"].decode()).strip('"') != etag(data).strip('"'):
        return False
    given = {name[8:].decode().lower(): value for name, value in part.items() if name.startswith(b"Checksum")}
    return all(checksum(name, data) == value.decode() for name, value in given.items())


def _document(text: str) -> Answer:
    return Answer(body=xml(text), headers={"Content-Type": "application/xml"})
