"""Following the logs of a container over restarts of it and of the connection."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from processing_operator.api.protocol import FETCH, FINAL_CODES, UPLOAD
from processing_operator_cli.cluster import ApiError, ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from processing_operator_cli.cluster import Cluster

_PAUSE_SECONDS: Final = 0.5
_STARTED_AGAIN: Final = (FETCH, UPLOAD)  # unless they end with one of FINAL_CODES


@dataclass
class Tail:
    """One container's log.

    Attributes:
        deliver: gets each line once.
        refuse: is told when the log may not be read.
        last_look: the job has ended: what is not there now will not come.
        lines: of what is there at the first look, only so many of the last; None: all.
    """

    cluster: Cluster
    pod: str
    container: str
    deliver: Callable[[str], None]
    refuse: Callable[[str], None]
    last_look: bool = False
    lines: int | None = None
    _seen: str = ""

    async def follow(self) -> None:
        """Until the container has ended for good, or is gone."""
        while True:
            try:
                await self.read(follow=True)
                if await self._over():
                    return
            except ClusterError:
                pass
            except ApiError as error:
                if error.code == HTTPStatus.FORBIDDEN:
                    self.refuse(str(error))
                # 400: the container has not begun
                if error.code in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND) or self.last_look:
                    return
            await asyncio.sleep(_PAUSE_SECONDS)

    async def read(self, *, follow: bool = False) -> None:
        """What is there, from where the last reading ended; with `follow` until the connection ends.

        Raises:
            ApiError: there is no such Pod, the container has not begun, or its log may not be read.
            ClusterError: the API server does not answer.
        """
        since = {"sinceTime": self._seen} if self._seen else {}
        if self.lines is not None and not since:
            since = {"tailLines": str(self.lines)}
        query = {"container": self.container, "follow": str(follow).lower(), "timestamps": "true", **since}
        async for line in self.cluster.lines(f"{self.pod}/log", query):
            time, _, text = line.partition(" ")
            # sinceTime counts whole seconds: some lines come again
            if _comparable(time) > _comparable(self._seen):
                self._seen = time
                self.deliver(text)

    async def _over(self) -> bool:
        pod = await self.cluster.find(self.pod)
        return pod is None or ended(pod, self.container)


def ended(pod: dict[str, Any], container: str) -> bool:
    """Whether the container will not write any more."""
    status = pod.get("status", {})
    for one in (*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])):
        if one["name"] == container and (end := one.get("state", {}).get("terminated")):
            return container not in _STARTED_AGAIN or end["exitCode"] in FINAL_CODES
    return status.get("phase") in ("Succeeded", "Failed")


def _comparable(time: str) -> str:
    """RFC 3339 with as many digits as the runtime likes: in a form whose order is the time's."""
    whole, _, fraction = time.removesuffix("Z").partition(".")
    return f"{whole}.{fraction:0<9}"
