"""What a Pod that has not started its script waits for, in the words of the kubelet, the scheduler or fetch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from processing_operator.api.reasons import Reason
from processing_operator.domain import names
from processing_operator.domain.containers import WAITS_OUTSIDE

if TYPE_CHECKING:
    from processing_operator.domain.containers import ContainerFacts
    from processing_operator.domain.observe import PodFacts

UNSCHEDULABLE: Final = "Unschedulable"
NOT_STARTING: Final = "ContainerNotStarting"
REFUSAL_PATIENCE: Final = timedelta(minutes=2)
"""A registry may say "not found" for a moment after a push."""

_IMAGE_REASONS: Final = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
_REFUSED: Final = re.compile(
    r"not found|unauthorized|authorization failed|authentication required|denied|forbidden|manifest unknown"
    r"|does not exist|not present with pull policy of Never",
    re.IGNORECASE,
)
# The same trouble under two names by turns: without these the status would be written at each turn.
_TURNS: Final = re.compile(r"^(Back-off pulling image \"[^\"]*\": )?((ErrImagePull|ImagePullBackOff): )*")


@dataclass(frozen=True)
class Problem:
    """Why the Pod does not get on.

    Attributes:
        reason: that of the condition Reconciling meanwhile.
        message: in whose words.
        final_reason: the job's reason once pendingTimeoutSeconds are over.
        patience: an image that is not to be had after that time never will be; None: it may always come right.
    """

    reason: str
    message: str
    final_reason: Reason
    patience: timedelta | None = None


def find_problem(pod: PodFacts) -> Problem | None:
    """The problem, or None while all seems to go its way."""
    scheduled = pod.scheduled
    if scheduled is not None and scheduled.status == "False" and scheduled.reason == UNSCHEDULABLE:
        text = f"Pod {pod.name} is unschedulable: {scheduled.message}"
        return Problem(UNSCHEDULABLE, text, Reason.PENDING_TIMEOUT)
    if pod.fetch.exit_code == 0:
        return _of_container(names.SCRIPT, pod.script) or _of_container(names.UPLOAD, pod.upload)
    return _of_fetch(pod.fetch) or _of_container(names.FETCH, pod.fetch)


def _of_fetch(fetch: ContainerFacts) -> Problem | None:
    """It has found out what is missing, and will be started again."""
    end = fetch.latest_end
    if fetch.running or end is None or end.exit_code != WAITS_OUTSIDE:
        return None
    result = fetch.last_result
    said = "" if result is None else result.message
    known = (Reason.SECRET_NOT_FOUND, Reason.CONFIG_MAP_NOT_FOUND)
    reason = next((reason for reason in known if result is not None and result.reason == reason), None)
    text = f"container fetch waits: {said or 'for something that is not there'}"
    return Problem(reason or NOT_STARTING, text, reason or Reason.PENDING_TIMEOUT)


def _of_container(name: str, container: ContainerFacts) -> Problem | None:
    if container.state != "Waiting":
        return None
    text = f"container {name} cannot start: {container.reason}: {container.message}"
    if container.reason == "InvalidImageName":
        return Problem(Reason.IMAGE_PULL_FAILED, text, Reason.IMAGE_PULL_FAILED, timedelta())
    if container.reason in _IMAGE_REASONS:
        return _of_image(name, container)
    if container.reason == "CreateContainerConfigError":
        return _of_config(text, container.message)
    if container.reason in ("CreateContainerError", "RunContainerError"):
        return Problem(NOT_STARTING, text, Reason.PENDING_TIMEOUT)
    return None


def _of_image(name: str, container: ContainerFacts) -> Problem:
    said = _TURNS.sub("", container.message) or container.message
    text = f"container {name} waits for its image: {said}"
    patience = REFUSAL_PATIENCE if _REFUSED.search(said) else None
    return Problem(Reason.IMAGE_PULL_FAILED, text, Reason.PENDING_TIMEOUT, patience)


def _of_config(text: str, said: str) -> Problem:
    """The kubelet says `secret "keys" not found` or `couldn't find key api in Secret ns/keys`; so of ConfigMaps."""
    lower = said.lower()
    if "secret" in lower:
        return Problem(Reason.SECRET_NOT_FOUND, text, Reason.SECRET_NOT_FOUND)
    if "configmap" in lower:
        return Problem(Reason.CONFIG_MAP_NOT_FOUND, text, Reason.CONFIG_MAP_NOT_FOUND)
    return Problem(NOT_STARTING, text, Reason.PENDING_TIMEOUT)
