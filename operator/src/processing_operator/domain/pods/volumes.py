"""The Pod's volumes and which container sees which of them (docs/internals/protocol.md, "Paths in the containers")."""

from __future__ import annotations

from math import ceil
from posixpath import commonpath, normpath
from typing import TYPE_CHECKING, Any, Final

from processing_operator.api import protocol
from processing_operator.api.names import ANNOTATION_BOUNDS, ANNOTATION_PLAN, ANNOTATION_SIGNAL
from processing_operator.api.quantity import parse_quantity
from processing_operator.domain.pods.resources import volume_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processing_operator.api.v1alpha1 import ProcessingJob

_Source = tuple[str, str, dict[str, Any]]
"""A volume's name, the directory that it is mounted at, read only, and where its files come from."""

_ALWAYS_MOUNTED: Final = ("config", "output", "processing")
_SHARED_MEMORY_DIR: Final = "/dev/shm"  # noqa: S108 - a volume of its own
_READ_ONLY_FOR_ALL = 0o444
_READ_ONLY_FOR_GROUP = 0o440
_AUDIENCE = "sts.amazonaws.com"
"""Whom the token is for, as IRSA has it. The API server, for one, refuses it: it is of no use in the cluster."""
_TOKEN_SECONDS = 3600
"""The kubelet renews the file before that, and it is read at each exchange."""


def pod_volumes(job: ProcessingJob) -> list[dict[str, Any]]:
    """All volumes, in the protocol's order."""
    return [
        _empty_dir("workspace", str(volume_bytes(job))),
        _empty_dir("bin", "64Mi"),
        # the script writes here, too: by a limit of its own it could have its Pod evicted
        {"name": "control", "emptyDir": {}},
        _empty_dir("state", "2Gi"),
        _pod_info("podinfo", {"plan": ANNOTATION_PLAN, "signal": ANNOTATION_SIGNAL, "bounds": ANNOTATION_BOUNDS}),
        _pod_info("signal", {"signal": ANNOTATION_SIGNAL, "bounds": ANNOTATION_BOUNDS}),
        *_shared_memory(job),
        _empty_dir("tmp-fetch", "1Gi"),
        _empty_dir("tmp-upload", "1Gi"),
        *({"name": name, **source} for name, _, source in (*_access(job), *_config_maps(job))),
    ]


def mounted(job: ProcessingJob) -> tuple[str, ...]:
    """The directories below /opt/ml that script and upload have of the workspace: what lies beside them is the image's.

    Of paths with the same first directory the deepest that holds them all: a file cannot be moved from one mount to
    another, so fewer are better.
    """
    found: dict[str, str] = {name: name for name in _ALWAYS_MOUNTED}
    paths = (*(source.path for source in job.spec.inputs), *(output.path for output in job.spec.outputs))
    for absolute in paths:
        path = absolute.removeprefix(f"{protocol.WORKSPACE_DIR}/")
        first = path.split("/", 1)[0]
        found[first] = commonpath((found.get(first, path), path))
    return tuple(sorted(found.values()))


def directories(job: ProcessingJob) -> tuple[str, ...]:
    """What fetch makes of the workspace: what is mounted, and a working directory there, which would be root's."""
    mounts = mounted(job)
    working = normpath(job.spec.working_dir or "/").removeprefix(f"{protocol.WORKSPACE_DIR}/")
    below = any(working.startswith(f"{mount}/") for mount in mounts)
    return (*mounts, working) if below else mounts


def fetch_mounts(job: ProcessingJob) -> list[dict[str, Any]]:
    """Fetch writes the workspace, the launcher, the lock and its journal."""
    return [
        _mount("workspace", protocol.WORKSPACE_DIR),
        _mount("bin", protocol.BIN_DIR),
        _mount("control", protocol.CONTROL_DIR),
        _mount("state", protocol.STATE_DIR),
        _mount("podinfo", protocol.PODINFO_DIR, read_only=True),
        *(_mount(name, path, read_only=True) for name, path, _ in (*_access(job), *_config_maps(job))),
        _mount("tmp-fetch", "/tmp"),  # noqa: S108 - a volume of its own
    ]


def script_mounts(job: ProcessingJob) -> list[dict[str, Any]]:
    """The script sees no credentials, no plan and no journal."""
    return [
        *_workspace_mounts(job),
        _mount("bin", protocol.BIN_DIR, read_only=True),
        _mount("control", protocol.CONTROL_DIR),
        _mount("signal", protocol.SIGNAL_DIR, read_only=True),
        *(_mount(volume["name"], _SHARED_MEMORY_DIR) for volume in _shared_memory(job)),
    ]


def upload_mounts(job: ProcessingJob) -> list[dict[str, Any]]:
    """Upload changes nothing of what the script left."""
    return [
        *_workspace_mounts(job, read_only=True),
        _mount("control", protocol.CONTROL_DIR, read_only=True),
        _mount("state", protocol.STATE_DIR),
        _mount("podinfo", protocol.PODINFO_DIR, read_only=True),
        *(_mount(name, path, read_only=True) for name, path, _ in _access(job)),
        _mount("tmp-upload", "/tmp"),  # noqa: S108 - a volume of its own
    ]


def _workspace_mounts(job: ProcessingJob, *, read_only: bool = False) -> Iterator[dict[str, Any]]:
    for path in mounted(job):
        mount = _mount("workspace", f"{protocol.WORKSPACE_DIR}/{path}", read_only=read_only)
        yield {**mount, "subPath": path}


def _shared_memory(job: ProcessingJob) -> list[dict[str, Any]]:
    """None, where the container runtime's own is enough."""
    size = job.spec.shared_memory_size
    limit = None if size is None else str(ceil(parse_quantity(size)))
    return [] if limit is None else [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": limit}}]


def _access(job: ProcessingJob) -> list[_Source]:
    """By which files fetch and upload show the store who they are, and know it.

    The variables that name them are in env.py; the script's container has none. Optional where they may be: fetch tells
    of what is missing; the kubelet would hold the Pod without a word in its status.
    """
    s3 = job.spec.s3
    found: list[_Source] = []
    if s3.secret_name is not None:
        secret = {"secretName": s3.secret_name, "optional": True, "defaultMode": _READ_ONLY_FOR_GROUP}
        found.append(("credentials", protocol.CREDENTIALS_DIR, {"secret": secret}))
    if s3.role_arn is not None:
        token = {"audience": _AUDIENCE, "expirationSeconds": _TOKEN_SECONDS, "path": protocol.TOKEN_FILE}
        projected = {"sources": [{"serviceAccountToken": token}], "defaultMode": _READ_ONLY_FOR_GROUP}
        found.append(("web-identity", protocol.WEB_IDENTITY_DIR, {"projected": projected}))
    if s3.ca_bundle is not None:
        # all its keys: should the wanted one be missing, fetch can say which there are
        config_map = {"name": s3.ca_bundle.config_map_key_ref.name, "optional": True, "defaultMode": _READ_ONLY_FOR_ALL}
        found.append(("ca-bundle", protocol.CA_BUNDLE_DIR, {"configMap": config_map}))
    return found


def _config_maps(job: ProcessingJob) -> list[_Source]:
    """The ConfigMap inputs."""
    names = [(at, item.config_map.name) for at, item in enumerate(job.spec.inputs) if item.config_map is not None]
    shared = {"optional": True, "defaultMode": _READ_ONLY_FOR_ALL}
    return [
        (protocol.config_map_volume(at), protocol.config_map_dir(at), {"configMap": {"name": name, **shared}})
        for at, name in names
    ]


def _empty_dir(name: str, limit: str) -> dict[str, Any]:
    return {"name": name, "emptyDir": {"sizeLimit": limit}}


def _pod_info(name: str, files: dict[str, str]) -> dict[str, Any]:
    items = [
        {"path": path, "fieldRef": {"fieldPath": f"metadata.annotations['{annotation}']"}}
        for path, annotation in files.items()
    ]
    return {"name": name, "downwardAPI": {"defaultMode": _READ_ONLY_FOR_ALL, "items": items}}


def _mount(name: str, path: str, *, read_only: bool = False) -> dict[str, Any]:
    return {"name": name, "mountPath": path, **({"readOnly": True} if read_only else {})}
