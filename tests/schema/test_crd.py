"""The generated CustomResourceDefinition: committed as generated, described, bounded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dev.cluster.client import ROOT, Cluster
from processing_operator.api.crd import crd, document, schema
from tests.schema.serving import CRDS, under_group

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
            return "properties" in node or "maxProperties" in node or path.startswith("spec.affinity.")  # opaque
        case None:
            return "maxLength" in node and bool(node["x-kubernetes-int-or-string"])
        case kind:
            return kind in ("boolean", "number")


def test_it_holds_no_rules() -> None:
    """They would be evaluated at each write of the status; the policy has them."""
    assert "x-kubernetes-validations" not in document()
    assert "x-rules" not in document()


def test_it_is_plain_yaml() -> None:
    assert not re.search(r"[:-] [&*]", document()), "an anchor or an alias"


@pytest.mark.integration
def test_the_api_server_finds_the_schema_structural(cluster: Cluster) -> None:
    created = cluster.create(CRDS, under_group("structural.processing-operator.dev"), dryRun="All")
    problems = [item for item in created["status"].get("conditions") or [] if item["type"] == "NonStructuralSchema"]
    assert problems == []
