"""Requests to the API server, as raw JSON. Beside login.py the only module that imports the Kubernetes client."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import aiohttp
from kubernetes.aio.client.rest import RESTClientObject

from processing_operator.kube.errors import TransientError, from_answer, read_retry_after
from processing_operator.kube.login import load_configuration
from processing_operator.kube.paths import resource_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping

Obj = dict[str, Any]
T = TypeVar("T")
Verb = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH: Final = "application/strategic-merge-patch+json"
TIMEOUT_SECONDS: Final = 30.0
_GOODBYE_SECONDS: Final = 0.25  # https://docs.aiohttp.org/en/stable/client_advanced.html#graceful-shutdown
_LONGEST_LINE: Final = 16 << 20  # ten times what etcd takes as one object


class Session:
    """One pool of connections to the API server.

    Args:
        configuration: how it is reached.
        tell: is told of each request: its verb (WATCH for a watch), its resource, its HTTP status; `none`: no answer.
    """

    def __init__(self, configuration: Any, tell: Callable[[str, str, str], None] | None = None) -> None:
        self._configuration = configuration
        self._tell = tell
        self._http = aiohttp.ClientSession(
            connector=_connector(configuration),
            headers={
                "User-Agent": f"processing-operator/{version('processing-operator')}",
                # As the scheduler does: within a cluster, bandwidth costs less than compressing does on both sides.
                "Accept-Encoding": "identity",
            },
            # The client's own session looks for HTTPS_PROXY and ~/.netrc in a thread, for every request. The proxy has
            # been settled (login.py), and the API server takes no user's name and password: no thread, no file. With
            # what the client copies of each request left out too, one takes 0.15 ms of CPU instead of 0.39.
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None),
        )
        self._logging_in = asyncio.Lock()

    @classmethod
    async def connect(cls, tell: Callable[[str, str, str], None]) -> Session:
        """A session by the configuration of the place where this runs."""
        return cls(await load_configuration(), tell)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()
        await asyncio.sleep(_GOODBYE_SECONDS)

    async def request(
        self,
        verb: Verb,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = JSON,
        timeout: float = TIMEOUT_SECONDS,  # noqa: ASYNC109 - of what is answered: most callers have no other wish
    ) -> Obj:
        """The object in the answer. `timeout`: seconds until the whole of it is there.

        Raises:
            KubeError: any other answer than success, or none.
        """
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Accept": JSON, "Content-Type": content_type}
        async with self._answer(verb, path, timeout, query=query, headers=headers, data=data) as answer:
            content = await answer.read()
        found = _decode(content)
        if not isinstance(found, dict) or "kind" not in found:  # a login page, a captive portal
            raise TransientError(f"{verb} {path}: {answer.status}, and no object of Kubernetes", status=answer.status)
        return found

    async def read_text(
        self,
        path: str,
        *,
        query: Mapping[str, str],
        timeout: float = TIMEOUT_SECONDS,  # noqa: ASYNC109 - as above
    ) -> str:
        """The answer as text: a log. Bytes that are not UTF-8 are replaced."""
        async with self._answer("GET", path, timeout, query=query, headers={"Accept": "*/*"}) as answer:
            return (await answer.read()).decode(errors="replace")

    async def stream(self, path: str, *, query: Mapping[str, str], silence: float) -> AsyncGenerator[bytes, None]:
        """The lines of an answer that goes on: a watch. A last line that is cut off is left out.

        Args:
            path: of what is watched.
            query: with `watch`.
            silence: after so many seconds without a byte the connection counts as lost.

        Raises:
            KubeError: refused, broken off, silent, or a line is longer than 16 MiB.
        """
        headers = {"Accept": JSON}
        async with self._answer("GET", path, None, query=query, headers=headers, silence=silence) as answer:
            begun: list[bytes] = []
            size = 0
            async for chunk in answer.content.iter_any():
                *ended, rest = chunk.split(b"\n")
                for end in ended:
                    line = b"".join([*begun, end])
                    begun, size = [], 0
                    if line:
                        yield line
                begun.append(rest)
                size += len(rest)
                if size > _LONGEST_LINE:
                    raise TransientError(f"GET {path}: a line of more than {_LONGEST_LINE} bytes")

    @asynccontextmanager
    async def _answer(
        self,
        verb: Verb,
        path: str,
        seconds: float | None,
        *,
        headers: dict[str, str],
        silence: float | None = None,
        **request: Any,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A success, to be read within `seconds`; None: its head within the usual time, its body without end."""
        call = f"{verb} {path}"
        code = "none"
        try:
            async with asyncio.timeout(seconds or TIMEOUT_SECONDS) as limit:
                configuration = self._configuration
                headers = {**headers, **await _authorization(configuration)}
                async with self._send(verb, path, headers=headers, silence=silence, **request) as answer:
                    code = str(answer.status)
                    if not answer.ok or answer.status >= HTTPStatus.MULTIPLE_CHOICES:
                        await self._refuse(answer, call, configuration)
                    if seconds is None:
                        limit.reschedule(None)
                    yield answer
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            raise TransientError(f"{call}: {type(error).__name__}: {error}") from error
        finally:
            if self._tell is not None:
                self._tell(verb if silence is None else "WATCH", resource_of(path), code)

    def _send(
        self, verb: Verb, path: str, *, query: Mapping[str, str] | None, silence: float | None, **request: Any
    ) -> Any:
        return self._http.request(
            verb,
            f"{self._configuration.host}{path}",
            params=query,
            # The API server redirects nobody. What does would make of a POST a GET, whose answer looks like success.
            allow_redirects=False,
            proxy=self._configuration.proxy,
            proxy_headers=self._configuration.proxy_headers,
            server_hostname=self._configuration.tls_server_name,
            timeout=aiohttp.ClientTimeout(total=None, sock_read=silence),
            **request,
        )

    async def _refuse(self, answer: aiohttp.ClientResponse, call: str, used: Any) -> None:
        content = await answer.read()
        if answer.status == HTTPStatus.UNAUTHORIZED:
            await self._log_in(used)
        body = _decode(content)
        wait = read_retry_after(answer.headers.get("Retry-After"), datetime.now(UTC))
        raise from_answer(answer.status, content.decode(errors="replace") if body is None else body, call, wait)

    async def _log_in(self, refused: Any) -> None:
        """Read the credentials again, once for all that were refused: an exec plugin's token has run out."""
        async with self._logging_in:
            if self._configuration is refused:
                self._configuration = await _credentials(load_configuration())


async def _authorization(configuration: Any) -> dict[str, str]:
    token = await _credentials(configuration.get_api_key_with_prefix("BearerToken"))
    return {"Authorization": token} if token else {}


async def _credentials(read: Awaitable[T]) -> T:
    """What a file or a plugin says.

    Raises:
        TransientError: it says nothing that can be used: a file is being replaced, a plugin has no network.
    """
    try:
        return await read
    except Exception as error:
        raise TransientError(f"no credentials for the API server: {error}") from error


def _connector(configuration: Any) -> aiohttp.BaseConnector:
    """The pool that the client makes, for it knows how its configuration is to be read: TLS, sizes."""
    session = RESTClientObject(configuration).pool_manager
    connector: aiohttp.BaseConnector = session.connector
    session.detach()
    return connector


def _decode(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
