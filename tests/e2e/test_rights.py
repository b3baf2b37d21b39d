"""What the installed operator may do, in the API server's own words (`kubectl auth can-i --list`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from dev.cluster.client import Cluster
from dev.install import NAMESPACE

if TYPE_CHECKING:
    from tests.e2e.space import Space

ACCOUNT = f"system:serviceaccount:{NAMESPACE}:processing-operator"
RIGHTS = {
    "processingjobs.processing-operator.dev": {"get", "list", "watch"},
    "processingjobs/status.processing-operator.dev": {"patch"},
    "processingjobs/finalizers.processing-operator.dev": {"update"},
    "pods": {"get", "list", "watch", "create", "patch", "delete"},
    "pods/log": {"get"},
    "events.events.k8s.io": {"create"},
}
LEASES = {"leases.coordination.k8s.io": {"get", "create", "update"}}
# What every service account may, in every cluster: ask who and what it is.
EVERYBODYS = {
    "selfsubjectreviews.authentication.k8s.io",
    "selfsubjectaccessreviews.authorization.k8s.io",
    "selfsubjectrulesreviews.authorization.k8s.io",
    "clustertrustbundles.certificates.k8s.io",
}


def test_rights_of_the_operator(space: Space) -> None:
    assert rights_of(space.cluster, ACCOUNT, space.namespace) == RIGHTS
    assert rights_of(space.cluster, ACCOUNT, NAMESPACE) == RIGHTS | LEASES


def test_account_of_a_job_has_none(space: Space) -> None:
    """Pods of jobs get no token at all; the account that they are under has no rights either."""
    assert rights_of(space.cluster, f"system:serviceaccount:{space.namespace}:default", space.namespace) == {}


def rights_of(cluster: Cluster, user: str, namespace: str) -> dict[str, set[str]]:
    """Verbs by resource, without those that everybody has."""
    session = requests.Session()
    session.trust_env, session.verify, session.cert = False, cluster.session.verify, cluster.session.cert
    session.headers["Impersonate-User"] = user
    session.headers.update({"Impersonate-Group": "system:authenticated"})
    review = Cluster(cluster.url, session).create(
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        },
    )
    rights: dict[str, set[str]] = {}
    for rule in review["status"]["resourceRules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                rights.setdefault(f"{resource}.{group}".rstrip("."), set()).update(rule["verbs"])
    return {resource: verbs for resource, verbs in rights.items() if resource not in EVERYBODYS}
