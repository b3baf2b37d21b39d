"""Checksums S3 knows, of a whole object or composed of its parts' (the `...-N` form)."""

from __future__ import annotations

from binascii import b2a_base64

from processing_agent.light import TYPE_CHECKING, Protocol, record
from processing_agent.s3.crc import crc32c, crc64nvme, of_library

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from processing_agent.s3.crc import Bytes

UPLOAD_ALGORITHM = "CRC64NVME"  # full-object whatever the parts are, so that a reader needs no part sizes
PREFERENCE = ("CRC64NVME", "CRC32C", "CRC32", "SHA256", "SHA1")
MD5_HEX = 32
JOINABLE = frozenset({"CRC64NVME", "CRC32C", "CRC32"})  # a whole's follows from its pieces', without reading it again


class Digest(Protocol):
    """A running checksum, as hashlib's."""

    def update(self, data: Bytes, /) -> None:
        """Take more bytes."""

    def digest(self) -> bytes:
        """Give the checksum's bytes, big-endian."""


class _Crc:
    def __init__(self, function: Callable[[Bytes, int], int], width: int) -> None:
        self._function, self._width, self.value = function, width, 0

    def update(self, data: Bytes, /) -> None:
        self.value = self._function(data, self.value)

    def digest(self) -> bytes:
        return self.value.to_bytes(self._width, "big")


def new(algorithm: str) -> Digest:
    """Start a checksum by S3's name of it. The libraries are loaded only when one is asked for."""
    if algorithm == "CRC64NVME":
        return _Crc(crc64nvme, 8)
    if algorithm == "CRC32C":
        return _Crc(crc32c, 4)
    if algorithm == "CRC32":
        import zlib  # noqa: PLC0415 - loaded only when it is needed: starting fast counts

        return _Crc(zlib.crc32, 4)
    import hashlib  # noqa: PLC0415 - loaded only when it is needed: starting fast counts

    return hashlib.new(algorithm.lower(), usedforsecurity=False)


def of(algorithm: str, data: memoryview) -> str:
    """Give the checksum of bytes that are all there, as S3's headers have it."""
    if algorithm == UPLOAD_ALGORITHM:
        return crc64_text(crc64nvme(data))
    digest = new(algorithm)
    digest.update(data)
    return text(digest.digest())


def crc64(data: bytes) -> int:
    """Give CRC64NVME of the bytes."""
    return crc64nvme(data)


def combined_crc64(parts: list[tuple[int, int]]) -> int:
    """Join the CRC64NVME of consecutive pieces, each a pair of value and length, without reading them again."""
    return _combined(UPLOAD_ALGORITHM, parts)


def joined(algorithm: str, pieces: list[tuple[bytes, int]]) -> bytes:
    """Join the digests of consecutive pieces, each with its length, to that of the whole; for `JOINABLE` ones."""
    values = [(int.from_bytes(digest, "big"), length) for digest, length in pieces]
    return _combined(algorithm, values).to_bytes(len(pieces[0][0]), "big")


def _combined(algorithm: str, pieces: list[tuple[int, int]]) -> int:
    join = of_library(f"{algorithm.lower()}_combine")
    value = 0
    for crc, length in pieces:
        value = join(value, crc, length)
    return value


def text(digest: bytes) -> str:
    """Give a digest as S3's headers have it."""
    return b2a_base64(digest, newline=False).decode("ascii")


def crc64_text(value: int) -> str:
    """Give a CRC64NVME as S3's headers have it."""
    return text(value.to_bytes(8, "big"))


@record(frozen=True, slots=True)
class Expected:
    """What an object's bytes must add up to. `parts` is 0 for a checksum of the whole object."""

    algorithm: str
    value: str
    parts: int = 0


def expected(headers: Mapping[str, str], etag: str, *, etag_may_be_md5: bool) -> Expected | None:
    """Choose what to verify an object by: its own checksum, else an ETag that is an MD5, else nothing (its length).

    `headers` maps S3's algorithm names to values. An ETag is the MD5 only of an object that was sent in one piece and
    is not encrypted with a key of its own (SSE-KMS, SSE-C).
    """
    for algorithm in PREFERENCE:
        if value := headers.get(algorithm):
            whole, dash, parts = value.partition("-")
            return Expected(algorithm, whole, int(parts) if dash else 0)
    etag = etag.strip('"').lower()
    if etag_may_be_md5 and len(etag) == MD5_HEX and all(c in "0123456789abcdef" for c in etag):
        return Expected("MD5", text(bytes.fromhex(etag)))
    return None


def composed(algorithm: str, digests: list[bytes]) -> str:
    """Give the checksum of the parts' checksums, without its `-N`."""
    whole = new(algorithm)
    for digest in digests:
        whole.update(digest)
    return text(whole.digest())
