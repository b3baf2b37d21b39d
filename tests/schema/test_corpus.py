"""One corpus, two judges: the models (offline) and a real API server. They agree, word for word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from dev.cluster.client import ApiError
from processing_operator.api.validation import parse, problems
from tests.schema import manifests
from tests.schema.serving import refusals

if TYPE_CHECKING:
    from tests.schema.manifests import Manifest, Refused
    from tests.schema.serving import Served

GOOD = manifests.good()
BAD = manifests.bad()
UNKNOWN = re.compile(r'unknown field "([^"]+)"')
good_manifests = pytest.mark.parametrize("manifest", GOOD.values(), ids=GOOD.keys())
bad_manifests = pytest.mark.parametrize("row", BAD, ids=[row.name for row in BAD])


@good_manifests
def test_the_models_take_what_is_good(manifest: Manifest) -> None:
    assert problems(manifest) == ()


@bad_manifests
def test_the_models_refuse_what_is_bad(row: Refused) -> None:
    assert [(problem.field, problem.message) for problem in problems(row.manifest)] == [(row.field, row.message)]


@good_manifests
def test_what_is_good_round_trips(manifest: Manifest) -> None:
    job = parse(manifest)
    again = parse({**manifest, "spec": job.spec.dump()})
    assert again == job
    assert again.spec.dump() == job.spec.dump()


@pytest.mark.integration
@good_manifests
def test_the_api_server_takes_what_is_good_and_defaults_as_the_models_do(served: Served, manifest: Manifest) -> None:
    job = parse(manifest)
    stored = served.try_create(manifest)
    assert parse({**manifest, "spec": stored["spec"]}) == job
    assert _without_empty(stored["spec"]) == _without_empty(job.spec.dump())


@pytest.mark.integration
@bad_manifests
def test_the_api_server_refuses_what_is_bad(served: Served, row: Refused) -> None:
    with pytest.raises(ApiError) as refusal:
        served.try_create(row.manifest)
    causes = _causes(refusal.value)
    assert (row.field, row.message) in causes
    assert {field for field, _ in causes} == {row.field}


def _causes(error: ApiError) -> list[tuple[str, str]]:
    if unknown := UNKNOWN.findall(error.body["message"]):
        return [(field, "unknown field") for field in unknown]
    return refusals(error)


def _without_empty(spec: dict[str, Any]) -> dict[str, Any]:
    """Without empty lists and outputs' defaults; quantities as texts, which the models make of a plain number."""
    plain = {name: value for name, value in spec.items() if value != []}
    if "outputs" in plain:
        plain |= {"outputs": [_without_default(output) for output in plain["outputs"]]}
    resources = plain.get("resources", {})
    plain |= {"workspace": _texts(plain["workspace"])}
    return plain | ({"resources": {kind: _texts(amounts) for kind, amounts in resources.items()}} if resources else {})


def _without_default(output: dict[str, Any]) -> dict[str, Any]:
    """The API server fills in no defaults within lists."""
    defaults = [("required", False), ("uploadOn", "Always")]
    return {name: value for name, value in output.items() if (name, value) not in defaults}


def _texts(amounts: dict[str, Any]) -> dict[str, str]:
    return {name: str(amount) for name, amount in amounts.items()}
