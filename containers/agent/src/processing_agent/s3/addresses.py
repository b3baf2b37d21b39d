"""Addresses that a job's store must not have: the Pod's own, its node's, those of metadata services.

The API refuses them where they can be read off `spec.s3.endpoint`; a name's addresses are known here alone.
"""

from __future__ import annotations

from processing_agent.light import TYPE_CHECKING
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    import socket
else:
    import _socket as socket  # see `engines.fast.pool`

OPEN, NOT_INSIDE, NOT_ON_NODE = "open", "not inside", "not on node"
"""How a store is guarded: not at all (a shell); against all of them; against all but loopback (tests outside a Pod)."""

LOOPBACK = ("127.0.0.0/8", "0.0.0.0/8", "::/127")
ON_NODE = (
    "169.254.0.0/16",
    "fe80::/10",
    # metadata services that are elsewhere: Alibaba's, Azure's, Oracle's; Amazon's, Google's
    "100.100.100.200/32",
    "168.63.129.16/32",
    "192.0.0.192/32",
    "fd00:ec2::/32",
    "fd20:ce::/64",
)
# an IPv4 address is within these at that byte: compatible, mapped, translated, NAT64, 6to4
WITHIN = (("::/96", 12), ("::ffff:0:0/96", 12), ("::ffff:0:0:0/96", 12), ("64:ff9b::/96", 12), ("2002::/16", 2))
STEP = "give spec.s3.endpoint the store's own address, as Pods reach it"


def why_forbidden(address: str, guard: str) -> str:
    """Say what a numeric address is, if a store must not have it; empty if it may."""
    if guard == OPEN:
        return ""
    packed = _packed(address)
    ways = [packed, *(packed[at : at + 4] for network, at in WITHIN if _is_in(packed, network))]
    for way in ways:
        if any(_is_in(way, network) for network in ON_NODE):
            return "a link-local address or a metadata service"
        if guard == NOT_INSIDE and any(_is_in(way, network) for network in LOOPBACK):
            return "a loopback address"
    return ""


def forbidden(host: str, address: str, why: str) -> StoreFault:
    """Make the fault of it."""
    where = host if host == address else f"{host} ({address})"
    return StoreFault(Kind.DENIED, f"{where} is {why}, which a job's store must not have: {STEP}")


def _packed(address: str) -> bytes:
    plain = address.partition("%")[0]  # without the name of an interface
    return socket.inet_pton(socket.AF_INET6 if ":" in plain else socket.AF_INET, plain)


def _is_in(packed: bytes, network: str) -> bool:
    base, _, bits = network.partition("/")
    wanted = _packed(base)
    shift = 8 * len(wanted) - int(bits)
    return (
        len(packed) == len(wanted) and int.from_bytes(packed, "big") >> shift == int.from_bytes(wanted, "big") >> shift
    )
