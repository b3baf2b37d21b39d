"""Where objects are in the API. A namespace of None means all of them."""

from __future__ import annotations

from processing_operator.api import names


def jobs(namespace: str | None) -> str:
    """The ProcessingJobs."""
    return f"/apis/{names.API_VERSION}{_within(namespace)}/{names.PLURAL}"


def pods(namespace: str | None) -> str:
    """The Pods."""
    return f"/api/v1{_within(namespace)}/pods"


def events(namespace: str) -> str:
    """The Events."""
    return f"/apis/events.k8s.io/v1{_within(namespace)}/events"


def leases(namespace: str) -> str:
    """The Leases."""
    return f"/apis/coordination.k8s.io/v1{_within(namespace)}/leases"


def _within(namespace: str | None) -> str:
    return "" if namespace is None else f"/namespaces/{namespace}"
