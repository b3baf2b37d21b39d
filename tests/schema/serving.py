"""A real API server with the schema and the policy under a group of its own: an installed operator is left alone."""

from __future__ import annotations

import contextlib
import copy
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dev.cluster.client import ApiError
from processing_operator.api import names
from processing_operator.api.crd import crd
from processing_operator.api.policy import objects
from tests.schema import manifests

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.cluster.client import Cluster

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
DENIED = " denied request: "
Object = dict[str, Any]


@dataclass(frozen=True)
class Served:
    """The API server, with the schema and the policy of this source tree."""

    cluster: Cluster
    group: str

    @property
    def path(self) -> str:
        return f"/apis/{self.group}/v1alpha1/namespaces/default/processingjobs"

    def here(self, manifest: Object) -> Object:
        """The manifest in this group."""
        return {**manifest, "apiVersion": f"{self.group}/v1alpha1"}

    def try_create(self, manifest: Object) -> Object:
        """What the API server would store. Nothing is stored."""
        return self.cluster.create(self.path, self.here(manifest), dryRun="All", fieldValidation="Strict")

    def try_replace(self, manifest: Object) -> Object:
        """What the API server would store as an update. Nothing is stored."""
        path = f"{self.path}/{manifest['metadata']['name']}"
        return self.cluster.call("PUT", path, self.here(manifest), dryRun="All", fieldValidation="Strict")

    @contextlib.contextmanager
    def stored(self, manifest: Object) -> Iterator[Object]:
        """The job as it was stored; deleted at the end."""
        created = self.cluster.create(self.path, self.here(manifest))
        try:
            yield created
        finally:
            self.cluster.delete(f"{self.path}/{created['metadata']['name']}")

    def wait_until_served(self) -> None:
        """A new kind is served a moment after it was made; the answer until then is a plain text."""
        end = time.monotonic() + 30
        while not self.cluster.session.get(self.cluster.url + self.path, timeout=10).ok:
            assert time.monotonic() < end, f"{self.path} is not served after 30 s"
            time.sleep(0.1)

    def wait_until_refused(self) -> None:
        """The API server reads a new policy a moment after it was made."""
        end = time.monotonic() + 30
        blank = manifests.merge(manifests.minimal(), {"spec": {"image": " "}})
        with contextlib.suppress(ApiError):
            while self.try_create(blank):
                assert time.monotonic() < end, "the policy is not in force after 30 s"
                time.sleep(0.1)


def own_group() -> str:
    return f"schema-{uuid.uuid4().hex[:8]}.{names.GROUP}"


def under_group(group: str) -> Object:
    """The CRD, with another group."""
    definition = copy.deepcopy(crd())
    definition["metadata"]["name"] = f"{names.PLURAL}.{group}"
    definition["spec"]["group"] = group
    # short names are the cluster's: the real one keeps them
    del definition["spec"]["names"]["shortNames"]
    return definition


def policy_under_group(group: str) -> tuple[Object, Object]:
    """The policy and its binding, for that group's jobs."""
    policy, binding = copy.deepcopy(objects())
    for found in (policy, binding):
        found["metadata"]["name"] = f"{names.PLURAL}.{group}"
    policy["spec"]["matchConstraints"]["resourceRules"][0]["apiGroups"] = [group]
    binding["spec"]["policyName"] = policy["metadata"]["name"]
    return policy, binding


@contextlib.contextmanager
def serving(cluster: Cluster, group: str) -> Iterator[Served]:
    """The schema in that group, without the policy."""
    served = Served(cluster, group)
    with _made(cluster, CRDS, under_group(group)):
        served.wait_until_served()
        yield served


@contextlib.contextmanager
def enforcing(served: Served, policy: Object, binding: Object) -> Iterator[None]:
    """That policy in force."""
    with _made(served.cluster, POLICIES, policy), _made(served.cluster, BINDINGS, binding):
        served.wait_until_refused()
        yield


@contextlib.contextmanager
def _made(cluster: Cluster, path: str, made: Object) -> Iterator[None]:
    cluster.create(path, made)
    try:
        yield
    finally:
        cluster.delete(f"{path}/{made['metadata']['name']}")


def refusals(error: ApiError) -> list[tuple[str, str]]:
    """Field and message of each problem in a refusal, of the schema or of the policy."""
    _, denied, said = error.body["message"].partition(DENIED)
    if denied:
        return [(field, message) for field, _, message in (one.partition(": ") for one in said.split("; "))]
    # "<nil>": some rules were not checked, or the type once more
    causes = error.body["details"]["causes"]
    return [(cause["field"], cause["message"]) for cause in causes if cause["field"] != "<nil>"]
