"""Heads of answers, and where a bucket is addressed."""

from __future__ import annotations

import pytest

from processing_agent.engines.fast.clock import Clock, http_date, iso_date
from processing_agent.s3.http import Answer, BadAnswer, aws_endpoint, is_bucket, is_region, parse_endpoint, parse_head


def test_a_head() -> None:
    answer = parse_head(b'HTTP/1.1 206 Partial Content\r\nContent-Length: 12\r\nETag:"e"\r\nX: a: b')
    assert answer == Answer(206, {"content-length": "12", "etag": '"e"', "x": "a: b"})
    assert (answer.length, answer.is_success) == (12, True)


@pytest.mark.parametrize(
    "lines", [b"", b"\r\nContent-Length: -1", b"\r\nContent-Length: 3\r\nTransfer-Encoding: chunked"]
)
def test_no_length(lines: bytes) -> None:
    assert parse_head(b"HTTP/1.1 200 OK" + lines).length is None


@pytest.mark.parametrize("head", [b"", b"SSH-2.0-x", b"HTTP/2 200", b"HTTP/1.1 abc"])
def test_no_http(head: bytes) -> None:
    with pytest.raises(BadAnswer):
        parse_head(head)


def test_an_old_server_closes() -> None:
    assert parse_head(b"HTTP/1.0 200 OK").headers["connection"] == "close"


@pytest.mark.parametrize(
    ("url", "bucket", "addressing", "authority", "path"),
    [
        ("http://127.0.0.1:8333", "bucket", "Auto", "127.0.0.1:8333", "/bucket"),
        ("http://[::1]:9000/", "bucket", "Auto", "[::1]:9000", "/bucket"),
        ("http://s3.dev.svc:8333", "bucket", "Auto", "s3.dev.svc:8333", "/bucket"),
        ("https://s3.example.com:443", "bucket", "Path", "s3.example.com", "/bucket"),
        ("https://s3.example.com", "bucket", "VirtualHost", "bucket.s3.example.com", ""),
        ("https://s3.example.com", "a.bucket", "VirtualHost", "s3.example.com", "/a.bucket"),
        ("http://s3.example.com", "a.bucket", "VirtualHost", "a.bucket.s3.example.com", ""),
        ("http://s3.example.com:81/base", "bucket", "VirtualHost", "bucket.s3.example.com:81", "/base"),
        ("http://s3.example.com:81/base", "Bucket", "VirtualHost", "s3.example.com:81", "/base/Bucket"),
        ("http://127.0.0.1:8333", "bucket", "VirtualHost", "127.0.0.1:8333", "/bucket"),
    ],
)
def test_where_a_bucket_is(url: str, bucket: str, addressing: str, authority: str, path: str) -> None:
    site, base = parse_endpoint(url).of_bucket(bucket, addressing)
    assert (site.authority, base) == (authority, path)


def test_aws() -> None:
    assert aws_endpoint("eu-west-1").of_bucket("data", "Auto")[0].authority == "data.s3.eu-west-1.amazonaws.com"
    assert aws_endpoint("eu-west-1").of_bucket("d.ata", "Auto") == (aws_endpoint("eu-west-1").site, "/d.ata")
    assert aws_endpoint("eu-west-1").of_bucket("data", "Path")[1] == "/data"
    assert aws_endpoint("cn-north-1").site.host == "s3.cn-north-1.amazonaws.com.cn"


@pytest.mark.parametrize("url", ["s3.example.com", "ftp://x", "http://", "http://user@host", "http://host:port"])
def test_no_endpoint(url: str) -> None:
    with pytest.raises(ValueError, match="Invalid endpoint"):
        parse_endpoint(url)


def test_bucket_names() -> None:
    assert [is_bucket(name) for name in ("a", "A_b.c-1", "", "a/b", "é", "x" * 256)] == [True, True, *[False] * 4]


def test_dates() -> None:
    assert http_date("Sun, 06 Nov 1994 08:49:37 GMT") == iso_date("1994-11-06T08:49:37.000Z") == 784111777
    assert http_date("yesterday") is None
    assert http_date("Sun, 06 Nov 1994 8h GMT") is None
    assert iso_date("") == 0


def test_the_store_s_clock_is_taken_over_once() -> None:
    clock = Clock()
    refused = Answer(403, {"date": "Sun, 06 Nov 1994 08:49:37 GMT"})
    assert not clock.corrected(Answer(200, refused.headers))
    assert clock.corrected(refused)
    assert abs(clock.now() - 784111777) < 60
    assert not clock.corrected(refused)


def test_regions() -> None:
    names = ("eu-west-1", "", "EU", "x.evil.example", "r/", "r:1", "é")
    assert [is_region(name) for name in names] == [True, *[False] * 6]
