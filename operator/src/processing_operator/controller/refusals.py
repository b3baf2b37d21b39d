"""Why the API server refused a Pod: for the job's owner to mend, to be waited for, or none of the job's fault."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from processing_operator.domain.facts import CreateFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processing_operator.controller.errors import DeniedError, KubeError

_TERMINATING: Final = "because it is being terminated"
_NO_ACCOUNT: Final = re.compile(r'serviceaccount "([^"]+)" not found')
_MADE_BY_KUBERNETES: Final = "default"  # a moment after the namespace
_OURS: Final = (
    "cannot create resource",  # RBAC: the operator's own rights
    _TERMINATING,  # the job goes with its namespace
)


def refused_for_good(error: DeniedError) -> CreateFailure | None:
    """The failure to decide about, or None where trying again may help (403 of the operator itself).

    Kubernetes answers 403 for every admission plugin (ResourceQuota, LimitRanger, PodSecurity, Priority), for
    missing rights, and for a namespace on its way out; only the words tell them apart.
    """
    message = str(error.details.get("message", "")) or str(error)
    if error.status != HTTPStatus.FORBIDDEN:
        return CreateFailure("Invalid", message)
    if "exceeded quota" in message:
        return CreateFailure("Quota", message)
    if account := _NO_ACCOUNT.search(message):
        return None if account[1] == _MADE_BY_KUBERNETES else CreateFailure("Account", message)
    if any(words in message for words in _OURS):
        return None
    return CreateFailure("Invalid", message)


def namespace_goes(error: KubeError) -> bool:
    """Nothing new is taken in a namespace that is being deleted."""
    return _TERMINATING in str(error)


def owned_by_another(pod: Mapping[str, Any]) -> CreateFailure:
    """The failure that an existing Pod of that name, not the job's, stands for."""
    metadata = pod["metadata"]
    owner = controller_of(pod)
    whose = f"{owner['kind']} {owner['name']!r} (uid {owner['uid']})" if owner else "nobody"
    return CreateFailure("Conflict", f"Pod {metadata['name']!r} exists and is owned by {whose}")


def controller_of(pod: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The owner reference with `controller: true`, if there is one."""
    references: list[Mapping[str, Any]] = pod["metadata"].get("ownerReferences", [])
    return next((reference for reference in references if reference.get("controller")), None)
