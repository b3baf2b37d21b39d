"""An upload in parts that a killed process can take up again: the journal has its id and what was sent."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from processing_agent.s3 import checksums
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from processing_agent.engines import Put, PutStream
    from processing_agent.engines.reference.requests import Requests
    from processing_agent.journal import Journal

ALGORITHM = checksums.UPLOAD_ALGORITHM
CHECKSUM = f"Checksum{ALGORITHM}"
SKEW = 300.0  # s that the store's clock may be behind ours


@dataclass(frozen=True, slots=True)
class Part:
    """A part the store has. `crc` None: it was sent, but its sender died before it could say so."""

    etag: str
    size: int
    crc: int | None


class Multipart:
    """One upload. `identity` tells whether the bytes are still those that an earlier run began with."""

    def __init__(self, requests: Requests, journal: Journal, put: Put | PutStream, identity: list[Any]) -> None:
        self._requests, self._journal, self._identity = requests, journal, identity
        self.ordinal, self.bucket, self.key = put.ordinal, put.bucket, put.key
        self._id = ""
        self.parts: dict[int, Part] = {}

    @property
    def is_open(self) -> bool:
        """Tell whether the store knows an upload that this run has not ended."""
        return bool(self._id)

    def open(self) -> None:
        """Take up the earlier run's upload, or begin one."""
        earlier, identity, noted = self._noted()
        if earlier:
            self._id = earlier
            there = self._listed(noted)
            if identity == self._identity and there is not None:
                self.parts = there
                return
            if there is not None:
                self.abort()
        elif earlier is None:
            self._abort_unnamed()
        self._begin()

    def _noted(self) -> tuple[str | None, list[Any], dict[int, Part]]:
        """Read the journal: the open upload's id ("" none, None: one was asked for and its id is not known)."""
        upload: str | None = ""
        identity: list[Any] = []
        parts: dict[int, Part] = {}
        for kind, *values in self._journal.notes(self.ordinal):
            if kind == "asked":
                upload = None
            elif kind == "upload":
                upload, identity = values
                parts = {}
            elif kind == "part":
                number, etag, size, crc = values
                parts[number] = Part(etag, size, crc)
            elif kind == "ended":
                upload, parts = "", {}
        return upload, identity, parts

    def _begin(self) -> None:
        self._journal.note(self.ordinal, "asked", time.time())
        tries = itertools.count()

        def create(s3: Any) -> Any:
            next(tries)
            return s3.create_multipart_upload(
                Bucket=self.bucket, Key=self.key, ChecksumAlgorithm=ALGORITHM, ChecksumType="FULL_OBJECT"
            )

        self._id, self.parts = self._requests.ask(self.bucket, self.key, create)["UploadId"], {}
        if next(tries) > 1:  # an answer may have been lost on the way, and the upload that it named is open
            self._abort_unnamed()
        self._journal.note(self.ordinal, "upload", self._id, self._identity)

    def _listed(self, noted: dict[int, Part]) -> dict[int, Part] | None:
        """Ask the store which parts it has; None when it does not know the upload (completed, aborted, expired)."""

        def pages(s3: Any) -> list[dict[str, Any]]:
            paginator = s3.get_paginator("list_parts")
            answers = paginator.paginate(Bucket=self.bucket, Key=self.key, UploadId=self._id)
            return [part for answer in answers for part in answer.get("Parts", ())]

        try:
            found = self._requests.ask(self.bucket, self.key, pages)
        except StoreFault as fault:
            if fault.kind is Kind.DENIED:
                return noted  # putting is allowed, listing is not: the journal is all there is
            if fault.kind is Kind.NO_KEY:
                return None
            raise
        parts = {}
        for part in found:
            number, etag, size = part["PartNumber"], part["ETag"], part["Size"]
            known = noted.get(number)
            parts[number] = Part(etag, size, known.crc if known and known.etag == etag else None)
        return parts

    def _abort_unnamed(self) -> None:
        """Abort what was begun and never named: the process died, or the answer was lost on the way."""
        asked = [values[0] for kind, *values in self._journal.notes(self.ordinal) if kind == "asked"][-1]

        def ours(s3: Any) -> list[str]:
            answer = s3.list_multipart_uploads(Bucket=self.bucket, Prefix=self.key)
            return [
                upload["UploadId"]
                for upload in answer.get("Uploads", ())
                if upload["Key"] == self.key
                and upload["UploadId"] != self._id
                and upload["Initiated"].timestamp() > asked - SKEW
            ]

        try:
            unnamed = self._requests.ask(self.bucket, self.key, ours)
        except StoreFault:
            return  # not allowed to list: the bucket's own rule for unfinished uploads has to do it
        for upload in unnamed:
            self._end(upload)

    def has(self, number: int, data: bytes) -> bool:
        """Tell whether the store has this part with these bytes already."""
        part = self.parts.get(number)
        if part is None or part.size != len(data):
            return False
        crc = checksums.crc64(data)
        if part.crc is None:
            digest = checksums.new("MD5")
            digest.update(data)
            if part.etag.strip('"').lower() != digest.digest().hex():
                return False
            self._keep(number, Part(part.etag, part.size, crc))
            return True
        return part.crc == crc

    def _keep(self, number: int, part: Part) -> None:
        self.parts[number] = part
        self._journal.note(self.ordinal, "part", number, part.etag, part.size, part.crc)

    def send(self, number: int, data: bytes) -> None:
        """Send one part. Its checksum goes with it, so that the store refuses what was damaged on the way."""
        crc = checksums.crc64(data)
        answer = self._requests.ask(
            self.bucket,
            self.key,
            lambda s3: s3.upload_part(
                Bucket=self.bucket,
                Key=self.key,
                UploadId=self._id,
                PartNumber=number,
                Body=data,
                **{CHECKSUM: checksums.crc64_text(crc)},
            ),
        )
        self._keep(number, Part(answer["ETag"], len(data), crc))

    def complete(self, count: int) -> None:
        """Make parts 1 to `count` the object, compared by the store with the checksum of the whole."""
        chosen = [self.parts[number] for number in range(1, count + 1)]
        whole = checksums.crc64_text(checksums.combined_crc64([(p.crc or 0, p.size) for p in chosen]))
        listed = [
            {"PartNumber": number, "ETag": part.etag, CHECKSUM: checksums.crc64_text(part.crc or 0)}
            for number, part in enumerate(chosen, 1)
        ]
        try:
            self._requests.ask(
                self.bucket,
                self.key,
                lambda s3: s3.complete_multipart_upload(
                    Bucket=self.bucket,
                    Key=self.key,
                    UploadId=self._id,
                    MultipartUpload={"Parts": listed},
                    ChecksumType="FULL_OBJECT",
                    **{CHECKSUM: whole},
                ),
            )
        except StoreFault as fault:
            # an answer that was lost on the way, and the second try finds the upload gone
            if fault.kind is not Kind.NO_KEY or not self.object_is_there(whole):
                raise

    def completed_before(self) -> bool:
        """Tell whether an earlier run completed the upload and died before saying so."""
        earlier, identity, noted = self._noted()
        if not earlier or identity != self._identity or not noted or sorted(noted) != list(range(1, len(noted) + 1)):
            return False
        pieces = [(noted[number].crc or 0, noted[number].size) for number in sorted(noted)]
        return self.object_is_there(checksums.crc64_text(checksums.combined_crc64(pieces)))

    def object_is_there(self, whole: str) -> bool:
        """Tell whether the object exists with this checksum."""
        return has_checksum(self._requests, self.bucket, self.key, whole)

    def abort(self) -> None:
        """End the upload without an object; the store forgets its parts. Never raises: it is tidying up."""
        if self._end(self._id):
            self._journal.note(self.ordinal, "ended", self._id)  # else the id stays there for the next run

    def _end(self, upload: str) -> bool:
        try:
            self._requests.once(
                self.bucket,
                self.key,
                lambda s3: s3.abort_multipart_upload(Bucket=self.bucket, Key=self.key, UploadId=upload),
            )
        except StoreFault as fault:
            return fault.kind is Kind.NO_KEY
        return True


def has_checksum(requests: Requests, bucket: str, key: str, value: str) -> bool:
    """Tell whether an object of this content exists; False also where asking is not allowed."""
    try:
        head = requests.ask(bucket, key, lambda s3: s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED"))
    except StoreFault:
        return False
    return bool(head.get(CHECKSUM) == value)
