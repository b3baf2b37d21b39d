"""Bringing a file's objects into the cluster."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from processing_operator.api import names
from processing_operator.api.v1alpha1 import ProcessingJob
from processing_operator_cli.cluster import APPLY, ApiError

if TYPE_CHECKING:
    from processing_operator_cli.cluster import Cluster
    from processing_operator_cli.manifests import Document

Object = dict[str, Any]
_STRICT: Final = {"fieldManager": "pj", "fieldValidation": "Strict"}
_GONE_SECONDS: Final = 1800


class ApplyError(Exception):
    """An object was not brought in; where, which, why, and what to do."""


@dataclass(frozen=True)
class Started:
    """A job to follow.

    Attributes:
        found: it was there already.
    """

    namespace: str
    name: str
    uid: str
    found: bool


def jobs_path(namespace: str) -> str:
    return f"/apis/{names.API_VERSION}/namespaces/{namespace}/{names.PLURAL}"


def namespace_of(document: Document, asked: str, default: str) -> str:
    """Where the object belongs.

    Raises:
        ApplyError: the manifest and the command line say different things.
    """
    own = str(document.body["metadata"].get("namespace") or "")
    if own and asked and own != asked:
        raise ApplyError(f"{document.where}: metadata.namespace: {own!r} is not the namespace asked for, {asked!r}")
    return own or asked or default


async def apply(cluster: Cluster, document: Document, namespace: str) -> None:
    """Any other object, as `kubectl apply --server-side` does it.

    Raises:
        ApplyError: the API server has refused it, or does not know its kind.
    """
    body = document.body
    try:
        path = await _path(cluster, document, namespace)
        await cluster.request("PATCH", f"{path}/{body['metadata']['name']}", body, kind=APPLY, query=_STRICT)
    except ApiError as error:
        raise ApplyError(f"{document.where}: {document.title}: {error}") from error


async def _path(cluster: Cluster, document: Document, namespace: str) -> str:
    """The kind's collection, by the API server's own list of what it serves."""
    version, kind = document.body["apiVersion"], document.body["kind"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    served = await cluster.find(root) or {}
    for resource in served.get("resources", []):
        if resource["kind"] == kind and "/" not in resource["name"]:
            return (
                f"{root}/namespaces/{namespace}/{resource['name']}"
                if resource["namespaced"]
                else f"{root}/{resource['name']}"
            )
    raise ApplyError(f"{document.where}: the cluster does not serve {version} {kind}")


async def start(cluster: Cluster, document: Document, namespace: str, *, replace: bool) -> Started:
    """Create a job; or find it there, the same.

    Raises:
        ApplyError: it was refused, or another job has its name.
    """
    try:
        if replace:
            await _delete(cluster, document, namespace)
        return _started(await cluster.request("POST", jobs_path(namespace), document.body, query=_STRICT), found=False)
    except ApiError as error:
        if error.code == HTTPStatus.CONFLICT and "name" in document.body["metadata"]:
            return await _find_same(cluster, document, namespace)
        raise ApplyError(f"{document.where}: {document.title}: {_explain(error)}") from error


def _started(job: Object, *, found: bool) -> Started:
    metadata = job["metadata"]
    return Started(metadata["namespace"], metadata["name"], metadata["uid"], found)


async def _find_same(cluster: Cluster, document: Document, namespace: str) -> Started:
    name = document.body["metadata"]["name"]
    there = await cluster.request("GET", f"{jobs_path(namespace)}/{name}")
    theirs, ours = (ProcessingJob.model_validate(job).spec for job in (there, document.body))
    # a job that somebody has stopped meanwhile is still the same
    if theirs.model_copy(update={"stop": ours.stop}) != ours:
        raise ApplyError(
            f"{document.where}: another job named {name} is in namespace {namespace}, and a job cannot be changed: "
            "--replace deletes it first, or choose another name"
        )
    return _started(there, found=True)


async def _delete(cluster: Cluster, document: Document, namespace: str) -> None:
    """Delete the job of this name and wait until it and its Pods are gone."""
    name = document.body["metadata"].get("name")
    path = f"{jobs_path(namespace)}/{name}"
    if not name or (there := await cluster.find(path)) is None:
        return
    await cluster.request(
        "DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"}
    )
    async with asyncio.timeout(_GONE_SECONDS):
        async for seen in cluster.watch(jobs_path(namespace), name):
            if seen is None or seen["metadata"]["uid"] != there["metadata"]["uid"]:
                return


def _explain(error: ApiError) -> str:
    if error.code == HTTPStatus.NOT_FOUND and error.details.get("kind") != "namespaces":
        return "the cluster does not know ProcessingJobs: install the chart (or crds/) first"
    return str(error)
