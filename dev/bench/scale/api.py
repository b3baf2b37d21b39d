"""The client that makes objects by the thousand and watches for their ends."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp

from dev.bench.scale.kinds import JOB, POD, Key, Kind
from dev.cluster.client import EVENTS, JOBS, PODS, Cluster, Object
from dev.cluster.errors import ClusterError

AT_ONCE = 32
PATIENCE = 120.0  # s without an end: it hangs
JOB_LABEL = "processing-operator.dev/job"
_PAGE = "500"
_DELETE_TRIES = 20
_CLEARED_TRIES, _CLEARED_SECONDS = 1500, 0.2
_OPTIONS = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}


@dataclass
class Ends:
    """When the first was created, when all were, and when a watcher saw each one's end; seconds of the clock."""

    began: float = 0.0
    created: float = 0.0
    ended: dict[Key, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """From the first one's creation to the last one's end."""
        return max(self.ended.values()) - self.began


@dataclass
class Api:
    """The API server, asked by many connections."""

    http: aiohttp.ClientSession

    @classmethod
    @asynccontextmanager
    async def connect(cls, cluster: Cluster) -> AsyncIterator[Api]:
        """As the cluster's admin."""
        context = ssl.create_default_context(cafile=str(cluster.session.verify))
        if not isinstance(cluster.session.cert, tuple):
            raise ClusterError("the kubeconfig has no client certificate")
        context.load_cert_chain(*cluster.session.cert)
        connector = aiohttp.TCPConnector(ssl=context, limit=AT_ONCE + 8)
        forever = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(cluster.url, connector=connector, timeout=forever) as http:
            yield cls(http)

    async def run(self, kind: Kind, keys: list[Key]) -> Ends:
        """Create all and wait for their ends.

        Raises:
            ClusterError: one was refused, or has not ended; it says which, and its status.
        """
        version = (await self._call("GET", kind.everywhere, limit="1"))["metadata"]["resourceVersion"]
        ends = Ends()
        watcher = asyncio.create_task(self._watch(kind, set(keys), ends, version))
        ends.began = time.time()
        try:
            await self._create(kind, keys)
            ends.created = time.time()
            await watcher
        except TimeoutError:
            raise ClusterError(await self._unended(kind, set(keys) - ends.ended.keys())) from None
        finally:
            watcher.cancel()
        return ends

    async def _create(self, kind: Kind, keys: Iterable[Key]) -> None:
        left = iter(keys)

        async def creator() -> None:
            for namespace, name in left:
                await self._call("POST", kind.collection.format(namespace=namespace), kind.body(name))

        await asyncio.gather(*(creator() for _ in range(AT_ONCE)))

    async def _watch(self, kind: Kind, keys: set[Key], ends: Ends, version: str) -> None:
        """Note each end, until there are as many as keys."""
        async with asyncio.timeout(PATIENCE) as silence:
            async for found in self._ended(kind, version):
                key = (found["metadata"]["namespace"], found["metadata"]["name"])
                if key in keys and key not in ends.ended:
                    ends.ended[key] = time.time()
                    silence.reschedule(asyncio.get_running_loop().time() + PATIENCE)
                if len(ends.ended) == len(keys):
                    return

    async def _ended(self, kind: Kind, version: str) -> AsyncIterator[Object]:
        """What has ended since that version; where a watch breaks off, the next begins with a list."""
        while True:
            parameters = {"watch": "1", "fieldSelector": kind.ended, "resourceVersion": version}
            async with self.http.get(kind.everywhere, params=parameters) as answer:
                rest = b""
                async for chunk in answer.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        event = json.loads(line)
                        if event["type"] in ("ADDED", "MODIFIED"):
                            yield event["object"]
            found = await self._call("GET", kind.everywhere, fieldSelector=kind.ended)
            version = found["metadata"]["resourceVersion"]
            for one in found["items"]:
                yield one

    async def _unended(self, kind: Kind, keys: set[Key]) -> str:
        namespace, name = min(keys)
        found = await self._call("GET", f"{kind.collection.format(namespace=namespace)}/{name}")
        last = f"{namespace}/{name}: {json.dumps(found.get('status', {}))[:600]}"
        return f"{len(keys)} {kind.name} have not ended well, {PATIENCE:.0f} s after the last that did; {last}"

    async def pod_ends(self, namespaces: Iterable[str]) -> dict[Key, float]:
        """When each Pod ended by its status; a job's Pod by the job's name."""
        ends = {}
        for namespace in namespaces:
            async for found in self._pages(PODS.format(namespace=namespace)):
                name = found["metadata"].get("labels", {}).get(JOB_LABEL, found["metadata"]["name"])
                ends[namespace, name] = ended_at(found)
        return ends

    async def _pages(self, path: str) -> AsyncIterator[Object]:
        token = ""
        while True:
            found = await self._call("GET", path, None, **{"limit": _PAGE, "continue": token})
            for one in found["items"]:
                yield one
            token = found["metadata"].get("continue", "")
            if not token:
                return

    async def clear(self, namespaces: Iterable[str]) -> None:
        """Delete all jobs, Pods and Events, and wait until they are gone."""
        for namespace in namespaces:
            for path in (JOBS, PODS, EVENTS):
                await self._delete_all(path.format(namespace=namespace))
            for kind in (JOB, POD):
                await self._await_empty(kind.collection.format(namespace=namespace))

    async def _delete_all(self, path: str) -> None:
        """Thousands take longer than the API server gives a request: it is asked again, and goes on."""
        for _ in range(_DELETE_TRIES):
            async with self.http.delete(path, json=_OPTIONS) as answer:
                await answer.read()
                if answer.ok:
                    return
        raise ClusterError(f"DELETE {path}: {answer.status}")

    async def _await_empty(self, path: str) -> None:
        for _ in range(_CLEARED_TRIES):
            if not (await self._call("GET", path, limit="1"))["items"]:
                return
            await asyncio.sleep(_CLEARED_SECONDS)
        raise ClusterError(f"{path} is not empty {_CLEARED_TRIES * _CLEARED_SECONDS:.0f} s after all was deleted")

    async def _call(self, verb: str, path: str, body: Object | None = None, **parameters: str) -> Object:
        async with self.http.request(verb, path, json=body, params=parameters) as answer:
            found: Object = await answer.json()
            if not answer.ok:
                raise ClusterError(f"{verb} {path}: {answer.status}: {found.get('message', found)}")
            return found


def ended_at(pod: Object) -> float:
    """The end of a fake node's Pod, Unix time: the message of its condition (stages.yaml)."""
    (said,) = (one["message"] for one in pod["status"]["conditions"] if one["type"] == "Ready")
    return datetime.fromisoformat(_microseconds(said)).timestamp()


def _microseconds(text: str) -> str:
    """RFC 3339 as Go writes it, to the nanosecond without trailing zeros, as Python 3.11 reads it."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return f"{whole}.{fraction[:6]:0<6}+00:00"
