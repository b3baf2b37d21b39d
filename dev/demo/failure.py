"""What to tell of a job that did not complete: reason, message, the last lines of the containers that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dev.cluster.client import PODS, ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.cluster.client import Cluster, Object
    from dev.demo.jobs import Job

_LINES = 15


def explain(cluster: Cluster, namespace: str, job: Job) -> str:
    """The whole story of a job, in a few lines."""
    status = job.status
    head = f"{job.name} is {job.state}: {status.reason or 'no reason given'}. {status.message or ''}".rstrip()
    return "\n".join([head, *_logs(cluster, PODS.format(namespace=namespace), job.name)])


def _logs(cluster: Cluster, pods: str, name: str) -> Iterator[str]:
    for pod in cluster.items(pods, labelSelector=f"processing-operator.dev/job={name}"):
        for container in troubled(pod):
            yield f"-- the last lines of container {container} of Pod {pod['metadata']['name']}:"
            path = f"{pods}/{pod['metadata']['name']}/log"
            try:
                yield cluster.text(path, container=container, tailLines=str(_LINES)).rstrip()
            except ApiError as error:
                yield f"(no log: {error})"


def troubled(pod: Object) -> list[str]:
    """The containers of a Pod that have failed, or that were started more than once; all that began if none has."""
    status = pod.get("status", {})
    every = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    begun = [one for one in every if "waiting" not in one["state"]]
    failed = [one for one in every if one["state"].get("terminated", {}).get("exitCode") or one["restartCount"]]
    return [one["name"] for one in failed or begun]
