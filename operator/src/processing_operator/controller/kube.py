"""The gateway: what the operator reads and writes in Kubernetes. It decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from processing_operator.api import names
from processing_operator.controller.errors import (
    AlreadyExistsError,
    DeniedError,
    NotFoundError,
    PodRefusedError,
    TransientError,
)
from processing_operator.controller.refusals import controller_of, owned_by_another, refused_for_good
from processing_operator.controller.session import MERGE_PATCH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from processing_operator.controller.key import JobKey
    from processing_operator.controller.metrics import Metrics
    from processing_operator.controller.session import Session
    from processing_operator.domain.plan import PodTarget

Obj = dict[str, Any]
_PAGE: Final = "500"
_LOG_BYTES: Final = "16384"


class Kube:
    """Verbs by name. Every method raises `KubeError` (errors.py), sorted by what there is to do about it.

    Args:
        session: the connection.
        namespaces: where jobs are looked for; empty means everywhere.
        metrics: counts the writes.
    """

    def __init__(self, session: Session, *, namespaces: Sequence[str], metrics: Metrics) -> None:
        self._session = session
        self._namespaces: Sequence[str | None] = tuple(namespaces) or (None,)
        self._metrics = metrics

    async def get_job(self, key: JobKey) -> Obj | None:
        """The job as it is now, or None."""
        try:
            return await self._session.request("GET", _job_path(key))
        except NotFoundError:
            return None

    async def list_jobs(self) -> list[Obj]:
        """All jobs."""
        return [job for namespace in self._namespaces for job in await self._list(_jobs_path(namespace))]

    async def list_pods(self) -> list[Obj]:
        """All Pods with our label, of every job."""
        return [
            pod
            for namespace in self._namespaces
            for pod in await self._list(_pods_path(namespace), labelSelector=names.LABEL_UID)
        ]

    async def list_pods_of(self, key: JobKey, uid: str) -> list[Obj]:
        """The job's Pods: labelled with its uid, and owned by it. Anybody who may make Pods can forge a label."""
        pods = await self._list(_pods_path(key.namespace), labelSelector=f"{names.LABEL_UID}={uid}")
        return [pod for pod in pods if _owner_uid(pod) == uid]

    async def patch_job_status(self, key: JobKey, version: str, patch: Mapping[str, Any]) -> Obj:
        """Merge `patch` into the status, if the job is still at `version`.

        Raises:
            StaleError: it is not.
            NotFoundError: it is gone.
        """
        body = {"metadata": {"resourceVersion": version}, "status": patch}
        return await self._write("PATCH", f"{_job_path(key)}/status", "processingjobs/status", body)

    async def create_pod(self, manifest: Mapping[str, Any]) -> Obj:
        """The Pod, just made or made before by a write whose answer was lost.

        Raises:
            PodRefusedError: the job has to be told.
            TransientError: try again.
        """
        metadata = manifest["metadata"]
        try:
            return await self._write("POST", _pods_path(metadata["namespace"]), "pods", manifest)
        except AlreadyExistsError:
            return await self._adopt(manifest)
        except DeniedError as error:
            if (failure := refused_for_good(error)) is not None:
                raise PodRefusedError(failure) from error
            raise TransientError(str(error), status=error.status, reason=error.reason) from error

    async def _adopt(self, manifest: Mapping[str, Any]) -> Obj:
        metadata = manifest["metadata"]
        try:
            pod = await self._session.request("GET", f"{_pods_path(metadata['namespace'])}/{metadata['name']}")
        except NotFoundError as error:  # gone between the two calls
            raise TransientError(str(error), status=error.status, reason=error.reason) from error
        if _owner_uid(pod) != _owner_uid(manifest):
            raise PodRefusedError(owned_by_another(pod))
        return pod

    async def release_pod(self, namespace: str, pod: PodTarget) -> Obj:
        """Take the scheduling gates away, if the Pod is still as it was seen."""
        metadata = {"uid": pod.uid, "resourceVersion": pod.resource_version}
        body = {"metadata": metadata, "spec": {"schedulingGates": None}}
        return await self._write("PATCH", f"{_pods_path(namespace)}/{pod.name}", "pods", body)

    async def annotate_pod(self, namespace: str, pod: PodTarget, annotations: Mapping[str, str]) -> Obj:
        """Set annotations, if the Pod is still as it was seen."""
        metadata = {"uid": pod.uid, "resourceVersion": pod.resource_version, "annotations": dict(annotations)}
        return await self._write("PATCH", f"{_pods_path(namespace)}/{pod.name}", "pods", {"metadata": metadata})

    async def delete_pod(self, namespace: str, pod: PodTarget) -> None:
        """Delete with the Pod's own grace, if it is still as it was seen. A Pod that is gone is what was wanted."""
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": pod.uid, "resourceVersion": pod.resource_version},
        }
        try:
            await self._write("DELETE", f"{_pods_path(namespace)}/{pod.name}", "pods", body)
        except NotFoundError:
            return

    async def read_log_tail(self, namespace: str, pod: str, container: str, lines: int) -> list[str]:
        """The last lines that the container has printed."""
        query = {"container": container, "tailLines": str(lines), "limitBytes": _LOG_BYTES}
        return (await self._session.read_text(f"{_pods_path(namespace)}/{pod}/log", query=query)).splitlines()

    async def create_event(self, namespace: str, event: Mapping[str, Any]) -> None:
        """Write one Event; one of that name is the same Event."""
        try:
            await self._write("POST", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events", "events", event)
        except AlreadyExistsError:
            return

    async def get_lease(self, namespace: str, name: str) -> Obj:
        """The Lease."""
        return await self._session.request("GET", f"{_leases_path(namespace)}/{name}")

    async def create_lease(self, namespace: str, lease: Mapping[str, Any]) -> Obj:
        """Make the Lease."""
        return await self._session.request("POST", _leases_path(namespace), body=lease)

    async def update_lease(self, namespace: str, name: str, lease: Mapping[str, Any]) -> Obj:
        """Replace the Lease, if it is still at the resourceVersion in it."""
        return await self._session.request("PUT", f"{_leases_path(namespace)}/{name}", body=lease)

    async def _list(self, path: str, **query: str) -> list[Obj]:
        items: list[Obj] = []
        more = ""
        while True:
            page = await self._session.request("GET", path, query={**query, "limit": _PAGE, "continue": more})
            items.extend(page["items"])
            more = page["metadata"].get("continue", "")
            if not more:
                return items

    async def _write(self, verb: Any, path: str, resource: str, body: Mapping[str, Any]) -> Obj:
        content_type = MERGE_PATCH if verb == "PATCH" else "application/json"
        answer = await self._session.request(verb, path, body=body, content_type=content_type)
        self._metrics.wrote(verb, resource)
        return answer


def _jobs_path(namespace: str | None) -> str:
    where = f"/namespaces/{namespace}" if namespace is not None else ""
    return f"/apis/{names.API_VERSION}{where}/{names.PLURAL}"


def _job_path(key: JobKey) -> str:
    return f"{_jobs_path(key.namespace)}/{key.name}"


def _pods_path(namespace: str | None) -> str:
    return f"/api/v1/namespaces/{namespace}/pods" if namespace is not None else "/api/v1/pods"


def _leases_path(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


def _owner_uid(pod: Mapping[str, Any]) -> str:
    owner = controller_of(pod)
    return owner["uid"] if owner else ""
