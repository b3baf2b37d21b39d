"""Where boto3's clients may connect to: the rule of `s3.addresses`, kept before each connection and before a byte."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSHTTPConnection, AWSHTTPConnectionPool, AWSHTTPSConnection, AWSHTTPSConnectionPool

from processing_agent.s3.addresses import OPEN, forbidden, why_forbidden
from processing_agent.s3.faults import StoreFault

if TYPE_CHECKING:
    import boto3


def guard_clients(session: boto3.session.Session, guard: str) -> None:
    """Guard the clients that a session makes: S3's, and STS's for a web identity. Who gives keys is no client."""
    if guard != OPEN:

        def add(base_classes: list[type], **_: Any) -> None:
            base_classes.insert(0, _guarded(guard))

        session.events.register("creating-client-class", add)


def refusal(error: Exception) -> StoreFault | None:
    """Give the fault of a forbidden connection out of what botocore makes of it."""
    inner = getattr(error, "kwargs", {}).get("error")
    return inner if isinstance(inner, StoreFault) else None


def _guarded(guard: str) -> type:
    class Guarded:
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            http = self._endpoint.http_session  # type: ignore[attr-defined]  # botocore's client has it
            http._manager.pool_classes_by_scheme = _pools(guard)  # noqa: SLF001 - there is no other way in

    return Guarded


def _pools(guard: str) -> dict[str, type]:
    class Plain(AWSHTTPConnection):  # type: ignore[misc]  # botocore has no types
        def _new_conn(self) -> Any:
            _look_up(self.host, guard)
            return _checked(super()._new_conn(), self.host, guard)

    class Encrypted(AWSHTTPSConnection):  # type: ignore[misc]  # see above
        def _new_conn(self) -> Any:
            _look_up(self.host, guard)
            return _checked(super()._new_conn(), self.host, guard)

    plain = type("PlainPool", (AWSHTTPConnectionPool,), {"ConnectionCls": Plain})
    encrypted = type("EncryptedPool", (AWSHTTPSConnectionPool,), {"ConnectionCls": Encrypted})
    return {"http": plain, "https": encrypted}


def _look_up(host: str, guard: str) -> None:
    """Do not even knock. A name may have another address a moment later: see `_checked`."""
    try:
        found = [answer[4][0] for answer in socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)]
    except OSError:
        return  # said by the connection
    reasons = [why_forbidden(str(address), guard) for address in found]
    if all(reasons):
        raise forbidden(host, str(found[0]), reasons[0])


def _checked(sock: Any, host: str, guard: str) -> Any:
    address = sock.getpeername()[0]
    if why := why_forbidden(address, guard):
        sock.close()
        raise forbidden(host, address, why)
    return sock
