"""The proxy before the API server."""

from __future__ import annotations

import pytest

from processing_operator.kube.login import environment_proxy

SERVER = "https://10.233.255.1:6443"
PROXY = "http://proxy.example.com:3128"


@pytest.mark.parametrize(
    ("server", "environment", "proxy"),
    [
        (SERVER, {}, None),
        (SERVER, {"HTTPS_PROXY": PROXY}, PROXY),
        (SERVER, {"https_proxy": PROXY}, PROXY),
        (SERVER, {"HTTPS_PROXY": "proxy.example.com:3128"}, PROXY),
        (SERVER, {"HTTPS_PROXY": ""}, None),
        (SERVER, {"HTTP_PROXY": PROXY}, None),
        ("http://10.233.255.1:8080", {"HTTP_PROXY": PROXY}, PROXY),
        (SERVER, {"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}, None),
        (SERVER, {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.233.255.1"}, None),
        (SERVER, {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.233.255.1:6443"}, None),
        (SERVER, {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.233.255.1:443"}, PROXY),
        (SERVER, {"HTTPS_PROXY": PROXY, "NO_PROXY": "localhost, 10.0.0.0/8"}, None),
        (SERVER, {"HTTPS_PROXY": PROXY, "NO_PROXY": "192.168.0.0/16,10.0.0.0/33,/,x/y"}, PROXY),
        ("https://[fd00::1]:6443", {"HTTPS_PROXY": PROXY, "NO_PROXY": "fd00::/8"}, None),
        ("https://[fd00::1]:6443", {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, PROXY),
        ("https://api.example.com", {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8,.example.com"}, None),
        ("https://api.example.org", {"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8,.example.com"}, PROXY),
    ],
)
def test_environment_proxy(
    monkeypatch: pytest.MonkeyPatch, server: str, environment: dict[str, str], proxy: str | None
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert environment_proxy(server) == proxy
