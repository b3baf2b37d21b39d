"""HTTP_PROXY, HTTPS_PROXY and NO_PROXY: which proxy for which server."""

from __future__ import annotations

import pytest

from processing_agent.s3.faults import StoreFault
from processing_agent.s3.http import Site, parse_endpoint
from processing_agent.s3.proxies import Proxies, covers, parse

PLAIN, SECURE = Site("store", 9000, tls=False), Site("store", 443, tls=True)


@pytest.mark.parametrize(
    ("environment", "plain", "secure"),
    [
        ({}, None, None),
        ({"HTTP_PROXY": "http://p:1"}, "p:1", None),
        ({"http_proxy": "http://p:1", "HTTP_PROXY": "http://q:1"}, "p:1", None),
        ({"http_proxy": "", "HTTP_PROXY": "http://q:1"}, None, None),
        ({"HTTPS_PROXY": "http://p:1"}, None, "p:1"),
        ({"https_proxy": "p:1"}, None, "p:1"),
        ({"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, None, None),
        ({"HTTPS_PROXY": "http://p", "REQUEST_METHOD": "GET"}, None, "p"),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "other, store"}, None, None),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "*"}, None, None),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "store", "no_proxy": "other"}, "p:1", None),
    ],
)
def test_which_proxy(environment: dict[str, str], plain: str | None, secure: str | None) -> None:
    proxies = Proxies(environment)
    for site, wanted in ((PLAIN, plain), (SECURE, secure)):
        found = proxies.of(site)
        assert (found and found.site.authority) == wanted


@pytest.mark.parametrize(
    ("exception", "endpoint", "means"),
    [
        ("example.com", "https://example.com", True),
        ("example.com", "https://s3.Example.com", True),
        (".example.com", "https://s3.example.com", True),
        (".example.com", "https://example.com", True),
        ("*.example.com", "https://s3.example.com", True),
        ("example.com", "https://badexample.com", False),
        ("example.com", "https://example.com.evil", False),
        ("example.com:8333", "http://example.com:8333", True),
        ("example.com:8333", "http://example.com:9000", False),
        ("10.1.2.3", "http://10.1.2.3:9000", True),
        ("2.3", "http://10.1.2.3:9000", False),
        ("10.0.0.0/8", "http://10.1.2.3:9000", True),
        ("10.0.0.0/8", "http://11.1.2.3:9000", False),
        ("10.0.0.0/8", "http://ten.example:9000", False),
        ("10.0.0.0/x", "http://10.1.2.3", False),
        ("::1", "http://[::1]:9000", True),
        ("[::1]:9000", "http://[::1]:9000", True),
        ("[::1]:9000", "http://[::1]:9001", False),
        ("fd00::/8", "http://[fd00::7]:1", True),
        (".", "https://example.com", False),
    ],
)
def test_what_an_exception_means(exception: str, endpoint: str, means: bool) -> None:
    assert covers(exception, parse_endpoint(endpoint).site) is means


def test_who_we_are_to_the_proxy() -> None:
    proxy = parse("HTTP_PROXY", "http://us%65r:p%40ss:word@proxy.example:3128/")
    assert proxy.site == Site("proxy.example", 3128, tls=False)
    assert proxy.authorization == "proxy-authorization: Basic dXNlcjpwQHNzOndvcmQ=\r\n"
    assert "word" not in str(proxy)


@pytest.mark.parametrize(
    "url", ["https://user:secret@p:1", "socks5://user:secret@p", "http://user:secret@p:port", "http://"]
)
def test_what_is_no_proxy(url: str) -> None:
    with pytest.raises(StoreFault, match="HTTPS_PROXY") as error:
        Proxies({"HTTPS_PROXY": url}).of(SECURE)
    assert "secret" not in str(error.value)
