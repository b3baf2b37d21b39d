"""boto3's client as we want it, and its many exceptions as faults."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import boto3
import botocore.exceptions as boto
import urllib3.exceptions
from botocore.config import Config

from processing_agent.engines.reference.crew import THREADS
from processing_agent.engines.reference.guard import guard_clients, refusal
from processing_agent.s3.faults import NEXT_STEP, Kind, StoreFault, kind_of

if TYPE_CHECKING:
    from processing_agent.credentials import Keys
    from processing_agent.engines import Store

CONNECT_TIMEOUT = 5
READ_TIMEOUT = 20  # s without a byte: a stalled body is noticed within 30
STYLES = {"Path": "path", "VirtualHost": "virtual", "Auto": "auto"}
FALLBACK_REGION = "us-east-1"
URL = re.compile(r"\s*(for|to|on|of) (endpoint )?URL:? ", re.IGNORECASE)

EXCHANGE = "AssumeRoleWithWebIdentity"

NETWORK = (
    boto.ConnectionError,
    boto.HTTPClientError,
    boto.IncompleteReadError,
    boto.ResponseStreamingError,
    boto.CredentialRetrievalError,
    urllib3.exceptions.HTTPError,
    ConnectionError,
    TimeoutError,
)


def make_client(store: Store, keys: Keys | None) -> Any:
    """Make a thread-safe client. Retries are ours (one attempt here), so are the checksums."""
    config = Config(
        # the body is not hashed for the signature: each upload has a signed checksum header that the store compares
        s3={"addressing_style": STYLES[store.addressing], "payload_signing_enabled": False},
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        max_pool_connections=THREADS + 1,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        tcp_keepalive=True,
        user_agent_extra="processing-agent",
    )
    given = {}
    if keys is not None:
        given = {
            "aws_access_key_id": keys.access,
            "aws_secret_access_key": keys.secret,
            "aws_session_token": keys.token,
        }
    session = boto3.session.Session(region_name=store.region, **given)
    guard_clients(session, store.guard)
    region = session.region_name or FALLBACK_REGION
    client = session.client(
        "s3", region_name=region, endpoint_url=store.endpoint, verify=store.ca_bundle, config=config
    )
    client.meta.events.register("before-parse.s3", _refuse_cut)
    return client


def _refuse_cut(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Refuse an answer that is shorter than announced: of an empty one boto3 makes a list without objects.

    Raises:
        IncompleteReadError: not for HEAD, which has no body, nor for streams, whose readers count.
    """
    body, announced = response_dict["body"], response_dict["headers"].get("content-length", "")
    if isinstance(body, bytes) and announced.isdigit() and operation_model.http["method"] != "HEAD":
        expected = int(announced)
        if len(body) < expected:
            raise boto.IncompleteReadError(actual_bytes=len(body), expected_bytes=expected)


def translate(error: Exception, bucket: str, key: str, keys: Keys | None) -> Exception:
    """Turn boto3's exceptions into faults; anything that is none of the store's or the network's stays what it is."""
    if isinstance(error, boto.ClientError):
        return _of_answer(error, bucket, key, keys)
    if isinstance(error, NETWORK):
        return _of_network(error, bucket, key)
    if isinstance(error, (boto.NoCredentialsError, boto.PartialCredentialsError)):
        return StoreFault(
            Kind.DENIED,
            "no credentials: set spec.s3.secretName, spec.serviceAccountName or the AWS variables",
            bucket,
            key,
        )
    if isinstance(error, (boto.FlexibleChecksumError, boto.ChecksumError)):
        return StoreFault(Kind.CORRUPT, NEXT_STEP[Kind.CORRUPT], bucket, key)
    if isinstance(error, (boto.BotoCoreError, ValueError)):
        kind = Kind.NO_BUCKET if "Invalid bucket name" in str(error) else Kind.REJECTED
        return StoreFault(kind, _redacted(f"request not possible: {error}", keys), bucket, key)
    return error  # a fault already, or none of the store's business


def _of_answer(error: boto.ClientError, bucket: str, key: str, keys: Keys | None) -> StoreFault:
    said = error.response.get("Error", {})
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    code = str(said.get("Code", ""))
    kind = kind_of(status, code)
    if error.operation_name == EXCHANGE and kind is not Kind.UNAVAILABLE:
        return StoreFault(kind if kind is Kind.STALE else Kind.DENIED, _no_role(said), bucket, key, status, code)
    code = "" if code == str(status) else code  # HEAD answers have no body: botocore puts the status there
    detail = NEXT_STEP.get(kind) or _redacted(f"refused: {said.get('Message', '')}", keys)
    return StoreFault(kind, detail, bucket, key, status, code)


def _no_role(said: dict[str, str]) -> str:
    role = os.environ.get("AWS_ROLE_ARN", "the role")
    step = f"check the trust policy of {role}, the ServiceAccount and its token"
    return f"web identity: STS gives no keys: {said.get('Message', '')[:200]}: {step}"


def _of_network(error: Exception, bucket: str, key: str) -> StoreFault:
    if (fault := refusal(error)) is not None:
        return StoreFault(fault.kind, fault.detail, bucket, key)
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return StoreFault(
            Kind.REJECTED, "the store's TLS certificate is not trusted: set s3.caBundle or AWS_CA_BUNDLE", bucket, key
        )
    # boto's texts end in the whole URL, which after a signed query may hold what must not be shown
    short = URL.split(text)[0].split("?")[0][:120]
    return StoreFault(Kind.UNAVAILABLE, f"{NEXT_STEP[Kind.UNAVAILABLE]}: {type(error).__name__}: {short}", bucket, key)


def _redacted(text: str, keys: Keys | None) -> str:
    for hidden in (keys.access, keys.secret, keys.token) if keys else ():
        if hidden:
            text = text.replace(hidden, "***")
    return text[:300]
