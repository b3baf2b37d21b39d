"""A job cannot be changed once it is created, but for `stop`; the refusal names the field and the way out."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from dev.cluster.client import ApiError
from processing_operator.api.v1alpha1 import ProcessingJobSpec
from tests.schema import manifests
from tests.schema.serving import refusals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.schema.manifests import Manifest
    from tests.schema.serving import Served

pytestmark = pytest.mark.integration

WAY_OUT = "cannot be changed once the job is created: use a new name, or kubectl replace --force, which runs it anew"
REQUIRED = {"image", "command"}
NOT_WHOLE = {"serviceAccountName"}  # excludes a field of whole.yaml

# one other value for each field but `stop`; a new field needs a line here
OTHER: dict[str, Any] = {
    "image": "busybox",
    "imagePullPolicy": "Always",
    "imagePullSecrets": [{"name": "other"}],
    "command": ["python3"],
    "args": ["--train-test-split-ratio", "0.3"],
    "workingDir": "/tmp",
    "env": [{"name": "LOG_LEVEL", "value": "DEBUG"}],
    "resources": {"requests": {"cpu": "1", "memory": "2Gi"}},
    "sharedMemorySize": "1Gi",
    "nodeSelector": {"pool": "cpu"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
    "affinity": {"podAffinity": {}},
    "priorityClassName": "other",
    "runtimeClassName": "other",
    "schedulerName": "other",
    "podLabels": {"team": "red"},
    "podAnnotations": {"note": "other"},
    "securityContext": {"runAsUser": 1001, "runAsGroup": 1002},
    "workspace": {"size": "11Gi"},
    "s3": {"region": "us-east-1", "secretName": "s3-credentials"},
    "serviceAccountName": "reader",
    "inputs": [{"name": "a", "path": "/opt/ml/a", "s3": {"uri": "s3://bucket"}}],
    "outputs": [{"name": "a", "path": "/opt/ml/a", "s3": {"uri": "s3://bucket"}}],
    "timeouts": {"runSeconds": 7201},
}
fields = pytest.mark.parametrize("field", OTHER)


@pytest.fixture(scope="module")
def whole(served: Served) -> Iterator[Manifest]:
    """A stored job with every field."""
    yield from _stored(served, manifests.whole())


@pytest.fixture(scope="module")
def minimal(served: Served) -> Iterator[Manifest]:
    """A stored job with hardly a field."""
    yield from _stored(served, manifests.minimal())


def _stored(served: Served, manifest: Manifest) -> Iterator[Manifest]:
    with served.stored(manifest) as stored:
        yield stored


def test_every_field_is_in_the_table() -> None:
    names = {field.alias or name for name, field in ProcessingJobSpec.model_fields.items()}
    assert set(OTHER) == names - {"stop"}


@fields
def test_a_changed_field_is_refused(served: Served, whole: Manifest, field: str) -> None:
    _refused(served, _with_spec(whole, {field: OTHER[field]}), field)


@pytest.mark.parametrize("field", sorted(set(OTHER) - NOT_WHOLE))
def test_a_removed_field_is_refused(served: Served, whole: Manifest, field: str) -> None:
    removed = copy.deepcopy(whole)
    del removed["spec"][field]
    _refused(served, removed, field, "Required value" if field in REQUIRED else WAY_OUT)


@pytest.mark.parametrize("field", sorted(set(OTHER) - REQUIRED))
def test_an_added_field_is_refused(served: Served, minimal: Manifest, field: str) -> None:
    _refused(served, _with_spec(minimal, {field: OTHER[field]}), field)


@pytest.mark.parametrize("field", ["inputs", "outputs", "env"])
def test_another_order_is_refused(served: Served, whole: Manifest, field: str) -> None:
    _refused(served, _with_spec(whole, {field: whole["spec"][field][::-1]}), field)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"spec": {"stop": False}}, id="stop taken back"),
        pytest.param({"metadata": {"labels": {"team": "other"}}}, id="labels"),
        pytest.param({"metadata": {"annotations": {"note": "other"}}}, id="annotations"),
    ],
)
def test_what_may_change(served: Served, whole: Manifest, change: Manifest) -> None:
    changed = manifests.merge(whole, change)
    assert served.try_replace(changed)["spec"] == changed["spec"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"stop": True}, id="stop"),
        pytest.param({"timeouts": {"runSeconds": 86400}, "workspace": {"size": "30Gi"}, "s3": {}}, id="defaults"),
        pytest.param({"timeouts": None, "stop": None}, id="defaults left out"),
    ],
)
def test_the_same_said_otherwise(served: Served, minimal: Manifest, change: Manifest) -> None:
    changed = _with_spec(minimal, change)
    stored = served.try_replace(changed)["spec"]
    assert stored == {**minimal["spec"], "stop": stored["stop"]}


def test_all_changed_fields_are_named(served: Served, whole: Manifest) -> None:
    with pytest.raises(ApiError) as refusal:
        served.try_replace(_with_spec(whole, {"args": None, "image": "busybox", "serviceAccountName": "a"}))
    ((names, message),) = refusals(refusal.value)
    assert sorted(names.split(", ")) == ["spec.args", "spec.image", "spec.serviceAccountName"]
    assert message == WAY_OUT


def test_a_job_is_not_held_to_rules_that_came_later(with_an_older_job: Served) -> None:
    """It can be labelled and stopped, and its finalizers taken away, whatever a newer version would say to it."""
    older = with_an_older_job.cluster.get(f"{with_an_older_job.path}/minimal")
    change = {"metadata": {"labels": {"a": "b"}}, "spec": {"stop": True}}
    assert with_an_older_job.try_replace(manifests.merge(older, change))["spec"]["stop"] is True


def _with_spec(manifest: Manifest, spec: Manifest) -> Manifest:
    """The manifest with these fields put in, as a whole."""
    return {**manifest, "spec": {name: value for name, value in (manifest["spec"] | spec).items() if value is not None}}


def _refused(served: Served, manifest: Manifest, field: str, message: str = WAY_OUT) -> None:
    with pytest.raises(ApiError) as refusal:
        served.try_replace(manifest)
    assert refusals(refusal.value) == [(f"spec.{field}", message)]
