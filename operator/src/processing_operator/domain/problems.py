"""What a Pod that has not started its script waits for, in the words of the kubelet, the scheduler or fetch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from processing_operator.api.protocol import FETCH, SCRIPT, UPLOAD, WAITS_OUTSIDE
from processing_operator.api.reasons import Reason
from processing_operator.domain.results import StageResult
from processing_operator.domain.verdict.advice import start_error
from processing_operator.domain.wording import join

if TYPE_CHECKING:
    from processing_operator.domain.container import ContainerFacts
    from processing_operator.domain.facts import PodFacts

REFUSAL_PATIENCE: Final = timedelta(minutes=2)
"""A registry may say "not found" for a moment after a push."""

_MISSING: Final = {"secret": Reason.SECRET_NOT_FOUND, "configmap": Reason.CONFIG_MAP_NOT_FOUND}
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
        reason: the job's reason meanwhile.
        message: in whose words.
        final_reason: the job's reason once spec.timeouts.pendingSeconds are over.
        patience: what has not come right after that time never will; None: it always may.
        hopeless: the job's reason then.
    """

    reason: str
    message: str
    final_reason: Reason
    patience: timedelta | None = None
    hopeless: Reason = Reason.IMAGE_PULL_FAILED


def find_problem(pod: PodFacts) -> Problem | None:
    """The problem, or None while all seems to go its way."""
    scheduled = pod.scheduled
    if pod.foreign_gates and not pod.gated:
        text = f"Pod {pod.name} waits behind scheduling gates of others: {', '.join(pod.foreign_gates)}"
        return Problem(Reason.SCHEDULING_GATED, text, Reason.PENDING_TIMEOUT)
    if scheduled is not None and scheduled.status == "False" and scheduled.reason == Reason.UNSCHEDULABLE:
        text = f"Pod {pod.name} is unschedulable: {scheduled.message}"
        return Problem(Reason.UNSCHEDULABLE, text, Reason.PENDING_TIMEOUT)
    if pod.fetch.exit_code == 0:
        return _of_container(SCRIPT, pod.script) or _of_container(UPLOAD, pod.upload)
    return _of_fetch(pod.fetch) or _of_container(FETCH, pod.fetch)


def _of_fetch(fetch: ContainerFacts) -> Problem | None:
    """It has found out what is missing, and will be started again."""
    if fetch.running or fetch.latest_code != WAITS_OUTSIDE:
        return None
    result = fetch.last_result or StageResult()
    reason = next((reason for reason in _MISSING.values() if result.reason == reason), None)
    return _of_missing(reason, f"container fetch waits: {result.message or 'for something that is not there'}")


def _of_container(name: str, container: ContainerFacts) -> Problem | None:
    if container.state != "Waiting":
        return None
    text = f"container {name} cannot start: {container.reason}: {container.message}"
    if container.reason == "InvalidImageName":
        return Problem(Reason.IMAGE_PULL_FAILED, text, Reason.IMAGE_PULL_FAILED, timedelta())
    if container.reason in _IMAGE_REASONS:
        return _of_image(name, container)
    if container.reason == "CreateContainerConfigError":
        # the kubelet says `secret "keys" not found` or `couldn't find key api in Secret ns/keys`; so of ConfigMaps
        said = container.message.lower()
        return _of_missing(next((reason for kind, reason in _MISSING.items() if kind in said), None), text)
    return _of_runtime(text) if container.reason in ("CreateContainerError", "RunContainerError") else None


def _of_runtime(text: str) -> Problem:
    """Some runtimes find out when they make the container what others do when they start it."""
    reason, hint, _ = start_error(text)
    if reason is not Reason.IMAGE_PATH_CONFLICT:
        return _of_missing(None, text)
    return Problem(reason, join(hint, text), reason, timedelta(), hopeless=reason)


def _of_missing(reason: Reason | None, text: str) -> Problem:
    """Something of the user's is not there; what, if it is known, is the reason."""
    return Problem(reason or Reason.NOT_STARTING, text, reason or Reason.PENDING_TIMEOUT)


def _of_image(name: str, container: ContainerFacts) -> Problem:
    said = _TURNS.sub("", container.message) or container.message
    text = f"container {name} waits for its image: {said}"
    patience = REFUSAL_PATIENCE if _REFUSED.search(said) else None
    return Problem(Reason.IMAGE_PULL_FAILED, text, Reason.PENDING_TIMEOUT, patience)
