"""An HTTP server in the place of the API server, or of what stands before it: it answers as a test wants."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client.configuration import Configuration

from processing_operator.kube.session import Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(
    handler: Handler, *, token: str = "", tell: Callable[[str, str, str], None] | None = None
) -> AsyncIterator[Session]:
    """A session with a server that answers every request by the handler."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(application) as server:
        session = Session(configuration(str(server.make_url("")).rstrip("/"), token), tell)
        try:
            yield session
        finally:
            await session.close()


def configuration(host: str, token: str = "") -> Any:
    """As a kubeconfig would give it."""
    made = Configuration(host=host)
    if token:
        made.api_key["BearerToken"] = f"Bearer {token}"
    return made
