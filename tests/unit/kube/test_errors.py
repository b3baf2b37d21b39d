"""What the API server, or something before it, answers, and what is made of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from processing_operator.kube.errors import (
    AlreadyExistsError,
    DeniedError,
    KubeError,
    NotFoundError,
    StaleError,
    TransientError,
    from_answer,
    read_retry_after,
)

STATUS = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
ANSWERS: list[tuple[int, str, type[KubeError]]] = [
    # status, reason of the Status object, kind
    (400, "BadRequest", DeniedError),
    (401, "Unauthorized", TransientError),
    (403, "Forbidden", DeniedError),
    (404, "NotFound", NotFoundError),
    (408, "Timeout", TransientError),
    (409, "AlreadyExists", AlreadyExistsError),
    (409, "Conflict", StaleError),
    (410, "Expired", TransientError),
    (412, "", StaleError),
    (413, "RequestEntityTooLarge", DeniedError),
    (422, "Invalid", DeniedError),
    (429, "TooManyRequests", TransientError),
    (500, "InternalError", TransientError),
    (503, "ServiceUnavailable", TransientError),
    (504, "Timeout", TransientError),
]


@pytest.mark.parametrize(("status", "reason", "error"), ANSWERS)
def test_a_status_object_is_sorted(status: int, reason: str, error: type[KubeError]) -> None:
    found = from_answer(status, {**STATUS, "reason": reason, "message": "its own words"}, "POST /api/v1/pods")
    assert type(found) is error
    assert found.certain
    assert (found.status, found.reason) == (status, reason)
    assert str(found) == f"POST /api/v1/pods: {status} {reason}: its own words"


@pytest.mark.parametrize("status", sorted({302, *(status for status, _, _ in ANSWERS)}))
@pytest.mark.parametrize(
    "body",
    [
        "404 page not found\n",
        "<html>Access denied</html>",
        "",
        None,
        [],
        {},
        {"reason": "NotFound", "message": "almost"},
        {"kind": "Error", "code": 404},
    ],
)
def test_what_kubernetes_has_not_said_is_no_verdict(status: int, body: object) -> None:
    found = from_answer(status, body, "GET /api/v1/pods/p")
    assert type(found) is TransientError
    assert not found.certain
    assert (found.status, found.reason) == (status, "")
    assert str(found).startswith(f"GET /api/v1/pods/p: {status}, and no answer of Kubernetes: ")


def test_of_a_long_page_the_beginning_is_quoted() -> None:
    assert len(str(from_answer(403, "x" * 100_000, "GET /"))) < 300


NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        ("7", 7.0),
        ("301", 300.0),
        ("9" * 5000, 300.0),
        ("-1", None),
        ("1.5", None),
        ("1e3", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("Tue, 01 Jan 2030 00:00:20 GMT", 20.0),
        ("Tue, 01 Jan 2030 00:00:20", 20.0),
        ("Mon, 31 Dec 2029 23:59:00 GMT", 0.0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 300.0),
        ("Tue, 01 Jan 99999 00:00:00 GMT", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert read_retry_after(header, NOW) == seconds


def test_a_transient_error_keeps_what_was_said() -> None:
    error = from_answer(403, {**STATUS, "reason": "Forbidden", "message": "no"}, "POST /", 5.0).as_transient()
    assert type(error) is TransientError
    assert (error.status, error.reason, error.retry_after, error.certain) == (403, "Forbidden", 5.0, True)
