"""The ValidatingAdmissionPolicy: the models' rules, where the API server keeps them.

`python -m processing_operator.api.policy` prints it and its binding. A rule of the CRD would be evaluated at each write
of the status, too, and these are most of a job's writes. A job that is there already is held to one rule: it cannot be
changed. So a newer version's rules never stand in the way of stopping or labelling it.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

from processing_operator.api import names
from processing_operator.api.crd import schema
from processing_operator.api.manifest import Cel, manifest
from processing_operator.api.rules import RULES, quote
from processing_operator.api.structural import Schema

NAME = f"{names.PLURAL}.{names.GROUP}"
_MUTABLE = "stop"
_BROKEN = "the job breaks a rule of its kind (kubectl explain processingjob --recursive)"
_IMMUTABLE = "cannot be changed once the job is created: use a new name, or kubectl replace --force, which runs it anew"
_SELF = re.compile(r"\bself\b")
_LONGEST_MESSAGE = 5120
"""Bytes: the API server drops a longer one."""
_CUT = 1200
"""Characters of at most four bytes each."""


@dataclass(frozen=True)
class _Place:
    """Where a value stands.

    Attributes:
        value: the value as an expression.
        name: its path for people, `%s` where a position or a key stands.
        conditions: what must be true for it to be there; in an item: for it to be there in the item.
        items: the list or map that it stands in, as an expression; empty: in none.
        outer: what must be true for `items` to be there.
    """

    value: str
    name: str = ""
    conditions: tuple[str, ...] = ()
    items: str = ""
    outer: tuple[str, ...] = ()

    def field(self, name: str, *, required: bool) -> "_Place":
        value = f"{self.value}.{name}"
        conditions = self.conditions if required else (*self.conditions, f"has({value})")
        return replace(self, value=value, name=f"{self.name}.{name}", conditions=conditions)

    def item(self) -> "_Place":
        if self.items:
            raise ValueError(f"{self.name}: a list or map within an item has no rules yet")
        return _Place(value="item", name=f"{self.name}[%s]", items=self.value, outer=self.conditions)


def objects() -> tuple[Schema, Schema]:
    """The policy and its binding as Kubernetes objects."""
    header = {"apiVersion": "admissionregistration.k8s.io/v1"}
    metadata = {"metadata": {"name": NAME}}
    policy = {**header, "kind": "ValidatingAdmissionPolicy", **metadata, "spec": _spec()}
    binding = {"policyName": NAME, "validationActions": ["Deny"]}
    return policy, {**header, "kind": "ValidatingAdmissionPolicyBinding", **metadata, "spec": binding}


def _spec() -> Schema:
    variables = [{"name": name, "expression": Cel(expression)} for name, expression in _variables().items()]
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [_JOBS]},
        "variables": variables,
        "validations": [
            _validation("broken", _BROKEN, _TEXT),
            _validation("changed", f"the job {_IMMUTABLE}", _CHANGED_TEXT),
        ],
    }


def _variables() -> dict[str, str]:
    rules = rule_variables("object", schema())
    broken = "\n+ ".join(f"variables.{name}" for name in rules)
    return {
        **rules,
        "broken": f"request.operation == 'CREATE'\n? {broken}\n: []",
        # a message of two lines is dropped
        "text": "variables.broken.join('; ').replace('\\n', ' ')",
        "changed": f"request.operation == 'UPDATE'\n? {_CHANGED}\n: []",
    }


_JOBS = {
    "apiGroups": [names.GROUP],
    "apiVersions": [names.VERSION],
    "operations": ["CREATE", "UPDATE"],
    "resources": [names.PLURAL],
}
_TEXT = (
    f"variables.text.size() > {_CUT} && bytes(variables.text).size() > {_LONGEST_MESSAGE} "
    f"? variables.text.substring(0, {_CUT}) + '...' : variables.text"
)
# dyn: a map, whose fields can be gone through, and not an object
_NEW, _OLD = "dyn(object.spec)", "dyn(oldObject.spec)"
_CHANGED = (
    f"{_NEW}.filter(k, k != '{_MUTABLE}' && (!(k in {_OLD}) || {_NEW}[k] != {_OLD}[k]))\n"
    f"+ {_OLD}.filter(k, k != '{_MUTABLE}' && !(k in {_NEW}))"
)
_CHANGED_TEXT = f"variables.changed.map(k, 'spec.' + k).join(', ') + {quote(': ' + _IMMUTABLE)}"


def _validation(variable: str, message: str, expression: str) -> Schema:
    condition = Cel(f"variables.{variable}.size() == 0")
    return {"expression": condition, "message": message, "messageExpression": Cel(expression)}


def rule_variables(value: str, root: Schema) -> dict[str, str]:
    """A variable for each rule of the schema, named after its place: an expression for the texts of what breaks it.

    `value`: what the schema is about, as an expression.

    Raises:
        ValueError: a rule is about an item of a list or map that is itself within an item.
    """
    found: dict[str, str] = {}
    for place, node in _places(_Place(value), root):
        stem = place.name.replace("[%s]", ".each").replace(".", "_").removeprefix("_") or "job"
        for number, rule in enumerate(node.get(RULES, ()), 1):
            found[f"{stem}_{number}"] = _breaches(place, node, rule)
    return found


def _places(place: _Place, node: Schema) -> Iterator[tuple[_Place, Schema]]:
    yield place, node
    for name, child in node.get("properties", {}).items():
        yield from _places(place.field(name, required=name in node.get("required", ())), child)
    for word in ("items", "additionalProperties"):
        if RULES in str(node.get(word)):
            yield from _places(place.item(), node[word])


def _breaches(place: _Place, node: Schema, rule: dict[str, str]) -> str:
    """An expression for a list of texts, in the words of `Problem` (validation.py); empty if the rule holds."""
    broken = " && ".join([*place.conditions, f"!({_about(place, rule['cel'])})"])
    text = _text(place, node, rule)
    if not place.items:
        return f"{broken}\n? [{text}]\n: []"
    breaches = f"{place.items}.transformList(at, item,\n{broken},\n{text})"
    return f"{' && '.join(place.outer)}\n? {breaches}\n: []" if place.outer else breaches


def _text(place: _Place, node: Schema, rule: dict[str, str]) -> str:
    """An expression for field, rule and refused value."""
    field, message = (place.name + rule["field"]).removeprefix("."), rule["message"].replace("%", "%%")
    at = ["string(at)"] if place.items else []
    if rule["cel_offender"]:
        words, value = f"{field}: Invalid value: {message}: %s", _about(place, rule["cel_offender"])
    else:
        words, value = f"{field}: Invalid value: %s: {message}", _quoted(place.value, node)
    return f"{quote(words)}.format([{', '.join([*at, value])}])"


def _quoted(value: str, node: Schema) -> str:
    text = f"strings.quote({value})"
    return text if node.get("type") == "string" else f"(type({value}) == string ? {text} : string({value}))"


def _about(place: _Place, cel: str) -> str:
    # a function: a text would have its backslashes read
    return _SELF.sub(lambda _found: place.value, cel)


def document() -> str:
    """The policy and its binding as YAML, as they are committed in `crds/`."""
    return manifest("processing_operator.api.policy", *objects())


def main() -> None:
    """Print both."""
    sys.stdout.write(document())


if __name__ == "__main__":
    main()
