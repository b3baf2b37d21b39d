"""Rules that a schema alone cannot say: written once, kept by pydantic here, by policy.py in the API server."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

RULES = "x-rules"
"""The word of a schema under which its rules stand, as `Rule.dump` gives them; not for the API server."""
RULE = "rule"
DUPLICATE = "duplicate"
"""The types of the pydantic errors that are raised here."""


@dataclass(frozen=True)
class Rule:
    """One rule about a value: as metadata of a type (`Annotated[str, Rule(...)]`) or in a model's `RULES`.

    Attributes:
        message: what must be, for people.
        cel: the rule for the API server, about `self`.
        offender: the refused value, as a text for people, or None if the rule holds.
        cel_offender: the same text as a CEL expression. Empty: the value itself, a string or a number, is named.
        field: what is to be named, below the value (`.name`). Empty: the value itself.
    """

    message: str
    cel: str
    offender: Callable[[Any], str | None]
    cel_offender: str = ""
    field: str = ""

    def check(self, value: Any) -> Any:
        """The value itself, if the rule holds.

        Raises:
            PydanticCustomError: it does not; with the message and the field below the value.
        """
        refused = self.offender(value)
        if refused is None:
            return value
        message = f"{self.message}: {refused}" if self.cel_offender else self.message
        context = {"message": message, "field": self.field, "scalar": not self.cel_offender}
        raise PydanticCustomError(RULE, "{message}", context)

    def dump(self) -> dict[str, str]:
        """The rule as it stands in a schema."""
        return {"message": self.message, "cel": self.cel, "cel_offender": self.cel_offender, "field": self.field}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Checked after the type's own validation."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Shown in the type's schema."""
        return add_rules(handler(schema), (self,))


def add_rules(json_schema: JsonSchemaValue, rules: tuple[Rule, ...]) -> JsonSchemaValue:
    """The schema with the rules added to it."""
    if rules:
        json_schema[RULES] = [*json_schema.get(RULES, []), *(rule.dump() for rule in rules)]
    return json_schema


def quote(text: str) -> str:
    """The text as a CEL literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def matching(pattern: str, message: str) -> Rule:
    """A string must match the whole pattern (of the kind that RE2 and Python read alike)."""
    compiled = re.compile(pattern)

    def offender(value: str) -> str | None:
        return None if compiled.fullmatch(value) else value

    return Rule(message=message, cel=f"self.matches(r'^(?:{pattern})$')", offender=offender)


def keys_matching(pattern: str, message: str) -> Rule:
    """Every key of a map must match the whole pattern."""
    compiled = re.compile(pattern)
    cel = f"k.matches(r'^(?:{pattern})$')"

    def offender(value: Mapping[str, Any]) -> str | None:
        return next((key for key in value if not compiled.fullmatch(key)), None)

    return Rule(
        message=message,
        cel=f"self.all(k, {cel})",
        offender=offender,
        cel_offender=f"self.filter(k, !{cel})[0]",
    )


@dataclass(frozen=True)
class KeyedBy:
    """A list whose items are told apart by one field: metadata of a tuple type. The API server refuses duplicates."""

    key: str

    def check(self, items: Any) -> Any:
        """The items, if no two have one key.

        Raises:
            PydanticCustomError: two have; named as the API server names it.
        """
        keys = [str(getattr(item, self.key)) for item in items]
        for position, key in enumerate(keys):
            if key in keys[:position]:
                duplicate = json.dumps({self.key: key}, separators=(",", ":"))
                message = f"Duplicate value: {duplicate}"
                raise PydanticCustomError(DUPLICATE, "{message}", {"message": message, "field": f"[{position}]"})
        return items

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Checked after the items' own validation."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Shown in the list's schema."""
        return handler(schema) | {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [self.key]}


def exactly_one(*names: str) -> Rule:
    """Exactly one of a model's optional fields must be set."""
    return _counted(names, f"exactly one of {_listed(names)} must be given", "== 1", lambda found: found == 1)


def at_most_one(*names: str) -> Rule:
    """No two of a model's optional fields may be set."""
    return _counted(names, f"at most one of {_listed(names)} may be given", "<= 1", lambda found: found <= 1)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _counted(names: Sequence[str], message: str, cel_bound: str, is_right: Callable[[int], bool]) -> Rule:
    """So many of these fields must be set; the refused value is the list of those that are."""
    attributes = {name: "from_" if name == "from" else re.sub("([A-Z])", r"_\1", name).lower() for name in names}

    def offender(value: Any) -> str | None:
        found = [name for name, attribute in attributes.items() if getattr(value, attribute) is not None]
        return None if is_right(len(found)) else json.dumps(found)

    count = " + ".join(f"(has(self.{name}) ? 1 : 0)" for name in names)
    present = [f"has(self.{name}) ? {quote(name)} : ''" for name in names]
    return Rule(
        message=message,
        cel=f"{count} {cel_bound}",
        offender=offender,
        cel_offender=f"[{', '.join(present)}].filter(n, n != '')",
    )
