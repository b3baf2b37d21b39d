"""Follow one kind of object: a list, then a watch from its version on, by the API's rules.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from contextlib import aclosing
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

from processing_operator.kube.errors import KubeError, TransientError, from_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from processing_operator.kube.session import Obj, Session

_log = logging.getLogger(__name__)
_PAGE: Final = 500
_LIFE_SECONDS: Final = (240, 360)  # the server ends a watch then: spread, so that not all come back at once
_SILENCE_SECONDS: Final = 90.0  # bookmarks come each minute
_SHORTEST_LIFE: Final = 1.0
_RESUMES: Final = 4  # what fails so often from one version on may fail because of it
_BACKOFF_SECONDS: Final = (0.5, 30.0)


class Sink(Protocol):
    """Who is told. What it raises is logged and counted; of a list it should itself guard each item."""

    def replaced(self, items: list[Obj], version: int) -> None:
        """This is all there is: what is not in it, and is not newer than `version`, is gone."""

    def changed(self, obj: Obj) -> None:
        """It is new, or another than before."""

    def deleted(self, obj: Obj) -> None:
        """It is gone, and this was its last state."""


class ListWatch:
    """Follows what one path lists. Several namespaces take one each.

    Args:
        session: the connection.
        path: what is listed, as paths.py gives it.
        label_selector: which labels; empty: whatever they are.
        field_selector: which fields, likewise.
        page: how many items one answer of a list may hold.
        failed: is told of everything that went wrong; all of it is in the log.

    Attributes:
        ready: set once the first list has been taken in.
    """

    def __init__(
        self,
        session: Session,
        path: str,
        *,
        label_selector: str = "",
        field_selector: str = "",
        page: int = _PAGE,
        failed: Callable[[Exception], None] = lambda _error: None,
    ) -> None:
        self._session = session
        self._path = path
        selectors = {"labelSelector": label_selector, "fieldSelector": field_selector}
        self._query = {name: selector for name, selector in selectors.items() if selector}
        self._page = page
        self._count = failed
        self._version: int | None = None  # None: list anew
        self._failures = 0
        self.ready = asyncio.Event()

    async def run(self, sink: Sink) -> None:
        """Until cancelled."""
        while True:
            try:
                if self._version is None:
                    self._version = await self._list(sink)
                await self._watch(sink, self._version)
            except KubeError as error:
                await self._recover(error)

    async def _list(self, sink: Sink) -> int:
        items, version = await list_pages(self._session, self._path, self._query, page=self._page)
        readable = [item for item in items if self._guard(item, resource_version, item)]
        if not self._guard({}, sink.replaced, readable, version):
            raise TransientError(f"{self._path}: the list was not taken in")
        self.ready.set()
        return version

    async def _watch(self, sink: Sink, version: int) -> None:
        query = {
            **self._query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": str(version),
            "timeoutSeconds": str(random.randint(*_LIFE_SECONDS)),  # noqa: S311 - it guards nothing
        }
        began = asyncio.get_running_loop().time()
        async with aclosing(self._session.stream(self._path, query=query, silence=_SILENCE_SECONDS)) as lines:
            async for line in lines:
                self._take(line, sink)
                self._failures = 0
        if asyncio.get_running_loop().time() - began < _SHORTEST_LIFE:
            raise TransientError(f"{self._path}: the watch was ended at once")

    def _take(self, line: bytes, sink: Sink) -> None:
        """Pass one event on.

        Raises:
            KubeError: the stream cannot be gone on with: list anew.
        """
        try:
            kind, obj = _read_event(line)
        except ValueError as error:  # whatever it told of is lost
            self._version = None
            raise TransientError(f"{self._path}: {error}") from error
        if kind == "ERROR":
            self._version = None
            raise from_answer(_code(obj), obj, f"watch {self._path}")
        if self._guard(obj, resource_version, obj):
            self._version = resource_version(obj)
            if kind != "BOOKMARK":
                self._guard(obj, sink.deleted if kind == "DELETED" else sink.changed, obj)

    def _guard(self, obj: Obj, act: Callable[..., object], *arguments: object) -> bool:
        """Whether it could be done. One object that nobody can handle must not end the watch of all."""
        try:
            act(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever it holds
            self._count(error)
            _log.warning("%s: not taken in: %r", self._path, error, extra={"key": _name(obj)})
            return False
        return True

    async def _recover(self, error: KubeError) -> None:
        """Wait a moment; then list anew, where going on from the same version would not help."""
        self._count(error)
        self._failures += 1
        lost = error.status == HTTPStatus.GONE or not isinstance(error, TransientError)
        if lost or self._failures > _RESUMES:
            self._version = None
        _log.warning("watching again, %s: %s", "from a new list" if self._version is None else "from there on", error)
        await asyncio.sleep(max(_backoff(self._failures), error.retry_after or 0.0))


async def list_pages(
    session: Session, path: str, query: Mapping[str, str] | None = None, *, page: int = _PAGE
) -> tuple[list[Obj], int]:
    """Every item, of one moment, and the resourceVersion of that moment.

    Raises:
        KubeError: also where the pages took too long and the rest of them is gone: begin anew.
    """
    items: list[Obj] = []
    version, more = 0, ""
    while True:
        answer = await session.request("GET", path, query={**(query or {}), "limit": str(page), "continue": more})
        try:
            items += answer.get("items") or []
            version = version or resource_version(answer)
            before, more = more, answer["metadata"].get("continue", "")
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            raise TransientError(f"GET {path}: no list: {error!r}") from error
        if not more:
            return items, version
        if more == before:
            raise TransientError(f"GET {path}: a page that is its own next one")


def resource_version(obj: Mapping[str, Any]) -> int:
    """The version of an object or a list. Versions of one kind are ordered, each greater than the one before.

    Raises:
        ValueError: it has none that can be read.
    """
    try:
        return int(obj["metadata"]["resourceVersion"])
    except (TypeError, LookupError, ValueError, OverflowError) as error:
        raise ValueError(f"no metadata.resourceVersion: {error!r}") from error


def _read_event(line: bytes) -> tuple[str, Obj]:
    try:
        event = json.loads(line)
        kind, obj = event["type"], event["object"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"no event: {error!r} in {line[:100]!r}") from error
    if kind not in ("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"):
        raise ValueError(f"no event of a known type: {kind!r:.100}")
    return kind, obj


def _code(status: Any) -> int:
    code = status.get("code") if isinstance(status, dict) else None
    return code if isinstance(code, int) else 0


def _name(obj: Any) -> str:
    """Of whatever it is, for the log."""
    metadata = obj.get("metadata") if isinstance(obj, dict) else None
    return f"{metadata.get('namespace')}/{metadata.get('name')}"[:320] if isinstance(metadata, dict) else ""


def _backoff(failures: int) -> float:
    shortest, longest = _BACKOFF_SECONDS
    return min(longest, shortest * 2.0 ** min(failures - 1, 16)) * random.uniform(0.75, 1.0)  # noqa: S311 - as above
