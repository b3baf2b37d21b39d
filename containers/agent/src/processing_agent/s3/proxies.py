"""Which proxy stands between us and a server: HTTP_PROXY, HTTPS_PROXY, NO_PROXY. No sockets.

There is no standard; where curl, Go and Python's urllib (which boto3 asks) agree, so do we. Names in lower case win,
and HTTP_PROXY in capitals does not count in a CGI script, where it may be a header of somebody's request ("httpoxy").
Unlike Go, and like the others, we do not leave loopback addresses out unasked.
"""

from __future__ import annotations

from processing_agent.light import TYPE_CHECKING
from processing_agent.s3.faults import Kind, StoreFault
from processing_agent.s3.http import is_address, parse_endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processing_agent.s3.http import Site


class Proxy:
    """A proxy, spoken to in the clear. `authorization`: the line of a head that names us to it, or nothing."""

    __slots__ = ("authorization", "site")

    def __init__(self, site: Site, authorization: str) -> None:
        self.site, self.authorization = site, authorization

    def __str__(self) -> str:
        return f"proxy {self.site.authority}"


class Proxies:
    """Reads the variables once."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._urls = {tls: _variable(environment, f"{'https' if tls else 'http'}_proxy") for tls in (False, True)}
        _, exceptions = _variable(environment, "no_proxy")
        self._exceptions = exceptions.replace(",", " ").lower().split()
        self._known: dict[Site, Proxy | None] = {}

    def of(self, site: Site) -> Proxy | None:
        """Give the proxy for a server; None: there is none.

        Raises:
            StoreFault: REJECTED, the variable's value cannot be used. It is not quoted: it may hold a password.
        """
        name, url = self._urls[site.tls]
        if not url:
            return None
        if site not in self._known:
            direct = any(covers(exception, site) for exception in self._exceptions)
            self._known[site] = None if direct else parse(name, url)
        return self._known[site]


def _variable(environment: Mapping[str, str], name: str) -> tuple[str, str]:
    capitals = name.upper()
    found = environment.get(name)
    if found is not None or (capitals == "HTTP_PROXY" and "REQUEST_METHOD" in environment):
        return name, (found or "").strip()
    return capitals, environment.get(capitals, "").strip()


def parse(name: str, url: str) -> Proxy:
    """Read `[http://][user[:password]@]host[:port]`, the port being 80 if it is not given.

    Raises:
        StoreFault: see `Proxies.of`.
    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        scheme, rest = "http", url
    if scheme.lower() != "http":
        raise StoreFault(
            Kind.REJECTED, f"{name} names a proxy of the scheme {scheme!r}: only http://HOST:PORT can be used"
        )
    who, _, authority = rest.split("/", 1)[0].rpartition("@")
    try:
        site = parse_endpoint(f"http://{authority}").site
    except ValueError:
        raise StoreFault(
            Kind.REJECTED, f"{name} does not name a proxy: set it to http://[USER:PASSWORD@]HOST[:PORT]"
        ) from None
    return Proxy(site, _authorization(who) if who else "")


def _authorization(who: str) -> str:
    from base64 import b64encode  # noqa: PLC0415 - loaded only when it is needed: starting fast counts
    from urllib.parse import unquote_to_bytes  # noqa: PLC0415 - see above

    user, _, password = who.partition(":")
    pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return f"proxy-authorization: Basic {b64encode(pair).decode('ascii')}\r\n"


def covers(exception: str, site: Site) -> bool:
    """Tell whether an entry of NO_PROXY (in lower case) means this server.

    `*` means all; a name itself and everything below it, with or without a dot before it; an address itself; a network
    in CIDR notation its addresses. A port restricts an entry to it.
    """
    if exception == "*":
        return True
    host = site.host.lower().rstrip(".")
    name, port = _split(exception)
    if port and port != str(site.port):
        return False
    if "/" in name:
        return _within(name, host)
    name = name.removeprefix("*").strip(".")
    return bool(name) and (host == name or (host.endswith(f".{name}") and not is_address(host)))


def _split(exception: str) -> tuple[str, str]:
    """Give name or address, and port; an IPv6 address with a port has brackets."""
    if exception.startswith("["):
        name, _, port = exception[1:].partition("]")
        return name, port.removeprefix(":")
    if exception.count(":") == 1:
        name, _, port = exception.partition(":")
        return name, port
    return exception, ""


def _within(network: str, host: str) -> bool:
    if not is_address(host):
        return False
    import ipaddress  # noqa: PLC0415 - loaded only when it is needed: starting fast counts

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
