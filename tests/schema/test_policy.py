"""The generated ValidatingAdmissionPolicy: committed as generated, complete, compiled without a warning, affordable."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dev.cluster.client import ROOT, ApiError, Cluster
from processing_operator.api.policy import document, objects
from tests.schema import manifests
from tests.schema.serving import POLICIES, Served, enforcing, own_group, policy_under_group, refusals, serving
from tests.schema.test_bounds import fullest

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMITTED = ROOT / "crds/processing-operator.dev_processingjobs_policy.yaml"
BROKEN = {
    "image": "a b",
    "resources": {"limits": {"gpu": 1, "memory": "2GB"}},
    "inputs": [{"name": "a", "path": "/opt/ml/a", "s3": {"uri": "s3://bucket"}}, {"name": "b", "path": "/data"}],
}


def test_the_committed_file_is_what_the_models_say() -> None:
    assert document() == COMMITTED.read_text(), "python -m processing_operator.api.policy > crds/..."
    assert tuple(yaml.safe_load_all(COMMITTED.read_text())) == objects()


def test_the_status_is_left_alone() -> None:
    (rule,) = objects()[0]["spec"]["matchConstraints"]["resourceRules"]
    assert (rule["resources"], rule["operations"]) == (["processingjobs"], ["CREATE", "UPDATE"])


@pytest.mark.integration
def test_all_problems_are_named_at_once(served: Served) -> None:
    with pytest.raises(ApiError) as refusal:
        served.try_create(manifests.merge(manifests.minimal(), {"metadata": {"name": "a.b"}, "spec": BROKEN}))
    assert [field for field, _ in refusals(refusal.value)] == [
        "metadata.name",
        "spec.image",
        "spec.resources.limits",
        "spec.resources.limits[memory]",
        "spec.inputs[1]",
        "spec.inputs[1].path",
    ]


@pytest.mark.integration
@pytest.mark.parametrize("letter", ["x", "\N{GRINNING FACE}"])
def test_a_message_that_is_too_long_is_cut(served: Served, letter: str) -> None:
    """The API server would drop it, and say nothing of what is wrong."""
    inputs = [{"name": f"i{n}", "path": "/" + letter * 500, "s3": {"uri": "s3://bucket"}} for n in range(50)]
    with pytest.raises(ApiError) as refusal:
        served.try_create(manifests.merge(manifests.minimal(), {"spec": {"inputs": inputs}}))
    message = refusal.value.body["message"]
    assert "spec.inputs[0].path: Invalid value: " in message
    assert "must be an absolute path below /opt/ml/" in message
    assert message.endswith("...")


@pytest.mark.integration
def test_a_message_of_two_lines_becomes_one(served: Served) -> None:
    inputs = [{"name": "a", "path": "/opt/ml/a", "inline": {"a\nb": ""}}]
    with pytest.raises(ApiError) as refusal:
        served.try_create(manifests.merge(manifests.minimal(), {"spec": {"inputs": inputs}}))
    ((field, message),) = refusals(refusal.value)
    assert field == "spec.inputs[0].inline"
    assert message.endswith("no two dots first: a b")


@pytest.fixture
def own(cluster: Cluster) -> Iterator[Served]:
    """The schema alone, for a policy that is no good."""
    with serving(cluster, own_group()) as found:
        yield found


@pytest.mark.integration
def test_it_is_compiled_without_a_warning(own: Served) -> None:
    """The controller manager checks the types of validations, not of variables: here each variable is one.

    Nonsense shows that it does.
    """
    policy, binding = policy_under_group(own.group)
    variables = policy["spec"]["variables"]
    expressions = [*(variable["expression"] for variable in variables), "object.spec.inputs[0].nonsense"]
    policy["spec"]["validations"] += [{"expression": f"dyn({expression}) != null"} for expression in expressions]
    _wait_for_types(own)
    with enforcing(own, policy, binding):
        warnings = _warnings(own, policy["metadata"]["name"])
    (warning,) = warnings
    assert "undefined field 'nonsense'" in warning["warning"]


def _wait_for_types(served: Served) -> None:
    """Types are checked once, and not at all if the kind is not published yet."""
    end = time.monotonic() + 30
    published = f"{served.cluster.url}/openapi/v3/apis/{served.group}/v1alpha1"
    while "ProcessingJob" not in served.cluster.session.get(published, timeout=10).text:
        assert time.monotonic() < end, f"{published} is not there after 30 s"
        time.sleep(0.1)


def _warnings(served: Served, name: str) -> list[Any]:
    found = served.cluster.wait(POLICIES, name, lambda policy: "typeChecking" in policy.get("status", {}), 60, "types")
    warnings: list[Any] = found["status"]["typeChecking"].get("expressionWarnings", [])
    return warnings


@pytest.mark.integration
@pytest.mark.parametrize("field", ["inputs", "outputs"])
def test_the_largest_job_is_refused_in_words(served: Served, field: str) -> None:
    """To find the one item that is wrong costs more than to see that there is one."""
    largest = fullest()
    items = largest["spec"][field]
    items[-1] = {**items[-1], "path": items[-2]["path"]}
    words = f"(two {field} must not have one path|another {field[:-1]}'s path or below it): {items[-1]['path']}"
    with pytest.raises(ApiError, match=words):
        served.try_create(largest)


@pytest.mark.integration
def test_the_largest_job_whose_outputs_all_go_to_one_place_is_refused_in_words(served: Served) -> None:
    largest = fullest()
    outputs = largest["spec"]["outputs"]
    for output in outputs:
        output["s3"]["uri"] = "s3://bucket" + "/a" * 100 + "/" * 800
    words = rf"give one of them another s3.uri or archive.name: {outputs[0]['name']} \(s3://"
    with pytest.raises(ApiError, match=words):
        served.try_create(largest)


@pytest.mark.integration
def test_the_largest_job_costs_less_than_half_of_what_the_api_server_allows(own: Served) -> None:
    """It limits what each expression, and all of them together, may cost, and tells the cost only when it refuses."""
    with enforcing(own, *_repeated(own.group, times=2)):
        assert own.try_create(fullest())["spec"]


@pytest.mark.integration
def test_the_measure_of_the_cost_measures(own: Served) -> None:
    with enforcing(own, *_repeated(own.group, times=20)), pytest.raises(ApiError, match=r"cost (limit|budget)"):
        own.try_create(fullest())


def _repeated(group: str, times: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The policy, each of its rules evaluated so many times."""
    policy, binding = copy.deepcopy(policy_under_group(group))
    for variable in policy["spec"]["variables"]:
        variable["expression"] = " + ".join([f"({variable['expression']})"] * times)
    return policy, binding
