"""Why the API server refused a Pod: for the job's owner to mend, for an administrator, or none of the job's fault."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from processing_operator.domain.facts import Refusal
from processing_operator.kube.errors import DeniedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from processing_operator.kube.errors import KubeError

# Kubernetes answers 403 for every admission plugin, for missing rights, and for a namespace on its way out: only the
# words tell them apart. They are looked for where Kubernetes puts them, for the rest may quote what users write.
_FORBIDDEN: Final = re.compile(r'^pods (?:"[^"]*" )?is forbidden: ')
_OURS: Final = re.compile(
    r'User "'  # the operator may not create Pods,
    "|cannot set "  # or not own them (OwnerReferencesPermissionEnforcement)
    "|not yet ready to handle request"  # an API server that has just started
)
_QUOTA: Final = re.compile("exceeded quota: |status unknown for quota: ")
_NO_ACCOUNT: Final = re.compile(r'error looking up service account \S+: serviceaccount "([^"]+)" not found')
_MADE_BY_KUBERNETES: Final = "default"  # a moment after the namespace
_DENIED: Final = re.compile(
    r'admission webhook "[^"]*" denied the request|pods "[^"]*" is forbidden: ValidatingAdmissionPolicy '
)
_INVALID: Final = re.compile(r'Pod "[^"]*" is invalid: |Request entity too large: ')


class PodRefusedError(Exception):
    """The Pod of this attempt will not be created as it is."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.kind}: {refusal.message}")
        self.refusal = refusal


def refusal_of(error: KubeError) -> Refusal | None:
    """What to decide about, in the API server's words; None where trying again may help, or nothing is certain."""
    message = str(error.details.get("message", ""))
    if _DENIED.match(message):  # with whatever status the webhook's or the policy's author has chosen
        return Refusal("Policy", message)
    if not isinstance(error, DeniedError) or not error.certain or namespace_goes(error):
        return None
    if _INVALID.match(message):
        return Refusal("Invalid", message)
    words = _FORBIDDEN.sub("", message)
    if _OURS.match(words):
        return None
    if account := _NO_ACCOUNT.match(words):
        return None if account[1] == _MADE_BY_KUBERNETES else Refusal("Account", message)
    return Refusal("Quota" if _QUOTA.match(words) else "Policy", message)


def namespace_goes(error: KubeError) -> bool:
    """Nothing new is taken in a namespace that is being deleted."""
    return any(cause.get("reason") == "NamespaceTerminating" for cause in _causes(error))


def _causes(error: KubeError) -> Iterator[Mapping[str, Any]]:
    yield from (error.details.get("details") or {}).get("causes") or []


def owned_by_another(pod: Mapping[str, Any]) -> Refusal:
    """The refusal that an existing Pod of that name, not the job's, stands for."""
    metadata = pod["metadata"]
    owner = controller_of(pod)
    whose = f"{owner['kind']} {owner['name']!r} (uid {owner['uid']})" if owner else "nobody"
    return Refusal("Conflict", f"Pod {metadata['name']!r} exists and is owned by {whose}")


def controller_of(pod: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The owner reference with `controller: true`, if there is one."""
    references: list[Mapping[str, Any]] = pod["metadata"].get("ownerReferences", [])
    return next((reference for reference in references if reference.get("controller")), None)
