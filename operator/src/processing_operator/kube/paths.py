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


def resource_of(path: str) -> str:
    """What a path is about, without names: `pods`, `pods/log`, `processingjobs/status`."""
    _, root, *parts = path.split("/")
    parts = parts[1:] if root == "api" else parts[2:]
    if parts[:1] == ["namespaces"] and len(parts) > 2:  # noqa: PLR2004 - else it is the Namespace itself
        parts = parts[2:]
    return "/".join(parts[::2])


def _within(namespace: str | None) -> str:
    return "" if namespace is None else f"/namespaces/{namespace}"
