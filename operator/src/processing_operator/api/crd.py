"""The CustomResourceDefinition, made from the models. `python -m processing_operator.api.crd` prints it."""

import sys
from typing import Any

from processing_operator.api import names
from processing_operator.api.manifest import manifest
from processing_operator.api.rules import RULES
from processing_operator.api.structural import Schema, structural
from processing_operator.api.v1alpha1 import ProcessingJob

_COLUMNS = (
    ("STATE", "string", ".status.state", "One word for what the job is doing.", 0),
    ("REASON", "string", ".status.reason", "What the job waits for, or why it failed or was stopped.", 0),
    ("DURATION", "string", ".status.duration", "How long the job took.", 0),
    ("AGE", "date", ".metadata.creationTimestamp", "When the job was created.", 0),
    ("ATTEMPTS", "integer", ".status.attempts", "How often the job was started.", 1),
    ("EXIT", "integer", ".status.exitCode", "The script's exit code.", 1),
    ("NODE", "string", ".status.instances[0].node", "The node that the first Pod runs on.", 1),
    ("IMAGE", "string", ".spec.image", "The script's image.", 1),
)
_SELECTABLE = (".status.state", ".status.reason")

# Kubernetes' own words, as in every kind
_CONVENTIONS = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
_API_VERSION = (
    "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized "
    "schemas to the latest internal value, and may reject unrecognized values. "
    f"More info: {_CONVENTIONS}#resources"
)
_KIND = (
    "Kind is a string value representing the REST resource this object represents. Servers may infer this from the "
    f"endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: {_CONVENTIONS}#types-kinds"
)


def crd() -> Schema:
    """The CustomResourceDefinition as a Kubernetes object."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names.PLURAL}.{names.GROUP}"},
        "spec": {
            "group": names.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": names.KIND,
                "listKind": names.LIST_KIND,
                "plural": names.PLURAL,
                "singular": names.SINGULAR,
                "shortNames": [names.SHORT_NAME],
                "categories": ["all"],
            },
            "versions": [
                {
                    "name": names.VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "selectableFields": [{"jsonPath": path} for path in _SELECTABLE],
                    "additionalPrinterColumns": [_column(*column) for column in _COLUMNS],
                    "schema": {"openAPIV3Schema": _without_rules(schema())},
                }
            ],
        },
    }


def schema() -> Schema:
    """The structural schema of the whole object, with its rules: the API server keeps these by policy.py."""
    root = structural(ProcessingJob) | {"required": ["spec"]}
    root["properties"] |= {
        "apiVersion": {"description": _API_VERSION, "type": "string"},
        "kind": {"description": _KIND, "type": "string"},
        "metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 63}}},
    }
    # kstatus, by which Helm and Flux wait, would call a job without a status done
    root["properties"]["status"]["default"] = {"observedGeneration": -1}
    return root


def _without_rules(node: Any) -> Any:
    """They take the API server four times as long as the rest of a write, and a policy can leave the status alone."""
    if isinstance(node, dict):
        return {word: _without_rules(child) for word, child in node.items() if word != RULES}
    return node


def _column(name: str, kind: str, path: str, description: str, priority: int) -> Schema:
    column = {"name": name, "type": kind, "jsonPath": path, "description": description}
    return column | ({"priority": priority} if priority else {})


def document() -> str:
    """The CRD as YAML, as it is committed in `crds/`."""
    return manifest("processing_operator.api.crd", crd())


def main() -> None:
    """Print the CRD."""
    sys.stdout.write(document())


if __name__ == "__main__":
    main()
