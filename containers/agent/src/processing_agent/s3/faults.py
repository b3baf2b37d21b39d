"""What can go wrong between here and the store, in kinds that decide what happens next."""

from __future__ import annotations

from processing_agent.light import Enum, record
from processing_agent.s3.names import shown


class Kind(Enum):
    """The kinds of a fault. Only `UNAVAILABLE` and `STALE` are worth trying again as they are."""

    UNAVAILABLE = "unavailable"  # no answer, 5xx, 429: time may heal it
    STALE = "stale"  # expired credentials, a skewed clock: heals once credentials are read again
    DENIED = "denied"
    ARCHIVED = "archived"  # Glacier and Deep Archive: there, but not to be read
    NO_BUCKET = "no bucket"
    NO_KEY = "no key"
    CHANGED = "changed"  # If-Match failed, or the local file moved under our hands
    CORRUPT = "corrupt"  # bytes that do not match their checksum
    REJECTED = "rejected"  # any other answer of the store
    LOCAL = "local"  # the disk, not the store


@record
class StoreFault(Exception):  # noqa: N818 - named for what is so
    """One failed request, with what a person needs to act on it."""

    kind: Kind
    detail: str
    bucket: str = ""
    key: str = ""
    status: int = 0
    code: str = ""

    def __str__(self) -> str:
        where = f"s3://{self.bucket}/{shown(self.key)}: " if self.bucket else ""
        answer = ", ".join(filter(None, [f"HTTP {self.status}" if self.status else "", self.code]))
        return f"{where}{self.detail}{f' ({answer})' if answer else ''}"


NEXT_STEP = {
    Kind.DENIED: "access denied: check the credentials and the bucket's policy",
    Kind.ARCHIVED: "the object is archived: restore it first (aws s3api restore-object), or copy it to another class",
    Kind.NO_BUCKET: "the bucket does not exist: create it or correct the address",
    Kind.NO_KEY: "no such object",
    Kind.CHANGED: "the object was overwritten meanwhile",
    Kind.CORRUPT: "the bytes do not match their checksum",
    Kind.UNAVAILABLE: "the store is not available",
    Kind.STALE: "the store calls the credentials or the clock out of date",
}

DENIED_CODES = frozenset({
    "AccessDenied", "AllAccessDisabled", "AccountProblem", "InvalidAccessKeyId", "SignatureDoesNotMatch",
    "UnauthorizedAccess", "Forbidden", "InvalidSecurity", "NotSignedUp", "InvalidToken", "AccessDeniedException",
    "KMS.DisabledException", "KMS.KMSInvalidStateException", "KMS.NotFoundException",
})  # fmt: skip
STALE_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestTimeTooSkewed"})
UNAVAILABLE_CODES = frozenset({
    "SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "Throttling", "ThrottlingException",
    "RequestLimitExceeded", "BandwidthLimitExceeded", "TooManyRequests", "OperationAborted", "RequestTimeoutException",
})  # fmt: skip
CORRUPT_CODES = frozenset({"BadDigest", "XAmzContentSHA256Mismatch", "InvalidDigest"})
# an answer of 200 may turn out to be one of these, so that no status tells
GONE_CODES = frozenset({"NoSuchKey", "NoSuchUpload"})
REJECTED_CODES = frozenset({"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "EntityTooLarge", "InvalidRequest"})
BY_CODE = (
    (STALE_CODES, Kind.STALE),
    (UNAVAILABLE_CODES, Kind.UNAVAILABLE),
    ({"InvalidObjectState"}, Kind.ARCHIVED),
    ({"NoSuchBucket", "InvalidBucketName"}, Kind.NO_BUCKET),
    (DENIED_CODES, Kind.DENIED),
    (CORRUPT_CODES, Kind.CORRUPT),
    (GONE_CODES, Kind.NO_KEY),
    (REJECTED_CODES, Kind.REJECTED),
)
BY_STATUS = {
    401: Kind.DENIED,
    403: Kind.DENIED,
    404: Kind.NO_KEY,
    412: Kind.CHANGED,
    429: Kind.UNAVAILABLE,
    501: Kind.REJECTED,  # not implemented: it will not be, however often it is asked for
}
SERVER_ERROR = 500


def kind_of(status: int, code: str) -> Kind:
    """Sort an answer of the store by its S3 code, else by its HTTP status (HEAD answers have no code)."""
    for codes, kind in BY_CODE:
        if code in codes:
            return kind
    if status in BY_STATUS:
        return BY_STATUS[status]
    return Kind.UNAVAILABLE if status >= SERVER_ERROR else Kind.REJECTED
