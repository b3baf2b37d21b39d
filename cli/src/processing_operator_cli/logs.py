"""`pj logs`: what a job's container has printed, whatever its Pod is called."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from processing_operator.api.protocol import FETCH, SCRIPT
from processing_operator_cli.applying import jobs_path
from processing_operator_cli.cluster import ApiError, Cluster, ClusterError
from processing_operator_cli.following import TERMINAL
from processing_operator_cli.podlogs import Tail
from processing_operator_cli.summary import headline

Object = dict[str, Any]
_NOT_SHOWN: Final = 2
_INTERRUPTED: Final = 130
_PAUSE_SECONDS: Final = 0.5


class NoLogError(Exception):
    """There is nothing to show; why, and what there is instead."""


def show_logs(name: str, container: str, *, namespace: str, context: str, follow: bool, tail: int | None) -> int:
    """Write the log to standard output; the exit code."""
    try:
        asyncio.run(_show(name, container, namespace, context, follow=follow, tail=tail))
    except (NoLogError, ApiError, ClusterError) as error:
        sys.stderr.write(f"pj logs: {error}\n")
        return _NOT_SHOWN
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # `pj logs ... | head`; nor may the interpreter flush at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


async def _show(name: str, container: str, namespace: str, context: str, *, follow: bool, tail: int | None) -> None:
    async with Cluster.connect(context) as cluster:
        log = _Log(cluster, namespace or cluster.namespace, name, container, tail)
        await (log.follow() if follow else log.read())


@dataclass
class _Log:
    """One container's log.

    Attributes:
        tail: only so many of the last lines that are there now.
    """

    cluster: Cluster
    namespace: str
    name: str
    container: str
    tail: int | None
    _shown: bool = field(default=False, init=False)

    async def read(self) -> None:
        """Show what is there now.

        Raises:
            NoLogError: nothing is.
        """
        job = await self._job()
        try:
            await self._tail(self._pod(job)).read()
        except ApiError as error:
            raise self._explain(job, error) from error

    async def follow(self) -> None:
        """Show what is there and what comes, until the container has ended; wait for it to begin."""
        while not self._shown and not _ended(job := await self._job()):
            if _pod_name(job):
                await self._follow_pod(self._pod(job))
            await asyncio.sleep(_PAUSE_SECONDS)
        if not self._shown:
            await self.read()

    async def _follow_pod(self, pod: str) -> None:
        tail = self._tail(pod)
        end = asyncio.create_task(self._note_end(tail))
        try:
            await tail.follow()
        finally:
            end.cancel()

    async def _note_end(self, tail: Tail) -> None:
        async for job in self.cluster.watch(jobs_path(self.namespace), self.name):
            if job is None or _ended(job):
                tail.last_look = True
                return

    def _tail(self, pod: str) -> Tail:
        return Tail(self.cluster, pod, self.container, self._write, _refuse, lines=self.tail)

    def _write(self, line: str) -> None:
        self._shown = True
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    async def _job(self) -> Object:
        job = await self.cluster.find(f"{jobs_path(self.namespace)}/{self.name}")
        if job is None:
            raise NoLogError(f"there is no job {self.name} in namespace {self.namespace}")
        return job

    def _pod(self, job: Object) -> str:
        """The path of the Pod of the job's first instance."""
        if not (pod := _pod_name(job)):
            raise NoLogError(f"job {self.name} has {'had no Pod' if _ended(job) else 'no Pod yet'}; {_state(job)}")
        return f"/api/v1/namespaces/{self.namespace}/pods/{pod}"

    def _explain(self, job: Object, error: ApiError) -> Exception:
        if error.code == HTTPStatus.NOT_FOUND:
            return NoLogError(f"Pod {_pod_name(job)} is gone, and its logs with it; {_state(job)}")
        if error.code == HTTPStatus.BAD_REQUEST:  # the container has not begun
            text = f"container {self.container} has not started; {_state(job)}"
            also = f"; see also: pj logs {self.name} -n {self.namespace} -c {FETCH}"
            return NoLogError(text + also if self.container == SCRIPT else text)
        return error


def _refuse(why: str) -> None:
    raise NoLogError(why)


def _pod_name(job: Object) -> str:
    instances = job.get("status", {}).get("instances") or [{}]
    return str(instances[0].get("pod") or "")


def _ended(job: Object) -> bool:
    return job.get("status", {}).get("state") in TERMINAL


def _state(job: Object) -> str:
    told = headline(job.get("status", {}))
    return f"the job is {told}" if told else "no operator has looked at the job yet"
