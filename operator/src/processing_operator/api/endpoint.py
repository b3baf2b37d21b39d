"""The address of a store: how it is written, where it must not lead, and whether it is AWS's."""

import re
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated

from pydantic import Field

from processing_operator.api.rules import Rule, matching, quote

_HOST = r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*"
_WHOLE = rf"https?://(?:{_HOST})(?::[0-9]{{1,5}})?(?:/[A-Za-z0-9._~/-]*)?"
_PARTS = re.compile(rf"(https?)://({_HOST})(?::([0-9]+))?(/.*)?", re.IGNORECASE)

# the agent looks at the addresses that a name has in the end (processing_agent.s3.addresses)
_NETWORKS = (
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    # metadata services of clouds that have them elsewhere: Alibaba's, Azure's, Oracle's; Amazon's, Google's
    "100.100.100.200/32",
    "168.63.129.16/32",
    "192.0.0.192/32",
    "fd00:ec2::/32",
    "fd20:ce::/64",
    "fe80::/10",
    # an IPv4 address within an IPv6 one: loopback, NAT64, 6to4; mapped ones (::ffff:0:0/96) are no address to CEL
    "::/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "2002::/16",
)
# whose last part is a number is an address in another spelling: 2852039166, 0xa9fea9fe, 127.1, 0251.254.169.254
_NAMES = r"(?:^|\.)(?:localhost|localdomain|[0-9]+|0x[0-9a-f]*)\.*$|^metadata\.(?:google\.internal|goog)\.*$"
_NAMES += r"|^(?:ip6-localhost|ip6-loopback)\.*$|:"
_COMPILED = tuple(ip_network(network) for network in _NETWORKS), re.compile(_NAMES)

_LISTED = f"[{', '.join(map(quote, _NETWORKS))}].exists(network, cidr(network).containsIP(host))"
_CEL = (
    # what is not written as it should be is the first rule's; what is and is no URL all the same has a bad address
    f"!self.matches(r'^(?:{_WHOLE})$') || isURL(self) && [url(self).getHostname().lowerAscii()].all(host, "
    f"isIP(host) ? !{_LISTED} : !host.matches(r'{_NAMES}'))"
)


def host_of(endpoint: str) -> str:
    """The host in lower case, an IPv6 address without its brackets; empty where there is none."""
    found = _PARTS.fullmatch(endpoint)
    return found[2].strip("[]").lower() if found else ""


def _leads_inside(endpoint: str) -> str | None:
    """The endpoint, if it is the Pod's own machine or a metadata service."""
    host = host_of(endpoint)
    networks, names = _COMPILED
    try:
        address = ip_address(host)
    except ValueError:
        return endpoint if names.search(host) else None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return endpoint
    return endpoint if any(address in network for network in networks) else None


Endpoint = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    matching(_WHOLE, "must be http[s]://HOST[:PORT][/PATH], without a user, a query or a fragment"),
    Rule(
        message="must not be a loopback or link-local address, a metadata service, or an address in another spelling "
        "than 10.0.0.1 or [fd00::1]: give the store's own name or address",
        cel=_CEL,
        offender=_leads_inside,
    ),
]
"""A store's address."""

_REGION = r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]+"
# Anybody can have a host below amazonaws.com (load balancers, machines, gateways): S3's own names alone. Sources:
# "Amazon S3 endpoints and quotas" of the AWS general reference, "AWS PrivateLink for Amazon S3" of the S3 user guide.
_S3 = rf"s3(?:-fips|-accelerate|-accesspoint|-accesspoint-fips|-{_REGION})?|s3express-[a-z0-9-]+"
_AWS = re.compile(
    rf"(?:[a-z0-9_-]+\.)*(?:{_S3})(?:\.dualstack)?(?:\.{_REGION}(?:\.vpce)?)?\.amazonaws\.(?:com|com\.cn|eu)"
)


def is_aws(endpoint: str | None) -> bool:
    """Whether it is S3 of AWS (regional, dual-stack, FIPS, VPC endpoints), as it is where none is given."""
    return endpoint is None or _AWS.fullmatch(host_of(endpoint)) is not None


def is_entry(text: str) -> bool:
    """Whether it can stand in a list of endpoints: an endpoint or a host."""
    return bool(host_of(text) if "://" in text else re.fullmatch(_HOST, text))


def is_listed(endpoint: str, entries: Sequence[str]) -> bool:
    """Whether an entry is the endpoint or its host."""
    own = {host_of(endpoint), _spelled(endpoint)}
    return any((_spelled(entry) if "://" in entry else entry.strip("[]").lower()) in own for entry in entries)


def _spelled(endpoint: str) -> str:
    """In one spelling: the scheme's own port given, no slash at the end."""
    found = _PARTS.fullmatch(endpoint)
    if found is None:
        return endpoint
    scheme, host, port, path = found.groups(default="")
    port = port or {"http": "80", "https": "443"}[scheme.lower()]
    return f"{scheme}://{host}:{port}".lower() + path.rstrip("/")
