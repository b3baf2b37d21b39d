"""The policy as it is generated: every rule of the models is in it, at its place."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

import pytest
from pydantic import Field

from processing_operator.api import policy
from processing_operator.api.crd import schema
from processing_operator.api.model import SpecModel
from processing_operator.api.rules import RULES, Rule, matching
from processing_operator.api.structural import structural

Name = Annotated[str, matching("[a-z]+", "100% letters")]


class Part(SpecModel):
    """A part."""

    name: Name
    """Its name."""
    note: Name | None = None
    """Its note."""


class Thing(SpecModel):
    """A thing."""

    RULES: ClassVar = (
        Rule(message="must hold", cel="self.a == self.b", offender=lambda _: None, cel_offender="self.a", field=".a"),
    )

    part: Part | None = None
    """Its part."""
    parts: Annotated[tuple[Part, ...], Field(max_length=2)] = ()
    """Its parts."""
    notes: dict[str, Name] = Field(default_factory=dict)
    """Its notes."""


class Nested(SpecModel):
    """A thing of things."""

    things: Annotated[tuple[Thing, ...], Field(max_length=2)] = ()
    """Its things."""


VARIABLES = {
    "thing_1": ["!(x.thing.a == x.thing.b)", "? ['thing.a: Invalid value: must hold: %s'.format([x.thing.a])]", ": []"],
    "thing_part_name_1": [
        "has(x.thing.part) && !(x.thing.part.name.matches(r'^(?:[a-z]+)$'))",
        "? ['thing.part.name: Invalid value: %s: 100%% letters'.format([strings.quote(x.thing.part.name)])]",
        ": []",
    ],
    "thing_parts_each_note_1": [
        "has(x.thing.parts)",
        "? x.thing.parts.transformList(at, item,",
        "has(item.note) && !(item.note.matches(r'^(?:[a-z]+)$')),",
        "'thing.parts[%s].note: Invalid value: %s: 100%% letters'.format([string(at), strings.quote(item.note)]))",
        ": []",
    ],
    "thing_notes_each_1": [
        "has(x.thing.notes)",
        "? x.thing.notes.transformList(at, item,",
        "!(item.matches(r'^(?:[a-z]+)$')),",
        "'thing.notes[%s]: Invalid value: %s: 100%% letters'.format([string(at), strings.quote(item)]))",
        ": []",
    ],
}


@pytest.mark.parametrize("name", VARIABLES)
def test_a_rule_by_its_place(name: str) -> None:
    root = {"type": "object", "required": ["thing"], "properties": {"thing": structural(Thing)}}
    assert policy.rule_variables("x", root)[name].splitlines() == VARIABLES[name]


def test_an_item_of_an_item() -> None:
    with pytest.raises(ValueError, match=r"\.things\[%s\]\.parts"):
        policy.rule_variables("x", structural(Nested))


def test_every_rule_of_the_models_is_in_it() -> None:
    def count(node: Any) -> int:
        if not isinstance(node, dict):
            return 0
        return len(node.get(RULES, ())) + sum(count(child) for word, child in node.items() if word != RULES)

    spec = policy.objects()[0]["spec"]
    rules = [variable for variable in spec["variables"] if re.search(r"_\d+$", variable["name"])]
    assert len(rules) == count(schema()) > 40
    (broken,) = [variable["expression"] for variable in spec["variables"] if variable["name"] == "broken"]
    assert re.findall(r"variables\.(\w+)", broken) == [rule["name"] for rule in rules]
    assert not [rule for rule in rules if re.search(r"\bself\b", rule["expression"])]
