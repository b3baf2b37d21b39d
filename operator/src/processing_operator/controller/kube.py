"""The gateway: what the operator reads and writes in Kubernetes. It decides nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from processing_operator.api import names
from processing_operator.api.protocol import GATE
from processing_operator.api.status import State
from processing_operator.controller.refusals import PodRefusedError, refusal_of
from processing_operator.kube import paths
from processing_operator.kube.errors import AlreadyExistsError, KubeError, NotFoundError
from processing_operator.kube.session import JSON, MERGE_PATCH, STRATEGIC_MERGE_PATCH, TIMEOUT_SECONDS
from processing_operator.kube.watching import list_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from processing_operator.controller.store import JobKey
    from processing_operator.domain.facts import PodTarget, Release
    from processing_operator.kube.session import Obj, Session

UNFINISHED: Final = ",".join(f"status.state!={state}" for state in State if state.terminal)
"""The field selector of jobs that have not ended."""
_LOG_BYTES: Final = "16384"
_LOG_SECONDS: Final = 2.0  # progress is a comfort
_LEASE_SECONDS: Final = 3.0  # of ten after which the lead is given up


class Kube:
    """Verbs by name. Every method raises `KubeError` (kube/errors.py), sorted by what there is to do about it.

    Args:
        session: the connection.
        namespaces: where jobs are looked for; empty means everywhere.
    """

    def __init__(self, session: Session, *, namespaces: Sequence[str]) -> None:
        self._session = session
        self._namespaces: Sequence[str | None] = tuple(namespaces) or (None,)

    async def get_job(self, key: JobKey) -> Obj | None:
        """The job as it is now, or None."""
        return await self._find(_job_path(key))

    async def get_pod(self, namespace: str, name: str) -> Obj | None:
        """The Pod as it is now, or None."""
        return await self._find(_pod_path(namespace, name))

    async def list_jobs(self, *, unfinished: bool) -> tuple[list[Obj], int]:
        """All jobs, or those that have not ended, with the version from which on a watch would tell the rest."""
        return await self._list(paths.jobs, {"fieldSelector": UNFINISHED} if unfinished else {})

    async def list_pods(self) -> tuple[list[Obj], int]:
        """All Pods with our label, of every job; the version likewise."""
        return await self._list(paths.pods, {"labelSelector": names.LABEL_UID})

    async def patch_job_status(self, key: JobKey, version: str, patch: Mapping[str, Any]) -> Obj:
        """Merge `patch` into the status, if the job is still at `version`.

        Raises:
            StaleError: it is not.
            NotFoundError: it is gone.
        """
        body = {"metadata": {"resourceVersion": version}, "status": patch}
        return await self._write("PATCH", f"{_job_path(key)}/status", body)

    async def create_pod(self, manifest: Mapping[str, Any]) -> Obj:
        """The Pod that was made by this very call.

        Raises:
            AlreadyExistsError: there is one of that name, whoever made it.
            PodRefusedError: the job has to be told.
            TransientError: try again.
        """
        try:
            return await self._write("POST", paths.pods(manifest["metadata"]["namespace"]), manifest)
        except AlreadyExistsError:
            raise
        except KubeError as error:
            if (refusal := refusal_of(error)) is not None:
                raise PodRefusedError(replace(refusal, pod=manifest)) from error
            raise error.as_transient() from error

    async def release_pod(self, namespace: str, release: Release) -> Obj:
        """Take our scheduling gate away, if the Pod is still as it was seen. Others' gates are theirs."""
        pod, annotations = release.target, {names.ANNOTATION_BOUNDS: release.bounds}
        body = {
            "metadata": {**_seen(pod), "annotations": annotations},
            "spec": {"schedulingGates": [{"$patch": "delete", "name": GATE}]},
        }
        return await self._write("PATCH", _pod_path(namespace, pod.name), body, STRATEGIC_MERGE_PATCH)

    async def annotate_pod(self, namespace: str, pod: PodTarget, annotations: Mapping[str, str]) -> Obj:
        """Set annotations, if the Pod is still as it was seen."""
        body = {"metadata": {**_seen(pod), "annotations": dict(annotations)}}
        return await self._write("PATCH", _pod_path(namespace, pod.name), body)

    async def delete_pod(self, namespace: str, pod: PodTarget) -> None:
        """Delete with the Pod's own grace, if it is still as it was seen. A Pod that is gone is what was wanted."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": _seen(pod)}
        try:
            await self._write("DELETE", _pod_path(namespace, pod.name), body)
        except NotFoundError:
            return

    async def read_log_tail(self, namespace: str, pod: str, container: str, lines: int) -> list[str]:
        """The last lines that the container has printed."""
        query = {"container": container, "tailLines": str(lines), "limitBytes": _LOG_BYTES}
        path = f"{_pod_path(namespace, pod)}/log"
        return (await self._session.read_text(path, query=query, timeout=_LOG_SECONDS)).splitlines()

    async def create_event(self, namespace: str, event: Mapping[str, Any]) -> None:
        """Write one Event; one of that name is the same Event."""
        try:
            await self._write("POST", paths.events(namespace), event)
        except AlreadyExistsError:
            return

    async def get_lease(self, namespace: str, name: str) -> Obj | None:
        """The Lease, or None."""
        return await self._find(f"{paths.leases(namespace)}/{name}", _LEASE_SECONDS)

    async def create_lease(self, namespace: str, lease: Mapping[str, Any]) -> Obj:
        """Make the Lease."""
        return await self._session.request("POST", paths.leases(namespace), body=lease, timeout=_LEASE_SECONDS)

    async def update_lease(self, namespace: str, name: str, lease: Mapping[str, Any]) -> Obj:
        """Replace the Lease, if it is still at the resourceVersion in it."""
        path = f"{paths.leases(namespace)}/{name}"
        return await self._session.request("PUT", path, body=lease, timeout=_LEASE_SECONDS)

    async def _find(self, path: str, seconds: float = TIMEOUT_SECONDS) -> Obj | None:
        try:
            return await self._session.request("GET", path, timeout=seconds)
        except NotFoundError:
            return None

    async def _list(self, path: Callable[[str | None], str], query: Mapping[str, str]) -> tuple[list[Obj], int]:
        lists = [await list_pages(self._session, path(namespace), query) for namespace in self._namespaces]
        return [item for items, _ in lists for item in items], min(version for _, version in lists)

    async def _write(self, verb: Any, path: str, body: Mapping[str, Any], content_type: str = "") -> Obj:
        content_type = content_type or (MERGE_PATCH if verb == "PATCH" else JSON)
        return await self._session.request(verb, path, body=body, content_type=content_type)


def _job_path(key: JobKey) -> str:
    return f"{paths.jobs(key.namespace)}/{key.name}"


def _pod_path(namespace: str, name: str) -> str:
    return f"{paths.pods(namespace)}/{name}"


def _seen(pod: PodTarget) -> dict[str, str]:
    return {"uid": pod.uid, "resourceVersion": pod.resource_version}
