"""kopf watches the jobs; this hands what it sees to the dispatcher. The only module that imports kopf.

Nothing else of kopf is in use: no change handlers, timers, daemons, indices, memos, finalizers or kopf-made Events. Its
`on.event` handlers are never retried and see nothing while a watch is blind: they carry hints, resync.py is the net.
"""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Protocol

import kopf

from processing_operator.api import names
from processing_operator.kube.login import load_login

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator, Mapping, Sequence


_IDENTITY: Any = "processing-operator"


class Watcher(Protocol):
    """Who is told."""

    def job_changed(self, job: dict[str, Any]) -> None:
        """A job is there or has changed."""

    def job_deleted(self, job: dict[str, Any]) -> None:
        """A job is gone."""


async def watch(watcher: Watcher, *, namespaces: Sequence[str], stop: asyncio.Event, ready: asyncio.Event) -> None:
    """Watch until `stop` is set, or a signal ends kopf.

    Raises:
        Exception: whatever ends kopf for good: no credentials, no rights.
    """
    await kopf.operator(
        registry=_registry(watcher),
        settings=_settings(),
        clusterwide=not namespaces,
        namespaces=list(namespaces),
        standalone=True,
        # For peering, which is off. Without one kopf asks for the user's name, and a container's uid has none.
        identity=_IDENTITY,
        stop_flag=stop,
        ready_flag=ready,
    )


def _registry(watcher: Watcher) -> kopf.OperatorRegistry:
    """A registry of our own: the default one brings login handlers that import a whole client."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return await _login()

    @kopf.on.event(names.GROUP, names.VERSION, names.PLURAL, registry=registry)
    async def job_event(event: Mapping[str, Any], **_: Any) -> None:
        tell = watcher.job_deleted if event["type"] == "DELETED" else watcher.job_changed
        tell(dict(event["object"]))

    return registry


async def _login() -> kopf.ConnectionInfo:
    """The same credentials as the gateway's. kopf asks again when the API server says 401: a token has been rotated."""
    login = await load_login()
    return kopf.ConnectionInfo(
        server=login.server,
        ca_path=login.ca_path,
        insecure=login.insecure,
        certificate_path=login.certificate_path,
        private_key_path=login.key_path,
        scheme="Bearer" if login.token else None,
        token=login.token,
        proxy_url=login.proxy,
    )


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    # Neither namespaces nor CRDs are watched: the operator has no right to, and starts when the CRD is there.
    settings.scanning.disabled = True
    # Without change handlers nothing is stored; should one slip in, it must not write into users' objects.
    settings.persistence.diffbase_storage = _NoDiffBase()
    settings.persistence.progress_storage = kopf.StatusProgressStorage(field="status.never-written")
    # By default a watch that is refused nine times ends kopf, and with it the operator; an outage may be longer.
    settings.networking.error_backoffs = _Forever()
    return settings


class _Forever:
    """Pauses between attempts, in seconds, without end."""

    def __iter__(self) -> Iterator[float]:
        return chain((0.5, 1.0, 2.0, 4.0, 8.0, 16.0), repeat(30.0))


class _NoDiffBase(kopf.DiffBaseStorage):
    def build(self, **_: Any) -> Any:
        """Nothing is compared: kopf would copy each object for it, at every event."""
        return {}

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None
