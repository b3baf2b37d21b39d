"""Keys that end, out of the answers of those who give them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from processing_agent.credentials import Keys
from processing_agent.s3.temporary import FOREVER, BadKeys, of_json, of_sts, refusal

ENDS = datetime(2026, 11, 25, 2, 31, 51, tzinfo=UTC).timestamp()
VALUES = {"AccessKeyId": "ASIA1", "SecretAccessKey": "a/b+c&d", "Expiration": "2026-11-25T02:31:51Z"}


def sts(**values: str) -> bytes:
    inner = "".join(f"<{name}>{value.replace('&', '&amp;')}</{name}>" for name, value in values.items())
    return (
        '<?xml version="1.0"?><AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<Result><Provider>x</Provider><Credentials>{inner}</Credentials></Result></AssumeRoleWithWebIdentityResponse>"
    ).encode()


def test_of_sts() -> None:
    found = of_sts(sts(**VALUES, SessionToken="t=="))
    assert found.keys == Keys("ASIA1", "a/b+c&d", "t==")
    assert found.ends == ENDS


@pytest.mark.parametrize("end", ["2026-11-25T02:31:51Z", "2026-11-25T02:31:51.000Z", "2026-11-25T03:31:51+01:00"])
def test_of_json(end: str) -> None:
    found = of_json(json.dumps({**VALUES, "Token": "t", "Expiration": end, "AccountId": "1"}).encode())
    assert found.keys == Keys("ASIA1", "a/b+c&d", "t")
    assert found.ends == ENDS


def test_keys_that_do_not_end() -> None:
    found = of_json(json.dumps({"AccessKeyId": "a", "SecretAccessKey": "s"}).encode())
    assert (found.keys, found.ends) == (Keys("a", "s"), FOREVER)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        sts(**VALUES),
        sts(**{**VALUES, "SessionToken": "t", "Expiration": "soon"}),
        sts(**{**VALUES, "SessionToken": "t", "AccessKeyId": ""}),
        sts(**VALUES, SessionToken="t").replace(b"&amp;", b"&x;"),
    ],
)
def test_what_is_no_answer_of_sts(body: bytes) -> None:
    with pytest.raises(BadKeys) as error:
        of_sts(body)
    assert "a/b" not in str(error.value)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"AccessKeyId": "a"}', b'{"SecretAccessKey": null}', b"\xff"])
def test_what_is_no_answer_of_an_endpoint(body: bytes) -> None:
    with pytest.raises(BadKeys):
        of_json(body)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"<ErrorResponse><Error><Code>C</Code><Message>a &lt; b</Message></Error></ErrorResponse>", "C", "a < b"),
        (b' {"code": "C", "message": "m"}', "C", "m"),
        (b'{"Code": "C", "Message": "m"}', "C", "m"),
        (b'{"Code": ', "", ""),
        (b"<Code>&bad;</Code>", "", ""),
        (b"gone", "", ""),
    ],
)
def test_refusals(body: bytes, code: str, message: str) -> None:
    assert refusal(body) == (code, message)
