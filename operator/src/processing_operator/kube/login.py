"""How to reach the API server: the Pod's service account or a kubeconfig, and the proxy on the way."""

from __future__ import annotations

import os
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import incluster_config, kube_config


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
    """The Pod's service account, else the kubeconfig in use; with the environment's proxy, if the latter names none.

    Raises:
        ConfigException: there is neither.
    """
    configuration = Configuration()
    if os.environ.get(incluster_config.SERVICE_HOST_ENV_NAME):
        incluster_config.load_incluster_config(client_configuration=configuration)
    else:
        await kube_config.load_kube_config(client_configuration=configuration)
    configuration.proxy = configuration.proxy or environment_proxy(configuration.host)
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


def environment_proxy(server: str) -> str | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY (names, and networks as kubectl reads them) ask for."""
    site = urlsplit(server)
    proxies = getproxies()
    proxy = proxies.get(site.scheme)
    if not proxy or proxy_bypass(site.netloc) or _in_network(site.hostname or "", proxies.get("no", "")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _in_network(host: str, exceptions: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(_covers(entry.strip(), address) for entry in exceptions.split(",") if "/" in entry)


def _covers(network: str, address: Any) -> bool:
    try:
        return address in ip_network(network, strict=False)
    except ValueError:
        return False
