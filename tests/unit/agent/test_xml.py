"""Lists as S3 sends them, and as something else might."""

from __future__ import annotations

from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing_agent.s3 import xml

KEYS = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20)


def listing(*keys: str, url: bool = True, token: str = "") -> bytes:
    entries = "".join(
        f"<Contents><Key>{key}</Key><LastModified>x</LastModified><ETag>&quot;e&quot;</ETag><Size>7</Size></Contents>"
        for key in keys
    )
    encoding = "<EncodingType>url</EncodingType>" if url else ""
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    return f"<?xml version='1.0'?><ListBucketResult>{encoding}{entries}{more}</ListBucketResult>\n".encode()


@given(st.lists(KEYS, max_size=3), st.sampled_from([quote, quote_plus]))
def test_url_encoded_keys(keys: list[str], encode: object) -> None:
    page = xml.page(listing(*(encode(key) for key in keys)))  # type: ignore[operator]
    assert page == xml.Page([(key, 7, '"e"') for key in keys], "")


@given(st.lists(KEYS, max_size=3))
def test_plain_keys(keys: list[str]) -> None:
    assert [found[0] for found in xml.page(listing(*map(escape, keys), url=False)).objects] == keys


def test_entities_and_tokens() -> None:
    page = xml.page(listing("a&#13;&#x41;&apos;&gt;b+", url=False, token="t&amp;t"))
    assert page.objects[0][0] == "a\rA'>b+"
    assert page.token == "t&t"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        listing("a")[:-4],
        listing("a").replace(b"<Size>7</Size>", b""),
        listing("a").replace(b"</Contents>", b""),
        listing("a", token="t").replace(b"NextContinuationToken", b"Token"),
        listing("a%zz"),
        listing("&nbsp;", url=False),
        listing("&nbsp", url=False),
    ],
)
def test_what_is_no_whole_list(body: bytes) -> None:
    with pytest.raises(xml.BadXml):
        xml.page(body)
