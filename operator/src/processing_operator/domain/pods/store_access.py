"""The files by which fetch and upload show the store who they are, and know it: the script's container has none.

The variables that name these files are in env.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from processing_operator.domain import names

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob

_FOR_GROUP: Final = 0o440
_FOR_ALL: Final = 0o444
_AUDIENCE: Final = "sts.amazonaws.com"
"""Whom the token is for, as IRSA has it. The API server, for one, refuses it: it is of no use in the cluster."""
_TOKEN_SECONDS: Final = 3600
"""The kubelet renews the file before that, and it is read at each exchange."""


def access_volumes(job: ProcessingJob) -> list[dict[str, Any]]:
    """The volumes of the job's `s3` block."""
    return [{"name": name, **source} for name, _, source in _sources(job)]


def access_mounts(job: ProcessingJob) -> list[dict[str, Any]]:
    """Where fetch and upload have them."""
    return [{"name": name, "mountPath": directory, "readOnly": True} for name, directory, _ in _sources(job)]


def _sources(job: ProcessingJob) -> list[tuple[str, str, dict[str, Any]]]:
    """Name, directory and source of each.

    Optional where they may be: fetch tells of what is missing; the kubelet would hold the Pod without a word in its
    status.
    """
    s3 = job.spec.s3
    found: list[tuple[str, str, dict[str, Any]]] = []
    if s3.secret_name is not None:
        secret = {"secretName": s3.secret_name, "optional": True, "defaultMode": _FOR_GROUP}
        found.append(("credentials", names.CREDENTIALS_DIR, {"secret": secret}))
    if s3.role_arn is not None:
        token = {"audience": _AUDIENCE, "expirationSeconds": _TOKEN_SECONDS, "path": names.TOKEN_FILE}
        projected = {"sources": [{"serviceAccountToken": token}], "defaultMode": _FOR_GROUP}
        found.append(("web-identity", names.WEB_IDENTITY_DIR, {"projected": projected}))
    if s3.ca_bundle is not None:
        # all its keys: should the wanted one be missing, fetch can say which there are
        config_map = {"name": s3.ca_bundle.config_map_key_ref.name, "optional": True, "defaultMode": _FOR_ALL}
        found.append(("ca-bundle", names.CA_BUNDLE_DIR, {"configMap": config_map}))
    return found
