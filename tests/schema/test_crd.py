"""The generated CustomResourceDefinition: committed as generated, described, bounded, cheap."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from processing_operator.api.crd import crd, document, schema
from tests.schema.conftest import CRDS, under_group
from tests.support.cluster import ROOT, ApiError, Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMITTED = ROOT / "crds/processing-operator.dev_processingjobs.yaml"
# `kubectl apply` keeps the whole object in an annotation of at most this size
MAX_ANNOTATIONS = 256 * 1024


def _nodes(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from _nodes(child, f"{path}.{name}")
    for word in ("items", "additionalProperties"):
        if word in node:
            yield from _nodes(node[word], f"{path}[]")


NODES = [node for name in ("spec", "status") for node in _nodes(schema()["properties"][name], name)]


def test_the_committed_file_is_what_the_models_say() -> None:
    assert document() == COMMITTED.read_text(), "python -m processing_operator.api.crd > crds/..."
    assert yaml.safe_load(COMMITTED.read_text()) == crd()


def test_kubectl_apply_can_annotate_it() -> None:
    assert len(COMMITTED.read_bytes()) < MAX_ANNOTATIONS / 2


def test_every_field_is_described() -> None:
    assert [path for path, node in NODES if not _is_described(path, node)] == []


def _is_described(path: str, node: dict[str, Any]) -> bool:
    if path.endswith("[]") and node.get("type") != "object":
        return True  # a plain item: its list says it
    return str(node.get("description", "")).endswith((".", "gz"))


def test_every_field_is_bounded() -> None:
    assert [path for path, node in NODES if not _is_bounded(path, node)] == []


def _is_bounded(path: str, node: dict[str, Any]) -> bool:
    match node.get("type"):
        case "string":
            return bool({"maxLength", "enum", "format"} & set(node))
        case "array":
            return "maxItems" in node
        case "integer":
            return {"minimum", "maximum"} <= set(node) or path.startswith("status")
        case "object":
            return "properties" in node or "maxProperties" in node
        case None:
            return "maxLength" in node and bool(node["x-kubernetes-int-or-string"])
        case kind:
            return kind in ("boolean", "number")


def test_every_rule_has_its_words() -> None:
    rules = [rule for _, node in NODES for rule in node.get("x-kubernetes-validations", [])]
    assert rules
    assert [rule for rule in rules if not rule["message"]] == []


@pytest.mark.integration
def test_the_rules_cost_less_than_half_of_what_the_api_server_allows(cluster: Cluster) -> None:
    """A CRD whose every rule and message is evaluated twice is accepted.

    The API server estimates the cost of each expression from the bounds of what it reads, and that of the CRD as
    their sum; `a && b` costs what both cost. It tells the estimate only when it refuses: the room is proved by use.
    """
    _try(cluster, times=2)


@pytest.mark.integration
def test_the_measure_of_the_cost_measures(cluster: Cluster) -> None:
    with pytest.raises(ApiError, match="estimated rule cost exceeds budget"):
        _try(cluster, times=20)


def _try(cluster: Cluster, times: int) -> None:
    definition = copy.deepcopy(under_group("cost.processing-operator.dev"))
    for rule in _rules(definition):
        rule["rule"] = " && ".join([f"({rule['rule']})"] * times)
        if "messageExpression" in rule:
            rule["messageExpression"] = f"[{', '.join([rule['messageExpression']] * times)}][0]"
    cluster.create(CRDS, definition, dryRun="All")


def _rules(node: Any) -> Iterator[dict[str, str]]:
    if isinstance(node, dict):
        yield from node.get("x-kubernetes-validations", [])
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _rules(child)


@pytest.mark.integration
def test_the_api_server_finds_the_schema_structural(cluster: Cluster) -> None:
    created = cluster.create(CRDS, under_group("structural.processing-operator.dev"), dryRun="All")
    problems = [item for item in created["status"].get("conditions") or [] if item["type"] == "NonStructuralSchema"]
    assert problems == []
