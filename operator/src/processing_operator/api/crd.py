"""The CustomResourceDefinition, made from the models. `python -m processing_operator.api.crd` prints it."""

import sys

from processing_operator.api import names
from processing_operator.api.rules import VALIDATIONS
from processing_operator.api.structural import Schema, structural
from processing_operator.api.v1alpha1 import ProcessingJob

_HEADER = "# Made by `python -m processing_operator.api.crd` from the models; not to be edited.\n"
_IMMUTABLE = "cannot be changed once the job is created: use a new name, or kubectl replace --force, which runs it anew"

_MUTABLE = "stop"
_COLUMNS = (
    ("STATE", "string", ".status.state", "One word for what the job is doing.", 0),
    ("ATTEMPTS", "integer", ".status.attempts", "How often the job was started.", 0),
    ("STARTED", "date", ".status.startTime", "When the first Pod was created.", 0),
    ("AGE", "date", ".metadata.creationTimestamp", "When the job was created.", 0),
    ("ENDED", "date", ".status.completionTime", "When the job ended.", 1),
    ("REASON", "string", ".status.failureReason", "Why the job failed or was stopped.", 1),
    ("EXIT", "integer", ".status.exitCode", "The script's exit code.", 1),
    ("IMAGE", "string", ".spec.image", "The script's image.", 1),
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
            },
            "versions": [
                {
                    "name": names.VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(*column) for column in _COLUMNS],
                    "schema": {"openAPIV3Schema": schema()},
                }
            ],
        },
    }


def schema() -> Schema:
    """The structural schema of the whole object."""
    root = structural(ProcessingJob) | {"required": ["spec"]}
    properties = root["properties"]
    properties["apiVersion"] = {"type": "string"}
    properties["kind"] = {"type": "string"}
    properties["metadata"] = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 63}}}
    del properties["status"]["default"]
    spec = properties["spec"]
    spec[VALIDATIONS] = [
        *spec[VALIDATIONS],
        *(_immutable(spec, name) for name in spec["properties"] if name != _MUTABLE),
    ]
    return root


def _immutable(spec: Schema, name: str) -> Schema:
    """The transition rule of one field of the spec."""
    field = spec["properties"][name]
    here, before = f"self.{name}", f"oldSelf.{name}"
    same = f"{here} == {before}"
    if "x-kubernetes-list-map-keys" in field:
        # such lists are equal in any order, but status and plan go by position
        same += f" && {here}.map(x, x.name) == {before}.map(x, x.name)"
    if name not in spec["required"] and "default" not in field:
        same = f"has({here}) == has({before}) && (!has({here}) || ({same}))"
    return {"rule": same, "message": _IMMUTABLE, "fieldPath": f".{name}"}


def _column(name: str, kind: str, path: str, description: str, priority: int) -> Schema:
    column = {"name": name, "type": kind, "jsonPath": path, "description": description}
    return column | ({"priority": priority} if priority else {})


def document() -> str:
    """The CRD as YAML, as it is committed in `crds/`."""
    import yaml  # noqa: PLC0415 - not needed where the models are used

    return _HEADER + str(yaml.safe_dump(crd(), sort_keys=False, width=120, allow_unicode=True))


def main() -> None:
    """Print the CRD."""
    sys.stdout.write(document())


if __name__ == "__main__":
    main()
