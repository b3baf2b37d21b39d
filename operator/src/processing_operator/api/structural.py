"""A pydantic model as a structural schema: what a CustomResourceDefinition may hold (no references, no unions)."""

from typing import Any

from pydantic import BaseModel

from processing_operator.api.rules import RULES

Schema = dict[str, Any]

# in this order, for people who read the generated file
_KEPT = (
    "description",
    "type",
    "format",
    "enum",
    "default",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "required",
    "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    RULES,
)
_REFERENCE = "#/$defs/"


def structural(model: type[BaseModel]) -> Schema:
    """The model's schema for the API server, descriptions included, defaults except within list items, and the rules.

    `kubectl apply` and Argo CD replace lists of custom resources as a whole: an item with a default filled in would
    differ from the user's manifest for ever. The models fill these in.
    """
    whole = model.model_json_schema(by_alias=True, mode="validation")
    return _convert(whole, whole.get("$defs", {}))


def _convert(node: Schema, definitions: Schema) -> Schema:
    node = _resolve(node, definitions)
    converted = {word: node[word] for word in _KEPT if word in node}
    if "default" in converted:
        converted |= _default(converted.pop("default"))
    if "const" in node:
        converted["enum"] = [node["const"]]
    if "properties" in node:
        converted["properties"] = {name: _convert(child, definitions) for name, child in node["properties"].items()}
    if "items" in node:
        converted["items"] = _without_defaults(_convert(node["items"], definitions))
    if isinstance(node.get("additionalProperties"), dict):
        converted["additionalProperties"] = _convert(node["additionalProperties"], definitions)
    if "description" in converted:
        converted["description"] = " ".join(converted["description"].split())
    return converted


def _without_defaults(node: Schema) -> Schema:
    bare = {word: value for word, value in node.items() if word != "default"}
    if "properties" in bare:
        bare["properties"] = {name: _without_defaults(child) for name, child in bare["properties"].items()}
    return bare


def _default(value: Any) -> Schema:
    """Without what is absent: the API server takes null for a value, and an empty list in every object says nothing."""
    if isinstance(value, dict):
        return {"default": {name: inner for name, inner in value.items() if inner is not None}}
    return {} if value in (None, []) else {"default": value}


def _resolve(node: Schema, definitions: Schema) -> Schema:
    """The node itself: references followed, `X | None` taken as X; what the node says by itself wins."""
    while True:
        if "anyOf" in node:
            (inner,) = (variant for variant in node["anyOf"] if variant.get("type") != "null")
        elif "$ref" in node:
            inner = definitions[node["$ref"].removeprefix(_REFERENCE)]
        else:
            return node
        own = {word: value for word, value in node.items() if word not in ("anyOf", "$ref")}
        node = {**inner, **own}
