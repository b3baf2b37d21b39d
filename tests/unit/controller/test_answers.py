"""What the API server answers, and what is made of it."""

from __future__ import annotations

import pytest

from processing_operator.controller.errors import (
    AlreadyExistsError,
    DeniedError,
    KubeError,
    NotFoundError,
    StaleError,
    TransientError,
    from_answer,
)
from processing_operator.controller.refusals import owned_by_another, refused_for_good
from tests.unit.controller.objects import make_pod


@pytest.mark.parametrize(
    ("status", "reason", "error"),
    [
        (404, "NotFound", NotFoundError),
        (409, "AlreadyExists", AlreadyExistsError),
        (409, "Conflict", StaleError),
        (412, "", StaleError),
        (400, "BadRequest", DeniedError),
        (403, "Forbidden", DeniedError),
        (413, "RequestEntityTooLarge", DeniedError),
        (422, "Invalid", DeniedError),
        (401, "Unauthorized", TransientError),
        (410, "Expired", TransientError),
        (429, "TooManyRequests", TransientError),
        (500, "InternalError", TransientError),
        (503, "ServiceUnavailable", TransientError),
        (504, "Timeout", TransientError),
    ],
)
def test_answers_are_sorted(status: int, reason: str, error: type[KubeError]) -> None:
    found = from_answer(status, {"reason": reason, "message": "its own words"}, "POST /api/v1/pods")
    assert type(found) is error
    assert str(found) == f"POST /api/v1/pods: {status} {reason}: its own words"


QUOTA = 'pods "p" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2'
UNLIMITED = 'pods "p" is forbidden: failed quota: q: must specify limits.memory for: script'
SECURITY = 'pods "p" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'
LIMIT_RANGE = 'pods "p" is forbidden: maximum memory usage per Container is 1Gi, but limit is 4Gi'
RIGHTS = 'pods is forbidden: User "u" cannot create resource "pods" in API group "" in the namespace "ns"'
DEFAULT_ACCOUNT = (
    'pods "p" is forbidden: error looking up service account ns/default: serviceaccount "default" not found'
)
TERMINATING = 'pods "p" is forbidden: unable to create new content in namespace ns because it is being terminated'


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (403, QUOTA, "Quota"),
        (403, UNLIMITED, "Invalid"),
        (403, SECURITY, "Invalid"),
        (403, LIMIT_RANGE, "Invalid"),
        (403, RIGHTS, None),
        (403, DEFAULT_ACCOUNT, None),
        (403, DEFAULT_ACCOUNT.replace("default", "reader"), "Account"),
        (403, TERMINATING, None),
        (422, 'Pod "p" is invalid: spec.affinity: Required value', "Invalid"),
        (400, 'admission webhook "w.example.com" denied the request: no', "Invalid"),
        (413, "Request entity too large: limit is 3145728", "Invalid"),
    ],
)
def test_refused_pods(status: int, message: str, kind: str | None) -> None:
    error = from_answer(status, {"message": message}, "POST pods")
    assert isinstance(error, DeniedError)
    failure = refused_for_good(error)
    assert (failure.kind if failure else None) == kind
    if failure:
        assert failure.message == message, "the API server's own words"


def test_a_foreign_pod_names_its_owner() -> None:
    pod = make_pod("other")
    assert owned_by_another(pod).message == "Pod 'p' exists and is owned by ProcessingJob 'other' (uid uid-other)"
    del pod["metadata"]["ownerReferences"]
    assert owned_by_another(pod).message == "Pod 'p' exists and is owned by nobody"
