"""A policy that changes every new Pod of a namespace, as queues and platforms have one."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dev.cluster.client import Cluster, Object

_ADMISSION: Final = "/apis/admissionregistration.k8s.io/v1"
_SECONDS: Final = 60.0


@contextmanager
def mutated(
    cluster: Cluster,
    namespace: str,
    mutation: Object,
    *,
    when: str = "true",
    bare: Object,
    changed: Callable[[Object], bool],
) -> Iterator[None]:
    """Until the end of the block, for Pods of which the CEL expression `when` is true.

    A policy is in force a moment after it was made: the Pod `bare` is tried until it is `changed`.
    """
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    policy = {
        "matchConstraints": {"resourceRules": [rule], "namespaceSelector": selector},
        "matchConditions": [{"name": "when", "expression": when}],
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "mutations": [mutation],
    }
    name = {"metadata": {"name": namespace}}
    policies, bindings = f"{_ADMISSION}/mutatingadmissionpolicies", f"{_ADMISSION}/mutatingadmissionpolicybindings"
    cluster.create(policies, {**name, "spec": policy})
    try:
        cluster.create(bindings, {**name, "spec": {"policyName": namespace}})
        _wait_until_in_force(cluster, f"/api/v1/namespaces/{namespace}/pods", bare, changed)
        yield
    finally:
        cluster.delete(f"{bindings}/{namespace}")
        cluster.delete(f"{policies}/{namespace}")


def _wait_until_in_force(cluster: Cluster, pods: str, bare: Object, changed: Callable[[Object], bool]) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        if changed(cluster.create(pods, bare, dryRun="All")):
            return
        time.sleep(0.2)
    raise AssertionError("the policy changes nothing")
