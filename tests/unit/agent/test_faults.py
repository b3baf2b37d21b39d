from __future__ import annotations

from typing import Any

import botocore.exceptions as boto
import pytest

from processing_agent.credentials import Keys
from processing_agent.engines.reference.client import translate
from processing_agent.reasons import of_fetch, of_upload
from processing_agent.s3.faults import BY_CODE, BY_STATUS, Kind, StoreFault, kind_of

KEYS = Keys("AKID", "very-secret", "token-of-it")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (500, "InternalError", Kind.UNAVAILABLE),
        (503, "SlowDown", Kind.UNAVAILABLE),
        (502, "", Kind.UNAVAILABLE),
        (429, "", Kind.UNAVAILABLE),
        (400, "RequestTimeout", Kind.UNAVAILABLE),
        (400, "ExpiredToken", Kind.STALE),
        (403, "RequestTimeTooSkewed", Kind.STALE),
        (403, "AccessDenied", Kind.DENIED),
        (403, "", Kind.DENIED),
        (404, "NoSuchBucket", Kind.NO_BUCKET),
        (404, "NoSuchKey", Kind.NO_KEY),
        (404, "", Kind.NO_KEY),
        (412, "PreconditionFailed", Kind.CHANGED),
        (400, "BadDigest", Kind.CORRUPT),
        (400, "InvalidRequest", Kind.REJECTED),
        (501, "NotImplemented", Kind.REJECTED),
    ],
)
def test_kinds(status: int, code: str, kind: Kind) -> None:
    assert kind_of(status, code) is kind


# every code of S3 that is known here, by the status that it comes with: the reason of fetch, and of upload
REASONS: dict[tuple[str, str], list[tuple[int, str]]] = {
    ("InputAccessDenied", "UploadDenied"): [
        *((403, code) for code in ("AccessDenied", "AllAccessDisabled", "AccountProblem", "InvalidAccessKeyId")),
        *((403, code) for code in ("SignatureDoesNotMatch", "UnauthorizedAccess", "Forbidden", "InvalidSecurity")),
        *((403, code) for code in ("NotSignedUp", "AccessDeniedException", "RequestTimeTooSkewed")),
        *((400, code) for code in ("InvalidToken", "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired")),
        *((400, f"KMS.{code}") for code in ("DisabledException", "KMSInvalidStateException", "NotFoundException")),
        *((status, "") for status in (401, 403)),
    ],
    ("InputArchived", "UploadFailed"): [(403, "InvalidObjectState")],
    ("InputNotFound", "UploadFailed"): [
        *((404, code) for code in ("NoSuchBucket", "NoSuchKey", "NoSuchUpload", "")),
        (400, "InvalidBucketName"),
    ],
    ("ChecksumMismatch", "UploadFailed"): [
        *((400, code) for code in ("BadDigest", "XAmzContentSHA256Mismatch", "InvalidDigest")),
        (412, "PreconditionFailed"),
    ],
    ("StoreUnavailable", "UploadFailed"): [
        *((503, code) for code in ("SlowDown", "ServiceUnavailable", "BandwidthLimitExceeded", "RequestLimitExceeded")),
        *((400, code) for code in ("RequestTimeout", "RequestTimeoutException", "Throttling", "ThrottlingException")),
        *((400, code) for code in ("InvalidPart", "InvalidPartOrder", "EntityTooSmall", "EntityTooLarge")),
        *((400, code) for code in ("InvalidRequest", "")),
        (500, "InternalError"), (429, "TooManyRequests"), (409, "OperationAborted"), (429, ""), (501, ""), (502, ""),
    ],
}  # fmt: skip
ROWS = [(*answered, *reasons) for reasons, answers in REASONS.items() for answered in answers]


@pytest.mark.parametrize(("status", "code", "fetch", "upload"), ROWS, ids=[f"{row[0]} {row[1]}" for row in ROWS])
def test_reason_by_what_the_store_answers(status: int, code: str, fetch: str, upload: str) -> None:
    fault = StoreFault(kind_of(status, code), "", "b", "k", status, code)
    assert (of_fetch(fault), of_upload([fault])) == (fetch, upload)


def test_every_code_has_its_row() -> None:
    known = {code for codes, _ in BY_CODE for code in codes}
    assert known == {code for _, code, *_ in ROWS} - {"", "PreconditionFailed"}
    assert set(BY_STATUS) <= {status for status, *_ in ROWS}


def test_an_archived_object_is_no_matter_of_rights() -> None:
    fault = translate(answer(403, "InvalidObjectState", "The operation is not valid"), "b", "k", KEYS)
    assert isinstance(fault, StoreFault)
    assert fault.kind is Kind.ARCHIVED
    assert "the object is archived: restore it first" in str(fault)


def answer(status: int, code: str, message: str = "", operation: str = "GetObject") -> boto.ClientError:
    body: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return boto.ClientError(body, operation)


STS = "AssumeRoleWithWebIdentity"


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (answer(403, "AccessDenied", "no", STS), Kind.DENIED, "STS gives no keys: no: check the trust policy of arn:r"),
        (answer(400, "InvalidIdentityToken", "no", STS), Kind.DENIED, "(HTTP 400, InvalidIdentityToken)"),
        (answer(400, "ExpiredTokenException", "no", STS), Kind.STALE, "the ServiceAccount and its token"),
        (answer(503, "", "no", STS), Kind.UNAVAILABLE, "not available"),
        (answer(403, "AccessDenied"), Kind.DENIED, "s3://b/k: access denied"),
        (answer(404, "404"), Kind.NO_KEY, "no such object (HTTP 404)"),
        (answer(400, "Odd", "AKID very-secret token-of-it"), Kind.REJECTED, "refused: *** *** *** (HTTP 400, Odd)"),
        (boto.EndpointConnectionError(endpoint_url="http://s3/b/k?X-Amz-Sig=1"), Kind.UNAVAILABLE, "not available"),
        (boto.ReadTimeoutError(endpoint_url="http://s3"), Kind.UNAVAILABLE, "not available"),
        (boto.ConnectionClosedError(endpoint_url="http://s3"), Kind.UNAVAILABLE, "not available"),
        (boto.IncompleteReadError(actual_bytes=1, expected_bytes=2), Kind.UNAVAILABLE, "not available"),
        (boto.SSLError(endpoint_url="x", error="CERTIFICATE_VERIFY_FAILED"), Kind.REJECTED, "set s3.caBundle"),
        (boto.NoCredentialsError(), Kind.DENIED, "no credentials"),
        (ConnectionResetError(), Kind.UNAVAILABLE, "not available"),
    ],
)
def test_boto_in_our_words(error: Exception, kind: Kind, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:r")
    fault = translate(error, "b", "k", KEYS)
    assert isinstance(fault, StoreFault)
    assert fault.kind is kind
    assert text in str(fault)
    assert "X-Amz" not in str(fault)


def test_a_fault_names_key_and_codes_on_one_line() -> None:
    fault = StoreFault(Kind.DENIED, "no", "bucket", "a\nb", 403, "AccessDenied")
    assert str(fault) == "s3://bucket/a\\nb: no (HTTP 403, AccessDenied)"


def test_disk_faults() -> None:
    assert of_fetch(StoreFault(Kind.LOCAL, "", code="ENOSPC")) == "DiskFull"
    assert of_fetch(StoreFault(Kind.LOCAL, "", code="ENOTDIR")) == "KeyCollision"
    assert of_fetch(StoreFault(Kind.LOCAL, "", code="EIO")) == ""
    assert of_fetch(RuntimeError()) == ""


def test_a_denial_names_itself_first() -> None:
    assert of_upload([StoreFault(Kind.REJECTED, ""), StoreFault(Kind.DENIED, "")]) == "UploadDenied"
    assert of_upload([StoreFault(Kind.LOCAL, "")]) == "UploadFailed"
    assert of_upload([]) == "UploadFailed"
