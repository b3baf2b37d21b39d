"""Why a Pod is refused, by the API server's own words (Kubernetes 1.37), and what is made of it."""

from __future__ import annotations

import pytest

from processing_operator.controller.refusals import namespace_goes, owned_by_another, refusal_of
from processing_operator.kube.errors import from_answer
from tests.unit.controller.objects import Obj, make_pod

P = 'pods "p" is forbidden: '
RIGHTS = 'pods is forbidden: User "u" cannot create resource "pods" in API group "" in the namespace "ns"'
FINALIZERS = "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on"
ACCOUNT = f'{P}error looking up service account ns/reader: serviceaccount "reader" not found'
TERMINATING = f"{P}unable to create new content in namespace ns because it is being terminated"
POLICY = f"{P}ValidatingAdmissionPolicy 'a' with binding 'b' denied request: no"
WEBHOOK = 'admission webhook "w.example.com" denied the request: '
GOING: Obj = {"causes": [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]}

REFUSED: list[tuple[int, str, str | None]] = [
    # HTTP status, the API server's message, kind
    (422, 'Pod "p" is invalid: spec.affinity: Required value', "Invalid"),
    (422, 'Pod "p" is invalid: spec.x: Invalid value: "exceeded quota: q": no', "Invalid"),
    (413, "Request entity too large: limit is 3145728", "Invalid"),
    (403, f"{P}exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2", "Quota"),
    (403, f"{P}status unknown for quota: q, resources: pods", "Quota"),
    (403, ACCOUNT, "Account"),
    (403, f"{P}failed quota: q: must specify limits.cpu for: fetch,upload", "Policy"),
    (403, f"{P}insufficient quota to match these scopes: [{{PriorityClass In [high]}}]", "Policy"),
    (403, f'{P}violates PodSecurity "restricted:latest": runAsNonRoot != true', "Policy"),
    (403, f"{P}maximum memory usage per Container is 1Gi, but limit is 4Gi", "Policy"),
    (403, f"{P}no PriorityClass with name high was found", "Policy"),
    (403, f"{P}unable to validate against any security context constraint: []", "Policy"),
    (422, POLICY, "Policy"),
    (403, POLICY, "Policy"),
    (401, POLICY, "Policy"),
    (413, POLICY, "Policy"),
    (403, f"{POLICY}: exceeded quota: q", "Policy"),
    (400, f"{WEBHOOK}no", "Policy"),
    (403, f"{WEBHOOK}no", "Policy"),
    (409, f"{WEBHOOK}no", "Policy"),
    (422, f'{WEBHOOK}Pod "p" is invalid: spec', "Policy"),
    (429, f"{WEBHOOK}no", "Policy"),
    (500, f"{WEBHOOK}no", "Policy"),
    (400, 'admission webhook "w.example.com" denied the request without explanation', "Policy"),
    (400, 'Pod in version "v1" cannot be handled as a Pod: unexpected EOF', "Policy"),
    (403, "whatever a plugin of somebody's says", "Policy"),
    (403, RIGHTS, None),
    (403, f'{RIGHTS}: RBAC: role.rbac.authorization.k8s.io "operator" not found', None),
    (403, P + FINALIZERS, None),
    (403, f"{P}cannot set an ownerRef on a resource you can't delete: , <nil>", None),
    (403, f"{P}not yet ready to handle request", None),
    (403, ACCOUNT.replace("reader", "default"), None),
    (401, "Unauthorized", None),
    (404, 'namespaces "ns" not found', None),
    (409, 'Operation cannot be fulfilled on resourcequotas "q": the object has been modified', None),
    (429, "too many requests", None),
    (500, 'Internal error occurred: failed calling webhook "w.example.com": timeout', None),
]


@pytest.mark.parametrize(("status", "message", "kind"), REFUSED)
def test_refused_pods(status: int, message: str, kind: str | None) -> None:
    refusal = refusal_of(from_answer(status, {"kind": "Status", "message": message}, "POST pods"))
    assert (refusal.kind if refusal else None) == kind
    if refusal:
        assert refusal.message == message, "the API server's own words"


@pytest.mark.parametrize(("status", "message", "kind"), REFUSED)
def test_what_kubernetes_has_not_said_refuses_nothing(status: int, message: str, kind: str | None) -> None:
    assert refusal_of(from_answer(status, {"message": message}, "POST pods")) is None, kind
    assert refusal_of(from_answer(status, message, "POST pods")) is None


@pytest.mark.parametrize(("details", "goes"), [(GOING, True), ({}, False), (None, False), ({"causes": None}, False)])
def test_a_namespace_on_its_way_out(details: Obj | None, goes: bool) -> None:
    error = from_answer(403, {"kind": "Status", "message": TERMINATING, "details": details}, "POST pods")
    assert namespace_goes(error) == goes
    assert (refusal_of(error) is None) == goes


def test_a_foreign_pod_names_its_owner() -> None:
    pod = make_pod("other")
    assert owned_by_another(pod).message == "Pod 'p' exists and is owned by ProcessingJob 'other' (uid uid-other)"
    del pod["metadata"]["ownerReferences"]
    assert owned_by_another(pod).message == "Pod 'p' exists and is owned by nobody"
