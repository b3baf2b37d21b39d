"""Whose store an endpoint is: what the platform gives a Pod goes to AWS's S3, and to whom the operator lists."""

from __future__ import annotations

import pytest

from processing_operator.api.endpoint import is_aws, is_entry, is_listed

OF_AWS = [
    "https://s3.amazonaws.com",
    "https://s3.eu-west-1.amazonaws.com",
    "https://s3.EU-WEST-1.AmazonAWS.com:443/",
    "https://s3-us-west-2.amazonaws.com",
    "https://s3.dualstack.us-east-1.amazonaws.com",
    "https://s3-fips.us-gov-west-1.amazonaws.com",
    "https://s3-fips.dualstack.us-gov-west-1.amazonaws.com",
    "https://s3-accelerate.dualstack.amazonaws.com",
    "https://s3.cn-north-1.amazonaws.com.cn:443",
    "https://s3.eusc-de-east-1.amazonaws.eu",
    "https://bucket.vpce-1a2b-c3.s3.eu-west-1.vpce.amazonaws.com",
    "https://accesspoint.vpce-1a2b.s3-accesspoint.eu-west-1.vpce.amazonaws.com",
    "https://my.bucket.s3.eu-west-1.amazonaws.com",
    "https://s3express-use1-az4.us-east-1.amazonaws.com",
]
NOT_OF_AWS = [
    "https://s3.example.com",
    "https://amazonaws.com",
    "https://s3.amazonaws.com.example.org",
    "https://s3.amazonaws.com.cn.example.org/s3.amazonaws.com",
    "https://example.org/s3.amazonaws.com",
    "https://evils3.amazonaws.com",
    "https://s3-amazonaws.com",
    # anybody's: a load balancer, a machine, a gateway, a private link, a bucket as a web site
    "https://s3-1234567890.eu-west-1.elb.amazonaws.com",
    "https://s3.s3-1234567890.eu-west-1.elb.amazonaws.com",
    "https://ec2-203-0-113-25.compute-1.amazonaws.com",
    "https://ec2-203-0-113-25.eu-west-1.compute.amazonaws.com",
    "https://abc.execute-api.eu-west-1.amazonaws.com",
    "https://vpce-1a2b.vpce-svc-3c4d.eu-west-1.vpce.amazonaws.com",
    "http://bucket.s3-website-eu-west-1.amazonaws.com",
]


@pytest.mark.parametrize("endpoint", OF_AWS)
def test_of_aws(endpoint: str) -> None:
    assert is_aws(endpoint)


@pytest.mark.parametrize("endpoint", NOT_OF_AWS)
def test_not_of_aws(endpoint: str) -> None:
    assert not is_aws(endpoint)


LISTED = [
    ("https://s3.example.com", "https://s3.example.com", True),
    ("https://s3.example.com", "https://S3.example.com:443/", True),
    ("https://s3.example.com:443/base/", "https://s3.example.com/base", True),
    ("https://s3.example.com/base", "https://s3.example.com", False),
    ("https://s3.example.com/base", "https://s3.example.com/Base", False),
    ("http://s3.example.com", "https://s3.example.com", False),
    ("https://s3.example.com:9000", "https://s3.example.com", False),
    ("https://s3.example.com:9000/base", "s3.example.com", True),
    ("http://S3.example.com", "s3.EXAMPLE.com", True),
    ("http://a.s3.example.com", "s3.example.com", False),
    ("http://s3.example.com.evil.org", "s3.example.com", False),
    ("http://[fd00::1]:9000", "[fd00::1]", True),
]


@pytest.mark.parametrize(("endpoint", "entry", "expected"), LISTED)
def test_listed(endpoint: str, entry: str, expected: bool) -> None:
    assert is_entry(entry)
    assert is_listed(endpoint, ("elsewhere.example.com", entry)) is expected


@pytest.mark.parametrize("entry", ["", "*", "*.example.com", "ftp://a", "https://", "a b", "a/b", "a:1", "fd00::1"])
def test_no_entry(entry: str) -> None:
    assert not is_entry(entry)
