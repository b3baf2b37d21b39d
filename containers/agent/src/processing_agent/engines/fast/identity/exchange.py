"""One question to a service that gives keys, over the engine's own connections, and what its refusal means."""

from __future__ import annotations

import time

from processing_agent.engines.fast.clock import http_date
from processing_agent.engines.fast.faults import why_untrusted
from processing_agent.engines.fast.messages import Request
from processing_agent.light import TYPE_CHECKING
from processing_agent.s3.faults import Kind, StoreFault, kind_of
from processing_agent.s3.http import BadAnswer, parse_endpoint
from processing_agent.s3.temporary import BadKeys, Temporary, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from processing_agent.engines.fast.pool import Pool
    from processing_agent.s3.http import Answer, Site

MULTIPLE_CHOICES, BAD_REQUEST = 300, 400
# STS could not ask the issuer of a token ("AssumeRoleWithWebIdentity" of the AWS STS API reference: it can be retried)
PASSING_CODES = {"IDPCommunicationError"}


class Service:
    """A service that gives keys: what people call it, where it is, and what to look at when it refuses."""

    __slots__ = ("direct", "name", "next_step", "patience", "secrets", "site")

    def __init__(self, name: str, site: Site, next_step: str, *, direct: bool = False, patience: float = 0.0) -> None:
        self.name, self.site, self.next_step = name, site, next_step
        self.direct, self.patience = direct, patience
        self.secrets: list[str] = []  # that went into the last question: they come into no text

    def __str__(self) -> str:
        return f"{self.name} ({'https' if self.site.tls else 'http'}://{self.site.authority})"

    def fault(self, kind: Kind, what: str, *, status: int = 0, code: str = "") -> StoreFault:
        """Make a fault that names the service and the next step."""
        for secret in self.secrets:
            what = what.replace(secret, "***")
        return StoreFault(kind, f"{self}: {what}: {self.next_step}", status=status, code=code)


class Exchange:
    """Asks services."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def ask(
        self, service: Service, method: str, target: str, headers: dict[str, str], body: bytes = b""
    ) -> Answer:
        """Ask one time; a redirect is an answer like any other.

        Raises:
            StoreFault: UNAVAILABLE, since there is no answer.
        """
        site = service.site
        prefix, extra = ("", "") if service.direct else self._pool.form(site)
        lines = {"host": site.authority, "accept": "*/*", "connection": "close", **headers}
        if body or method != "GET":
            lines["content-length"] = str(len(body))
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        head = f"{method} {prefix}{target} HTTP/1.1\r\n{text}{extra}\r\n".encode("latin-1", "replace")
        try:
            connection = await self._pool.take(site, fresh=True, direct=service.direct, patience=service.patience)
            try:
                return await connection.exchange(Request(method, head, body))
            finally:
                self._pool.give_back(site, connection)
        except (OSError, BadAnswer) as error:
            if untrusted := why_untrusted(str(error)):
                raise service.fault(Kind.REJECTED, f"its TLS certificate {untrusted}") from None
            raise service.fault(
                Kind.UNAVAILABLE, f"does not answer: {type(error).__name__}: {str(error)[:120]}"
            ) from None

    @staticmethod
    async def keys(service: Service, answer: Awaitable[Answer], parse: Callable[[bytes], Temporary]) -> Temporary:
        """Understand an answer that should hold keys; their end is given by our clock.

        Raises:
            StoreFault: UNAVAILABLE or STALE where time may heal it, else DENIED.
        """
        given = await answer
        if not given.is_success:
            raise refused(service, given)
        try:
            found = parse(given.body)
        except BadKeys as error:
            raise service.fault(Kind.UNAVAILABLE, f"its answer cannot be used: {error}", status=given.status) from None
        # how long they last is what counts: our clock may be another than theirs
        theirs = http_date(given.headers.get("date", ""))
        if theirs is not None:
            found.ends += time.time() - theirs
        return found


def refused(service: Service, answer: Answer) -> StoreFault:
    """Say what a refusal means."""
    code, message = refusal(answer.body)
    kind = kind_of(answer.status, code)
    if code in PASSING_CODES:
        kind = Kind.UNAVAILABLE
    if kind is Kind.UNAVAILABLE:
        return service.fault(kind, f"does not answer: {message or 'no reason given'}", status=answer.status, code=code)
    if kind is not Kind.STALE:
        kind = Kind.DENIED
    if MULTIPLE_CHOICES <= answer.status < BAD_REQUEST:
        message = "it sends us elsewhere, which is not followed"
    return service.fault(kind, f"gives no keys: {message or 'no reason given'}", status=answer.status, code=code)


def split(url: str) -> tuple[Site, str]:
    """Split an address into its server, and path and query.

    Raises:
        ValueError: it is none.
    """
    scheme, _, rest = url.partition("://")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    target = rest[end:].partition("#")[0]
    if any(c.isspace() or not c.isprintable() for c in target):
        raise ValueError("a blank in an address")
    return parse_endpoint(f"{scheme}://{rest[:end]}").site, target if target.startswith("/") else f"/{target}"


def secret_of(variable: str, path: str) -> str:
    """Read a token out of its file, anew each time: the kubelet puts another there before it ends.

    Raises:
        StoreFault: DENIED, naming the variable and the file.
    """
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes long to load
            found = file.read().strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise StoreFault(Kind.DENIED, f"{variable}: {path} cannot be read: {why}: mount the token there") from None
    if not found:
        raise StoreFault(Kind.DENIED, f"{variable}: {path} is empty: mount the token there")
    return found
