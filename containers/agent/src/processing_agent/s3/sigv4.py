"""AWS Signature Version 4 for S3, and the percent-encoding that it is defined over.

Source: "Authenticating Requests: Using the Authorization Header" of the Amazon S3 API reference. S3 encodes a path once
and does not normalize it. The body is not hashed (`UNSIGNED-PAYLOAD`): the store compares it with a signed checksum.
"""

from __future__ import annotations

import time

from processing_agent.light import TYPE_CHECKING, sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from processing_agent.credentials import Keys

ALGORITHM = "AWS4-HMAC-SHA256"
PAYLOAD = "UNSIGNED-PAYLOAD"
BLOCK = 64  # bytes: SHA-256's
INNER, OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
PLAIN = UNRESERVED | {ord("/")}  # stays as it is in a path
_IN_QUERY = [chr(byte) if byte in UNRESERVED else f"%{byte:02X}" for byte in range(256)]
_IN_PATH = [*_IN_QUERY[:47], "/", *_IN_QUERY[48:]]


def quote_path(text: str) -> str:
    """Encode a key for a path; slashes stay."""
    data = text.encode("utf-8", "surrogateescape")
    return text if PLAIN.issuperset(data) else "".join(map(_IN_PATH.__getitem__, data))


def quote(text: str) -> str:
    """Encode a name or value for a query."""
    return "".join(map(_IN_QUERY.__getitem__, text.encode("utf-8", "surrogateescape")))


def query_of(parameters: Iterable[tuple[str, str]]) -> str:
    """Give a query as it is sent and signed: encoded, then sorted."""
    return "&".join(f"{name}={value}" for name, value in sorted((quote(n), quote(v)) for n, v in parameters))


class Hmac:
    """HMAC-SHA-256 with one key (RFC 2104). The module `hmac` is as fast, but loads OpenSSL, which takes 4 ms."""

    def __init__(self, key: bytes) -> None:
        key = (key if len(key) <= BLOCK else sha256(key).digest()).ljust(BLOCK, b"\0")
        self._inner = sha256(key.translate(INNER))
        self._outer = sha256(key.translate(OUTER))

    def digest(self, text: bytes) -> bytes:
        """Give the code of a text."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.digest()


class Signer:
    """Signs requests with one set of keys. The signing key is the same for a day, so it is kept."""

    def __init__(self, keys: Keys, region: str) -> None:
        self._keys, self._region = keys, region
        self._second = -1
        self._date = self._scope = self._begin = self._credential = ""
        self._day = ""
        self._hmac = Hmac(b"")

    def sign(
        self, method: str, path: str, query: str, headers: Mapping[str, str], *, now: float, payload: str = PAYLOAD
    ) -> dict[str, str]:
        """Give `headers` (lower-case names, `host` among them) with those that sign them all.

        `path` and `query` are encoded already, `now` is in seconds since the epoch.
        """
        if (second := int(now)) != self._second:
            self._at(second)
        signed = {**headers, "x-amz-content-sha256": payload, "x-amz-date": self._date}
        if self._keys.token:
            signed["x-amz-security-token"] = self._keys.token
        names = sorted(signed)
        lines = "\n".join([f"{name}:{_trimmed(signed[name])}" for name in names])
        listed = ";".join(names)
        canonical = f"{method}\n{path}\n{query}\n{lines}\n\n{listed}\n{payload}"
        digest = sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
        signature = self._hmac.digest(f"{self._begin}{digest}".encode("ascii")).hex()
        signed["authorization"] = f"{self._credential}, SignedHeaders={listed}, Signature={signature}"
        return signed

    def _at(self, second: int) -> None:
        self._second = second
        self._date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        day = self._date[:8]
        if day != self._day:
            self._day = day
            self._scope = f"{day}/{self._region}/s3/aws4_request"
            key = b"AWS4" + self._keys.secret.encode("utf-8")
            for step in (day, self._region, "s3", "aws4_request"):
                key = Hmac(key).digest(step.encode("utf-8"))
            self._hmac = Hmac(key)
            self._credential = f"{ALGORITHM} Credential={self._keys.access}/{self._scope}"
        self._begin = f"{ALGORITHM}\n{self._date}\n{self._scope}\n"


def _trimmed(value: str) -> str:
    return " ".join(value.split()) if " " in value else value
