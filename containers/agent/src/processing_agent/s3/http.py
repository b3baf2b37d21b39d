"""HTTP/1.1 as text: heads of answers, and where a bucket is addressed. No sockets (RFC 9112)."""

from __future__ import annotations

from processing_agent.light import record

HTTP, HTTPS = 80, 443
LEAST_BUCKET, MOST_BUCKET = 3, 63  # characters of a bucket that can be a host name
OK_STATUS, MULTIPLE_CHOICES = 200, 300


class BadAnswer(ValueError):  # noqa: N818 - named for what is so
    """Something that is not HTTP/1.1."""


@record(slots=True)
class Answer:
    """An answer; header names in lower case. `body` is empty where the bytes went to a sink."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    tries: int = 1

    @property
    def is_success(self) -> bool:
        """Tell whether the request did what it should."""
        return OK_STATUS <= self.status < MULTIPLE_CHOICES

    @property
    def length(self) -> int | None:
        """Give the body's length; None when it comes in chunks or ends with the connection."""
        if "transfer-encoding" in self.headers:
            return None
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else None


def parse_head(head: bytes) -> Answer:
    """Read a head without its empty line.

    Raises:
        BadAnswer: no HTTP/1.x.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    version, status = first[:8], first[9:12]
    if not version.startswith("HTTP/1.") or first[8:9] != " " or not (status.isascii() and status.isdigit()):
        raise BadAnswer("the answer is not HTTP/1.1")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if version == "HTTP/1.0":
        headers.setdefault("connection", "close")
    return Answer(int(status), headers)


@record(frozen=True, slots=True)
class Site:
    """A server: what a connection is made to."""

    host: str
    port: int
    tls: bool

    @property
    def name(self) -> str:
        """Give the host as it stands in a URL: an IPv6 address in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def authority(self) -> str:
        """Give the `Host` header: without the scheme's own port."""
        return self.name if self.port == (HTTPS if self.tls else HTTP) else f"{self.name}:{self.port}"


@record(frozen=True, slots=True)
class Endpoint:
    """A store's address. `path` is in front of every bucket, mostly empty."""

    site: Site
    path: str = ""
    is_own: bool = True  # one that was given, and not AWS's

    def of_bucket(self, bucket: str, addressing: str) -> tuple[Site, str]:
        """Give the server and the path of a bucket, by `Path`, `VirtualHost` or `Auto`.

        `Auto` is Path where an endpoint is given. Where host or bucket does not allow a virtual host the path is taken,
        as boto3 does. "Virtual hosting of buckets" of the S3 user guide; dots in a bucket's name do not match a TLS
        certificate.
        """
        site = self.site
        is_wanted = addressing == "VirtualHost" or (addressing == "Auto" and not self.is_own)
        if not is_wanted or is_address(site.host) or not _may_be_host(bucket, dots=not site.tls):
            return site, f"{self.path}/{bucket}"
        return Site(f"{bucket}.{site.host}", site.port, site.tls), self.path


def parse_endpoint(url: str) -> Endpoint:
    """Read `http[s]://host[:port][/path]`, the host by name or address (IPv6 in brackets).

    Raises:
        ValueError: it is no such address.
    """
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in {"http", "https"} or not rest:
        raise ValueError(f"Invalid endpoint: {url}")
    tls = scheme.lower() == "https"
    authority, _, path = rest.partition("/")
    host, port = authority, ""
    if authority.startswith("["):
        host, _, port = authority[1:].partition("]")
        port = port.removeprefix(":")
    elif ":" in authority:
        host, _, port = authority.partition(":")
    if not host or "@" in host or (port and not (port.isascii() and port.isdigit())):
        raise ValueError(f"Invalid endpoint: {url}")
    path = path.strip("/")
    return Endpoint(Site(host, int(port) if port else HTTPS if tls else HTTP, tls), f"/{path}" if path else "")


def aws_endpoint(region: str) -> Endpoint:
    """Give AWS's own endpoint of a region ("Amazon S3 endpoints and quotas" of the AWS general reference)."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return Endpoint(Site(f"s3.{region}.{suffix}", HTTPS, tls=True), is_own=False)


def is_region(name: str) -> bool:
    """Tell whether a region can have this name: it becomes part of a host's."""
    return bool(name) and all(c.isascii() and (c.islower() or c.isdigit() or c == "-") for c in name)


def is_bucket(name: str) -> bool:
    """Tell whether a bucket can have this name; as lax as S3 ever was (255 characters, capitals, underscores)."""
    return 0 < len(name) <= 255 and all(c.isascii() and (c.isalnum() or c in ".-_") for c in name)  # noqa: PLR2004 - said above


def _may_be_host(bucket: str, *, dots: bool) -> bool:
    allowed = ".-" if dots else "-"
    inner = all(c.isascii() and (c.islower() or c.isdigit() or c in allowed) for c in bucket)
    return inner and LEAST_BUCKET <= len(bucket) <= MOST_BUCKET and bucket[0].isalnum() and bucket[-1].isalnum()


def is_address(host: str) -> bool:
    """Tell whether a host is given by its address, IPv4 or IPv6."""
    return ":" in host or all(part.isdigit() for part in host.split("."))
