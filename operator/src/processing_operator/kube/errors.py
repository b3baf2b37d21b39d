"""What the API server may answer, sorted by what there is to do about it."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_RETRY_AFTER: Final = 300.0
_QUOTED: Final = 200


class KubeError(Exception):
    """The API server refused, or could not be asked.

    Attributes:
        status: the HTTP status; 0 when there was no answer.
        details: the answer's Status object; empty if it had none.
        retry_after: how many seconds the server asks us to wait, at most 300; None if it says nothing.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        details: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.details: Mapping[str, Any] = details or {}
        self.retry_after = retry_after

    @property
    def certain(self) -> bool:
        """Whether Kubernetes itself has said so, by a Status object, and no proxy on the way."""
        return bool(self.details)

    @property
    def reason(self) -> str:
        """The word of the Status object, as `AlreadyExists`; empty if there was none."""
        return str(self.details.get("reason", ""))

    def as_transient(self) -> TransientError:
        """The same, where it is no verdict: try again with back-off."""
        return TransientError(str(self), status=self.status, details=self.details, retry_after=self.retry_after)


class NotFoundError(KubeError):
    """There is no such object."""


class AlreadyExistsError(KubeError):
    """There is an object of that name."""


class StaleError(KubeError):
    """The object is not as it was seen: look again at once."""


class DeniedError(KubeError):
    """Refused, and asking again the same would be refused as well."""


class TransientError(KubeError):
    """No answer of Kubernetes, or one that could not serve. Whether a write was done is unknown: try again, later."""


_BY_STATUS: dict[int, type[KubeError]] = {
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.PRECONDITION_FAILED: StaleError,
    # a rotated token is read again, a role is granted a moment later: never a verdict over the job
    HTTPStatus.UNAUTHORIZED: TransientError,
    HTTPStatus.REQUEST_TIMEOUT: TransientError,
    # a watch or a page of a list came too late
    HTTPStatus.GONE: TransientError,
    HTTPStatus.TOO_MANY_REQUESTS: TransientError,
}


def from_answer(status: int, body: object, call: str, retry_after: float | None = None) -> KubeError:
    """The error that an answer stands for.

    Args:
        status: its HTTP status.
        body: its JSON, or its text where that is none.
        call: what was asked, for the message.
        retry_after: see `KubeError`.
    """
    if not (isinstance(body, dict) and body.get("kind") == "Status"):
        # A proxy's "403 Forbidden" or an aggregator's "404 page not found" says nothing about the object.
        text = f"{call}: {status}, and no answer of Kubernetes: {str(body)[:_QUOTED]!r}"
        return TransientError(text, status=status, retry_after=retry_after)
    reason = str(body.get("reason", ""))
    message = f"{call}: {status} {reason}: {body.get('message', '')}"
    return _kind(status, reason)(message, status=status, details=body, retry_after=retry_after)


def _kind(status: int, reason: str) -> type[KubeError]:
    if status == HTTPStatus.CONFLICT:
        return AlreadyExistsError if reason == "AlreadyExists" else StaleError
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError
    return _BY_STATUS.get(status, DeniedError)


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """The seconds of a Retry-After header (RFC 9110, 10.2.3: seconds, or a date), within 0 and 300."""
    if value is None:
        return None
    try:
        seconds = float(value) if value.isdecimal() else (_date(value) - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)


def _date(value: str) -> datetime:
    date = parsedate_to_datetime(value)
    return date if date.tzinfo else date.replace(tzinfo=UTC)
