from __future__ import annotations

import pytest

from processing_agent.s3.uri import BadUri, S3Uri, parse


@pytest.mark.parametrize(
    ("text", "bucket", "key"),
    [
        ("s3://b", "b", ""),
        ("s3://b/", "b", ""),
        ("s3://b/k", "b", "k"),
        ("s3://b/k/", "b", "k/"),
        ("s3://b//k", "b", "/k"),
        ("s3://b/a?b#c", "b", "a?b#c"),
    ],
)
def test_parse(text: str, bucket: str, key: str) -> None:
    assert parse(text) == S3Uri(bucket, key)


@pytest.mark.parametrize("text", ["", "b/k", "s3:/b", "s3://", "s3:///k", "https://b/k"])
def test_refused(text: str) -> None:
    with pytest.raises(BadUri):
        parse(text)


@pytest.mark.parametrize(("uri", "key"), [("s3://b", "x/y"), ("s3://b/p", "p/x/y"), ("s3://b/p/", "p/x/y")])
def test_a_trailing_slash_makes_no_difference(uri: str, key: str) -> None:
    assert parse(uri).beneath("x/y") == key
