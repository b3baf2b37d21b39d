from __future__ import annotations

import pytest

from processing_agent.s3.addresses import NOT_INSIDE, NOT_ON_NODE, OPEN, forbidden, why_forbidden

ON_NODE = [
    "169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.0.1", "100.100.100.200", "168.63.129.16",
    "192.0.0.192", "fe80::1", "fe80::1%eth0", "febf::1", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
    "::ffff:169.254.169.254", "::a9fe:a9fe", "::ffff:0:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
]  # fmt: skip
LOOPBACK = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0",  # noqa: S104 - nothing is bound to it
    "0.1.2.3", "::1", "::", "::ffff:127.0.0.1", "::7f00:1",
    "64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:0.0.0.0",
]  # fmt: skip
ALLOWED = [
    "10.0.0.1", "192.168.0.1", "169.253.255.255", "169.255.0.0", "128.0.0.1", "126.255.255.255", "1.0.0.0", "52.1.2.3",
    "fd00::1", "fe00::1", "fec0::1", "2001:db8::1", "64:ff9b::10.0.0.1", "::ffff:10.0.0.1", "2002:a00:1::1",
]  # fmt: skip


@pytest.mark.parametrize("address", ON_NODE)
def test_nobody_s_store_is_on_the_node(address: str) -> None:
    assert "link-local" in why_forbidden(address, NOT_INSIDE)
    assert "link-local" in why_forbidden(address, NOT_ON_NODE)
    assert why_forbidden(address, OPEN) == ""


@pytest.mark.parametrize("address", LOOPBACK)
def test_a_job_s_store_is_not_in_its_pod(address: str) -> None:
    assert "loopback" in why_forbidden(address, NOT_INSIDE)
    assert why_forbidden(address, NOT_ON_NODE) == ""
    assert why_forbidden(address, OPEN) == ""


@pytest.mark.parametrize("address", ALLOWED)
def test_anything_else_may_be_a_store(address: str) -> None:
    assert why_forbidden(address, NOT_INSIDE) == ""


def test_the_words() -> None:
    fault = forbidden("s3.example.com", "169.254.169.254", why_forbidden("169.254.169.254", NOT_INSIDE))
    assert str(fault) == (
        "s3.example.com (169.254.169.254) is a link-local address or a metadata service, which a job's store must not "
        "have: give spec.s3.endpoint the store's own address, as Pods reach it"
    )
