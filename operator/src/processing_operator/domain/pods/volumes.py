"""The Pod's volumes and which container sees which of them (docs/internals/protocol.md, "Paths in the containers")."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from processing_operator.api.names import ANNOTATION_PLAN, ANNOTATION_SIGNAL
from processing_operator.api.quantity import parse_quantity
from processing_operator.domain import names
from processing_operator.domain.pods.store_access import access_mounts, access_volumes

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob

_GIB = 1024**3
_READ_ONLY_FOR_ALL = 0o444


def pod_volumes(job: ProcessingJob) -> list[dict[str, Any]]:
    """All volumes, in the protocol's order."""
    return [
        _empty_dir("workspace", str(workspace_limit(job))),
        _empty_dir("bin", "64Mi"),
        _empty_dir("control", "16Mi"),
        _empty_dir("state", "2Gi"),
        _pod_info("podinfo", {"plan": ANNOTATION_PLAN, "signal": ANNOTATION_SIGNAL}),
        _pod_info("signal", {"signal": ANNOTATION_SIGNAL}),
        _empty_dir("tmp-fetch", "1Gi"),
        _empty_dir("tmp-upload", "1Gi"),
        *access_volumes(job),
        *(_config_map(position, name) for position, name in config_maps(job)),
    ]


def workspace_bytes(job: ProcessingJob) -> int:
    """What the script may fill."""
    return ceil(parse_quantity(job.spec.workspace.size))


def workspace_limit(job: ProcessingJob) -> int:
    """The volume's limit in bytes: above the launcher's, since the kubelet deletes everything when it is passed."""
    return workspace_bytes(job) * 11 // 10 + _GIB


def config_maps(job: ProcessingJob) -> list[tuple[int, str]]:
    """Position in `spec.inputs` and name of each ConfigMap input."""
    return [(at, source.config_map.name) for at, source in enumerate(job.spec.inputs) if source.config_map is not None]


def fetch_mounts(job: ProcessingJob) -> list[dict[str, Any]]:
    """Fetch writes the workspace, the launcher, the lock and its journal."""
    return [
        _mount("workspace", names.WORKSPACE_DIR),
        _mount("bin", names.BIN_DIR),
        _mount("control", names.CONTROL_DIR),
        _mount("state", names.STATE_DIR),
        _mount("podinfo", names.PODINFO_DIR, read_only=True),
        *access_mounts(job),
        *(_config_map_mount(position) for position, _ in config_maps(job)),
        _mount("tmp-fetch", "/tmp"),  # noqa: S108 - a volume of its own
    ]


def script_mounts() -> list[dict[str, Any]]:
    """The script sees no credentials, no plan and no journal."""
    return [
        _mount("workspace", names.WORKSPACE_DIR),
        _mount("bin", names.BIN_DIR, read_only=True),
        _mount("control", names.CONTROL_DIR),
        _mount("signal", names.SIGNAL_DIR, read_only=True),
    ]


def upload_mounts(job: ProcessingJob) -> list[dict[str, Any]]:
    """Upload changes nothing of what the script left."""
    return [
        _mount("workspace", names.WORKSPACE_DIR, read_only=True),
        _mount("control", names.CONTROL_DIR, read_only=True),
        _mount("state", names.STATE_DIR),
        _mount("podinfo", names.PODINFO_DIR, read_only=True),
        *access_mounts(job),
        _mount("tmp-upload", "/tmp"),  # noqa: S108 - a volume of its own
    ]


def _empty_dir(name: str, limit: str) -> dict[str, Any]:
    return {"name": name, "emptyDir": {"sizeLimit": limit}}


def _pod_info(name: str, files: dict[str, str]) -> dict[str, Any]:
    items = [
        {"path": path, "fieldRef": {"fieldPath": f"metadata.annotations['{annotation}']"}}
        for path, annotation in files.items()
    ]
    return {"name": name, "downwardAPI": {"defaultMode": _READ_ONLY_FOR_ALL, "items": items}}


def _config_map(position: int, name: str) -> dict[str, Any]:
    source = {"name": name, "optional": True, "defaultMode": _READ_ONLY_FOR_ALL}
    return {"name": names.config_map_volume(position), "configMap": source}


def _mount(name: str, path: str, *, read_only: bool = False) -> dict[str, Any]:
    mount: dict[str, Any] = {"name": name, "mountPath": path}
    if read_only:
        mount["readOnly"] = True
    return mount


def _config_map_mount(position: int) -> dict[str, Any]:
    return _mount(names.config_map_volume(position), names.config_map_dir(position), read_only=True)
