"""Answers and network errors as faults, in the words of the reference engine."""

from __future__ import annotations

from processing_agent.light import TYPE_CHECKING
from processing_agent.s3.faults import NEXT_STEP, Kind, StoreFault, kind_of
from processing_agent.s3.xml import BadXml, text_of

if TYPE_CHECKING:
    from processing_agent.credentials import Keys
    from processing_agent.s3.http import Answer

MOST_TEXT = 300
SERVER_ERROR = 500
PROXY_AUTHENTICATION = 407  # no store says this
ROOT_WITHIN = 200  # characters of a body in which its root element stands


def of_answer(answer: Answer, bucket: str, key: str, keys: Keys | None) -> StoreFault | None:
    """Give what a refusal means; None for a success.

    A 200 whose body is an `<Error>` is none: S3 begins its answer to CompleteMultipartUpload before it knows
    (CompleteMultipartUpload in the Amazon S3 API reference).
    """
    text = answer.body.decode("utf-8", "replace")
    status = answer.status
    if answer.is_success:
        if "<Error>" not in text[:ROOT_WITHIN]:
            return None
        status = SERVER_ERROR
    try:
        code, message = text_of(text, "Code"), text_of(text, "Message")
    except BadXml:
        code = message = ""
    kind = kind_of(status, code)
    if status == PROXY_AUTHENTICATION:
        return StoreFault(kind, f"the proxy asks for a user and a password: {proxy_step('HTTP')}", bucket, key, status)
    detail = NEXT_STEP.get(kind) or _redacted(f"refused: {message}", keys)
    return StoreFault(kind, detail, bucket, key, status, code)


def why_untrusted(text: str) -> str:
    """Say, out of OpenSSL's words, what is wrong with a certificate, and the next step; empty if they are of none."""
    if "CERTIFICATE_VERIFY_FAILED" not in text:
        return ""
    if "mismatch" in text:
        return "is for another host: give the endpoint the name that it was made for"
    if "expired" in text:
        return "has expired: renew it"
    return "is not trusted: set s3.caBundle or AWS_CA_BUNDLE"


def proxy_step(scheme: str) -> str:
    """Say how one names oneself to a proxy."""
    return f"{scheme}_PROXY=http://USER:PASSWORD@HOST:PORT"


def of_network(error: Exception, bucket: str, key: str) -> StoreFault:
    """Give what a broken connection means."""
    text = str(error)
    if untrusted := why_untrusted(text):
        return StoreFault(Kind.REJECTED, f"the store's TLS certificate {untrusted}", bucket, key)
    detail = f"{NEXT_STEP[Kind.UNAVAILABLE]}: {type(error).__name__}: {text[:120]}"
    return StoreFault(Kind.UNAVAILABLE, detail, bucket, key)


def _redacted(text: str, keys: Keys | None) -> str:
    for hidden in (keys.access, keys.secret, keys.token) if keys else ():
        if hidden:
            text = text.replace(hidden, "***")
    return text[:MOST_TEXT]
