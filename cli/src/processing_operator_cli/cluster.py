"""The API server as the user's kubeconfig reaches it: raw JSON, watches, logs."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from processing_operator.lean_imports import skip_generated_models

skip_generated_models()  # half a second of `pj run`

import aiohttp  # noqa: E402
from kubernetes.aio.client.api_client import ApiClient  # noqa: E402
from kubernetes.aio.client.configuration import Configuration  # noqa: E402
from kubernetes.aio.config import incluster_config, kube_config  # noqa: E402
from kubernetes.aio.config.config_exception import ConfigException  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Object = dict[str, Any]
Query = Mapping[str, str]
_LIMITS: Final = aiohttp.ClientTimeout(total=30)
_IN_CLUSTER_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
JSON: Final = "application/json"
APPLY: Final = "application/apply-patch+yaml"


class ClusterError(Exception):
    """There is no cluster, or no way to it."""


class ApiError(Exception):
    """The API server's refusal, in its own words."""

    def __init__(self, code: int, status: Object) -> None:
        super().__init__(str(status.get("message") or f"HTTP {code}"))
        self.code = code
        self.details: Object = status.get("details") or {}


class Cluster:
    """A connection. `namespace` is the one that the user works in."""

    def __init__(self, configuration: Any, namespace: str) -> None:
        self._client = ApiClient(configuration)
        self._client.user_agent = f"pj/{version('processing-operator-cli')}"
        self.server: str = configuration.host
        self.namespace = namespace

    @classmethod
    @asynccontextmanager
    async def connect(cls, context: str = "") -> AsyncIterator[Cluster]:
        """Connect by the kubeconfig in use, or else as a Pod's service account.

        Raises:
            ClusterError: there is neither, or the context is not in it.
        """
        configuration = Configuration()
        try:
            namespace = await _load(configuration, context)
        except (ConfigException, OSError, ValueError) as error:
            raise ClusterError(f"no cluster to work with: {error}") from error
        cluster = cls(configuration, namespace)
        try:
            yield cluster
        finally:
            await cluster._client.close()

    async def request(
        self, verb: str, path: str, body: Object | None = None, *, kind: str = JSON, query: Query | None = None
    ) -> Object:
        """The JSON answer.

        Raises:
            ApiError: the API server says no.
            ClusterError: it says nothing.
        """
        async with self._open(verb, path, body, kind=kind, limits=_LIMITS, query=query or {}) as response:
            try:
                answer: Object = json.loads(await response.read())
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise self._unreachable(error) from error
            return answer

    async def find(self, path: str) -> Object | None:
        """The object, or None if there is none."""
        try:
            return await self.request("GET", path)
        except ApiError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def lines(self, path: str, query: Query, *, quiet_seconds: float | None = None) -> AsyncIterator[str]:
        """The lines of an answer that goes on, as they come; ends with the connection.

        Args:
            path: what to GET.
            query: its parameters.
            quiet_seconds: how long nothing may come; None: for ever.

        Raises:
            ApiError: as for `request`.
            ClusterError: likewise.
        """
        limits = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=quiet_seconds)
        async with self._open("GET", path, None, kind=JSON, limits=limits, query=query) as response:
            try:
                async for line in _split(response.content.iter_any()):
                    yield line
            except (aiohttp.ClientError, OSError, TimeoutError):
                return  # whoever follows looks again

    async def watch(self, path: str, name: str) -> AsyncIterator[Object | None]:
        """The object as it is and after each change; None when it is gone. Outages are waited out."""
        while True:
            try:
                selector = {"fieldSelector": f"metadata.name={name}"}
                listed = await self.request("GET", path, query=selector)
                yield listed["items"][0] if listed["items"] else None
                since = {"watch": "1", "resourceVersion": listed["metadata"]["resourceVersion"], "timeoutSeconds": "60"}
                async for line in self.lines(path, selector | since, quiet_seconds=90):
                    event = json.loads(line)
                    if event["type"] == "ERROR":  # the version is too old
                        break
                    yield None if event["type"] == "DELETED" else event["object"]
            except ClusterError:
                await asyncio.sleep(2)
            except ApiError as error:
                if error.code not in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.GONE) and error.code < 500:  # noqa: PLR2004
                    raise
                await asyncio.sleep(2)

    @asynccontextmanager
    async def _open(
        self, verb: str, path: str, body: Object | None, *, kind: str, limits: aiohttp.ClientTimeout, query: Query
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            response = await self._client.call_api(
                path,
                verb,
                query_params=list(query.items()),
                header_params={"Accept": "application/json, */*", "Content-Type": kind},
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _request_timeout=limits,
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise self._unreachable(error) from error
        async with response:
            if response.status >= HTTPStatus.BAD_REQUEST:
                raise ApiError(response.status, await _status(response))
            yield response

    def _unreachable(self, error: Exception) -> ClusterError:
        return ClusterError(f"{self.server} does not answer: {error or type(error).__name__}")


async def _load(configuration: Any, context: str) -> str:
    """Fill the configuration; the namespace to work in."""
    places = os.environ.get("KUBECONFIG") or "~/.kube/config"
    if not _any_file(places):
        if context or not _IN_CLUSTER_NAMESPACE.exists():
            raise ConfigException(f"there is no kubeconfig at {places}: set KUBECONFIG")
        incluster_config.load_incluster_config(client_configuration=configuration)
        return _IN_CLUSTER_NAMESPACE.read_text().strip()
    await kube_config.load_kube_config(places, context=context or None, client_configuration=configuration)
    contexts, active = kube_config.list_kube_config_contexts(places)
    chosen = next((one for one in contexts if one["name"] == context), active)
    return str(chosen["context"].get("namespace") or "default")


def _any_file(paths: str) -> bool:
    return any(Path(path).expanduser().is_file() for path in paths.split(os.pathsep))


async def _status(response: aiohttp.ClientResponse) -> Object:
    """The Status object of a refusal; a proxy in between answers with something else."""
    text = (await response.read()).decode(errors="replace")
    try:
        body = json.loads(text)
    except ValueError:
        body = {"message": re.sub(r"\s+", " ", text)[:300]}
    return body if isinstance(body, dict) else {}


async def _split(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Whole lines, without their end; the last one also if it has none."""
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")
