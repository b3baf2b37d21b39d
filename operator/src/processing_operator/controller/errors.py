"""What the API server may answer, sorted by what there is to do about it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processing_operator.domain.facts import CreateFailure


class KubeError(Exception):
    """The API server refused, or could not be asked.

    Attributes:
        status: the HTTP status; 0 when there was no answer.
        reason: the word of the answer's Status object, as `AlreadyExists`.
        details: the answer's Status object, empty if there was none.
    """

    def __init__(
        self, message: str, *, status: int = 0, reason: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.details: Mapping[str, Any] = details or {}


class NotFoundError(KubeError):
    """There is no such object."""


class AlreadyExistsError(KubeError):
    """There is an object of that name."""


class StaleError(KubeError):
    """The object is not as it was seen: look again at once."""


class DeniedError(KubeError):
    """Refused, and asking again the same would be refused as well."""


class TransientError(KubeError):
    """No answer, or a server that could not serve: whether the write was done is unknown. Try again with back-off."""


class PodRefusedError(Exception):
    """The Pod of this attempt will not be created as it is."""

    def __init__(self, failure: CreateFailure) -> None:
        super().__init__(f"{failure.kind}: {failure.message}")
        self.failure = failure


_BY_STATUS: dict[int, type[KubeError]] = {
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.PRECONDITION_FAILED: StaleError,
    # a rotated token is read again, a role is granted a moment later: never a verdict over the job
    HTTPStatus.UNAUTHORIZED: TransientError,
    HTTPStatus.REQUEST_TIMEOUT: TransientError,
    # a page of a list came too late
    HTTPStatus.GONE: TransientError,
    HTTPStatus.TOO_MANY_REQUESTS: TransientError,
}


def from_answer(status: int, body: Mapping[str, Any], call: str) -> KubeError:
    """The error that an answer of that HTTP status and Status object stands for; `call` says what was asked."""
    reason = str(body.get("reason", ""))
    message = f"{call}: {status} {reason}: {body.get('message', '')}"
    return _kind(status, reason)(message, status=status, reason=reason, details=body)


def _kind(status: int, reason: str) -> type[KubeError]:
    if status == HTTPStatus.CONFLICT:
        return AlreadyExistsError if reason == "AlreadyExists" else StaleError
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError
    return _BY_STATUS.get(status, DeniedError)
