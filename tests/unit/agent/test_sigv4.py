"""Our signatures are botocore's. `SIGNATURES=10000` checks as many generated requests (default 300)."""

from __future__ import annotations

import hmac
import os
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from botocore import auth, awsrequest, credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from processing_agent.credentials import Keys
from processing_agent.s3.sigv4 import Hmac, Signer, query_of, quote_path

REQUESTS = int(os.environ.get("SIGNATURES", "300"))
TEXT = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=12)
TOKENS = st.text("abcXYZ019+/=", min_size=1, max_size=24)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20).filter(str.strip)
NAMES = st.sampled_from(["range", "if-match", "content-type", "x-amz-checksum-crc64nvme", "x-amz-checksum-mode"])
KEYS = st.builds(Keys, TOKENS, TOKENS, st.none() | TOKENS)
HOSTS = st.sampled_from(["127.0.0.1:8333", "s3.eu-west-1.amazonaws.com", "bucket.s3.example.com", "[::1]:9000"])


class Signature(auth.S3SigV4Auth):  # type: ignore[misc]
    """botocore's, told not to hash the body."""

    def _should_sha256_sign_payload(self, _request: Any) -> bool:
        return False


def botocores(keys: Keys, region: str, request: awsrequest.AWSRequest, moment: datetime) -> str:
    held = credentials.Credentials(keys.access, keys.secret, keys.token)
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment):
        Signature(held, "s3", region).add_auth(request)
    return str(request.headers["Authorization"])


@settings(max_examples=REQUESTS)
@given(
    keys=KEYS,
    region=st.sampled_from(["us-east-1", "eu-central-1", "cn-north-1"]),
    method=st.sampled_from(["GET", "PUT", "POST", "HEAD", "DELETE"]),
    host=HOSTS,
    path=st.lists(TEXT, min_size=1, max_size=4).map("/".join),
    parameters=st.dictionaries(TEXT, st.just("") | TEXT, max_size=4),
    headers=st.dictionaries(NAMES, VALUES, max_size=4),
    second=st.integers(0, 4_000_000_000),
)
def test_signatures_are_botocores(  # noqa: PLR0917 - what a request is made of
    keys: Keys,
    region: str,
    method: str,
    host: str,
    path: str,
    parameters: dict[str, str],
    headers: dict[str, str],
    second: int,
) -> None:
    encoded, query = f"/{quote_path(path)}", query_of(parameters.items())
    url = f"http://{host}{encoded}" + (f"?{query}" if query else "")
    request = awsrequest.AWSRequest(method, url, headers={**headers, "host": host})
    expected = botocores(keys, region, request, datetime.fromtimestamp(second, UTC).replace(tzinfo=None))
    signed = Signer(keys, region).sign(method, encoded, query, {"host": host, **headers}, now=float(second))
    assert signed["authorization"] == expected
    assert signed.get("x-amz-security-token") == keys.token


def test_the_key_of_a_day_is_not_used_on_the_next() -> None:
    keys = Keys("a", "s")
    signer, day = Signer(keys, "r"), 86400.0
    first, second = (signer.sign("GET", "/", "", {"host": "h"}, now=now) for now in (day, 2 * day))
    assert second == Signer(keys, "r").sign("GET", "/", "", {"host": "h"}, now=2 * day)
    assert first["authorization"] != second["authorization"]


@given(st.binary(max_size=150), st.binary(max_size=200))
def test_hmac(key: bytes, text: bytes) -> None:
    code = Hmac(key)
    assert [code.digest(text), code.digest(text)] == [hmac.digest(key, text, "sha256")] * 2
