"""Requests to the API server, as raw JSON. The only module that imports the Kubernetes client."""

from __future__ import annotations

import json
import os
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import incluster_config, kube_config

from processing_operator.controller.errors import TransientError, from_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

Verb = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
MERGE_PATCH: Final = "application/merge-patch+json"
_TIMEOUT_SECONDS: Final = 30.0


class Login(NamedTuple):
    """How to reach the API server, for another client (kopf has its own)."""

    server: str
    ca_path: str | None
    insecure: bool
    certificate_path: str | None
    key_path: str | None
    token: str | None
    proxy: str | None


async def load_configuration() -> Any:
    """The Pod's service account, else the kubeconfig in use.

    Raises:
        ConfigException: there is neither.
    """
    configuration = Configuration()
    if os.environ.get(incluster_config.SERVICE_HOST_ENV_NAME):
        incluster_config.load_incluster_config(client_configuration=configuration)
    else:
        await kube_config.load_kube_config(client_configuration=configuration)
    return configuration


async def load_login() -> Login:
    """The same, read anew: a token rotates on disk, an exec plugin gives another."""
    configuration = await load_configuration()
    scheme_and_token = await configuration.get_api_key_with_prefix("BearerToken") or ""
    return Login(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        certificate_path=configuration.cert_file,
        key_path=configuration.key_file,
        token=scheme_and_token.rpartition(" ")[2] or None,
        proxy=configuration.proxy,
    )


class Session:
    """One pool of connections to the API server."""

    def __init__(self, configuration: Any) -> None:
        self._client = ApiClient(configuration)
        self._client.user_agent = f"processing-operator/{version('processing-operator')}"

    @classmethod
    async def connect(cls) -> Session:
        """A session by the configuration of the place where this runs."""
        return cls(await load_configuration())

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def request(
        self,
        verb: Verb,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> dict[str, Any]:
        """The JSON answer.

        Raises:
            KubeError: any other answer than success, or none.
        """
        return dict(json.loads(await self._send(verb, path, query=query, body=body, content_type=content_type)))

    async def read_text(self, path: str, *, query: Mapping[str, str]) -> str:
        """The answer as text: a log. Bytes that are not UTF-8 are replaced."""
        return (await self._send("GET", path, query=query, accept="*/*")).decode(errors="replace")

    async def _send(
        self,
        verb: Verb,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> bytes:
        call = f"{verb} {path}"
        try:
            # The timeout covers the answer's body as well: the client sets it on the whole exchange.
            response = await self._client.call_api(
                path,
                verb,
                query_params=list((query or {}).items()),
                header_params={"Accept": accept, "Content-Type": content_type},
                body=body,
                auth_settings=["BearerToken"],
                _preload_content=False,
                _request_timeout=_TIMEOUT_SECONDS,
            )
            async with response:
                content: bytes = await response.read()
        except (aiohttp.ClientError, OSError) as error:
            raise TransientError(f"{call}: {type(error).__name__}: {error}") from error
        if response.status == HTTPStatus.UNAUTHORIZED:
            # An exec plugin's token has run out (a service account's is read again by the client): get a new one.
            self._client.configuration.api_key = (await load_configuration()).api_key
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise from_answer(response.status, _status_object(content), call)
        return content


def _status_object(content: bytes) -> dict[str, Any]:
    """The Status in an answer; proxies in between answer with something else."""
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {"message": content[:500].decode(errors="replace")}
