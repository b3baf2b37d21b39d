"""An upload in parts that a killed process can take up again: the journal has its id and what was sent."""

from __future__ import annotations

import time

from processing_agent.engines.fast import calls
from processing_agent.engines.fast.clock import iso_date
from processing_agent.engines.fast.messages import FilePart
from processing_agent.light import TYPE_CHECKING, record
from processing_agent.s3 import checksums, xml
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from processing_agent.engines import Put, PutStream
    from processing_agent.engines.fast.requests import Call, Requests
    from processing_agent.engines.fast.verifying import Verifier
    from processing_agent.journal import Journal
    from processing_agent.s3.http import Answer

SKEW = 300.0  # s that the store's clock may be behind ours


@record(frozen=True, slots=True)
class Part:
    """A part the store has. `crc` None: it was sent, but its sender died before it could say so."""

    etag: str
    size: int
    crc: int | None


class Multipart:
    """One upload. `identity` tells whether the bytes are still those that an earlier run began with."""

    def __init__(
        self, requests: Requests, verifier: Verifier, journal: Journal, put: Put | PutStream, identity: list[Any]
    ) -> None:
        self._requests, self._verifier, self._journal = requests, verifier, journal
        self._identity = identity
        self.ordinal, self.bucket, self.key = put.ordinal, put.bucket, put.key
        self._id = ""
        self.parts: dict[int, Part] = {}

    async def open(self) -> None:
        """Take up the earlier run's upload, or begin one."""
        earlier, identity, noted = self._noted()
        if earlier:
            self._id = earlier
            there = await self._listed(noted)
            if identity == self._identity and there is not None:
                self.parts = there
                return
            if there is not None:
                await self.abort()
        elif earlier is None:
            await self._abort_unnamed(self._requests.ask)
        await self._begin()

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

    async def _begin(self) -> None:
        self._journal.note(self.ordinal, "asked", time.time())
        answer = await self._requests.ask(calls.create_upload(self.bucket, self.key))
        upload = xml.text_of(answer.body.decode("utf-8", "replace"), "UploadId")
        if not upload:
            raise StoreFault(Kind.REJECTED, "the store gives no id for an upload", self.bucket, self.key)
        self._id, self.parts = upload, {}
        if answer.tries > 1:  # an answer may have been lost on the way, and the upload that it named is open
            await self._abort_unnamed(self._requests.ask)
        self._journal.note(self.ordinal, "upload", self._id, self._identity)

    async def _listed(self, noted: dict[int, Part]) -> dict[int, Part] | None:
        """Ask the store which parts it has; None when it does not know the upload (completed, aborted, expired)."""
        parts: dict[int, Part] = {}
        after = ""
        while True:
            try:
                answer = await self._requests.ask(calls.list_parts(self.bucket, self.key, self._id, after))
            except StoreFault as fault:
                if fault.kind is Kind.DENIED:
                    return noted  # putting is allowed, listing is not: the journal is all there is
                if fault.kind is Kind.NO_KEY:
                    return None
                raise
            text = answer.body.decode("utf-8", "replace")
            for entry in xml.elements(text, "Part"):
                number, etag = int(xml.text_of(entry, "PartNumber")), xml.text_of(entry, "ETag")
                known = noted.get(number)
                crc = known.crc if known and known.etag == etag else None
                parts[number] = Part(etag, int(xml.text_of(entry, "Size")), crc)
            after = xml.text_of(text, "NextPartNumberMarker")
            if "<IsTruncated>true</IsTruncated>" not in text or not after:
                return parts

    async def _abort_unnamed(self, ask: Callable[[Call], Awaitable[Answer]]) -> None:
        """Abort what was begun and never named: the process died, or the answer was lost on the way."""
        asked = [values[0] for kind, *values in self._journal.notes(self.ordinal) if kind == "asked"][-1]
        try:
            answer = await ask(calls.list_uploads(self.bucket, self.key))
        except StoreFault:
            return  # not allowed to list: the bucket's own rule for unfinished uploads has to do it
        for entry in xml.elements(answer.body.decode("utf-8", "replace"), "Upload"):
            begun = iso_date(xml.text_of(entry, "Initiated"))
            upload = xml.text_of(entry, "UploadId")
            if xml.text_of(entry, "Key") == self.key and upload != self._id and begun > asked - SKEW:
                await self._end(upload)

    async def send(self, number: int, piece: bytes | FilePart) -> None:
        """Send one part, unless the store has it. Its checksum goes with it: what was damaged on the way is refused."""
        size = piece.size if isinstance(piece, FilePart) else len(piece)
        crc = int.from_bytes(await self._digest(piece, checksums.UPLOAD_ALGORITHM), "big")
        if await self._has(number, piece, size, crc):
            return
        call = calls.put_part(self.bucket, self.key, self._id, number, body=piece, crc=crc)
        answer = await self._requests.ask(call)
        self._keep(number, Part(answer.headers.get("etag", ""), size, crc))

    async def _digest(self, piece: bytes | FilePart, algorithm: str) -> bytes:
        if isinstance(piece, FilePart):
            return await self._verifier.digest(piece.fd, piece.offset, piece.size, algorithm)
        digest = checksums.new(algorithm)
        digest.update(piece)
        return digest.digest()

    async def _has(self, number: int, piece: bytes | FilePart, size: int, crc: int) -> bool:
        """Tell whether the store has this part with these bytes already."""
        part = self.parts.get(number)
        if part is None or part.size != size:
            return False
        if part.crc is not None:
            return part.crc == crc
        if part.etag.strip('"').lower() != (await self._digest(piece, "MD5")).hex():
            return False
        self._keep(number, Part(part.etag, part.size, crc))
        return True

    def _keep(self, number: int, part: Part) -> None:
        self.parts[number] = part
        self._journal.note(self.ordinal, "part", number, part.etag, part.size, part.crc)

    async def complete(self, count: int) -> None:
        """Make parts 1 to `count` the object, compared by the store with the checksum of the whole."""
        chosen = [self.parts[number] for number in range(1, count + 1)]
        whole = checksums.crc64_text(checksums.combined_crc64([(p.crc or 0, p.size) for p in chosen]))
        listed = [(part.etag, part.crc or 0) for part in chosen]
        try:
            await self._requests.ask(calls.complete_upload(self.bucket, self.key, self._id, listed, whole))
        except StoreFault as fault:
            # an answer that was lost on the way, and the second try finds the upload gone
            if fault.kind is not Kind.NO_KEY or not await has_checksum(self._requests, self.bucket, self.key, whole):
                raise

    async def completed_before(self) -> bool:
        """Tell whether an earlier run completed the upload and died before saying so."""
        earlier, identity, noted = self._noted()
        if not earlier or identity != self._identity or not noted or sorted(noted) != list(range(1, len(noted) + 1)):
            return False
        pieces = [(noted[number].crc or 0, noted[number].size) for number in sorted(noted)]
        whole = checksums.crc64_text(checksums.combined_crc64(pieces))
        if not await has_checksum(self._requests, self.bucket, self.key, whole):
            return False
        self.parts = noted
        return True

    async def abort(self) -> None:
        """End the upload without an object; the store forgets its parts. Never raises: it is tidying up."""
        if await self._end(self._id):
            self._journal.note(self.ordinal, "ended", self._id)  # else the id stays there for the next run

    async def _end(self, upload: str) -> bool:
        try:
            await self._requests.tidy(calls.abort_upload(self.bucket, self.key, upload))
        except StoreFault as fault:
            return fault.kind is Kind.NO_KEY
        return True

    async def abandon(self) -> None:
        """End what this run began, also if its name is still on the way. Never raises: it is tidying up."""
        if self._id:
            await self.abort()
        elif self._noted()[0] is None:
            await self._abort_unnamed(self._requests.tidy)


async def has_checksum(requests: Requests, bucket: str, key: str, value: str) -> bool:
    """Tell whether an object of this content exists; False also where asking is not allowed."""
    try:
        answer = await requests.ask(calls.head(bucket, key))
    except StoreFault:
        return False
    return answer.headers.get(calls.CHECKSUM_HEADER) == value
