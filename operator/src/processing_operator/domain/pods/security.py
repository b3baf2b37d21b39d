"""Pod Security "restricted", for every container and the Pod."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import OperatorDefaults


@dataclass(frozen=True)
class User:
    """Whom all three containers run as: one user, so that the uploader can read what only the script's may read."""

    uid: int
    gid: int
    fs_group: int


def user_of(job: ProcessingJob, defaults: OperatorDefaults) -> User:
    """The job's own numbers, the operator's for those that it leaves out."""
    own = job.spec.security_context
    return User(
        uid=_or(None if own is None else own.run_as_user, defaults.run_as_user),
        gid=_or(None if own is None else own.run_as_group, defaults.run_as_group),
        fs_group=_or(None if own is None else own.fs_group, defaults.fs_group),
    )


def _or(own: int | None, default: int) -> int:
    return default if own is None else own


def pod_security(user: User) -> dict[str, Any]:
    """The Pod's securityContext. OnRootMismatch: a volume of millions of files is not walked at each start."""
    return {
        "runAsNonRoot": user.uid != 0,
        "runAsUser": user.uid,
        "runAsGroup": user.gid,
        "fsGroup": user.fs_group,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security(*, read_only_root: bool) -> dict[str, Any]:
    """A container's securityContext."""
    context: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    if read_only_root:
        context["readOnlyRootFilesystem"] = True
    return context
