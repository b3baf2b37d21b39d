"""Validation without an API server, in the API server's words: for the command line, before anything is sent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from processing_operator.api.rules import DUPLICATE, RULE
from processing_operator.api.v1alpha1 import ProcessingJob

_MAPS = {"requests", "limits", "inline", "nodeSelector", "podLabels", "podAnnotations"}
_GIVEN = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
_TYPES = {
    "string_type": "string",
    "int_type": "integer",
    "int_from_float": "integer",
    "bool_type": "boolean",
    "tuple_type": "array",
    "model_type": "object",
    "dict_type": "object",
}

# by pydantic's type of the error; what can be named is in _message
_WORDS = {
    "missing": "Required value",
    "extra_forbidden": "unknown field",
    "enum": "Unsupported value: {value}: supported values: {supported}",
    "literal_error": "Unsupported value: {value}: supported values: {supported}",
    "string_too_long": "Too long: may not be more than {max_length} bytes",
    "string_too_short": "Invalid value: {value}: {field} in body should be at least {min_length} chars long",
    "too_long": "Too many: {size}: must have at most {max_length} items",
    "too_short": "Invalid value: {size}: {field} in body should have at least {min_length} {things}",
    "greater_than_equal": "Invalid value: {value}: {field} in body should be greater than or equal to {ge}",
    "less_than_equal": "Invalid value: {value}: {field} in body should be less than or equal to {le}",
    **{
        error: f"Invalid value: {{given}}: {{field}} in body must be of type {kind}: {{given}}"
        for error, kind in _TYPES.items()
    },
}
_OTHERWISE = "Invalid value: {value}: {msg}"


@dataclass(frozen=True)
class Problem:
    """One reason why the API server would refuse a job.

    Attributes:
        field: which field, as a path: `spec.inputs[0].path`.
        message: the rule and the refused value.
    """

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class InvalidJobError(ValueError):
    """The manifest is no valid job.

    Attributes:
        problems: what is wrong with it, at least one.
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def parse(manifest: Mapping[str, Any]) -> ProcessingJob:
    """The job that a manifest describes.

    Raises:
        InvalidJobError: the API server would refuse it.
    """
    try:
        return ProcessingJob.model_validate(manifest, by_alias=True, by_name=False)
    except ValidationError as error:
        raise InvalidJobError(tuple(_problem(detail) for detail in error.errors())) from None


def problems(manifest: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Why the API server would refuse the manifest; nothing if it would not."""
    try:
        parse(manifest)
    except InvalidJobError as error:
        return error.problems
    return ()


def _problem(detail: ErrorDetails) -> Problem:
    context = detail.get("ctx", {})
    field = _path(detail["loc"]) + context.get("field", "")
    return Problem(field.removeprefix("."), _message(detail, field, context))


def _path(location: tuple[int | str, ...]) -> str:
    path, above = "", ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) or above in _MAPS else f".{step}"
        above = str(step)
    return path.removeprefix(".")


def _message(detail: ErrorDetails, field: str, context: Mapping[str, Any]) -> str:
    kind, given = detail["type"], detail["input"]
    value = json.dumps(given, default=str, ensure_ascii=False)
    if kind == DUPLICATE:
        return detail["msg"]
    if kind == RULE:
        return f"Invalid value: {value}: {detail['msg']}" if context["scalar"] else f"Invalid value: {detail['msg']}"
    named = {
        "field": field,
        "value": value,
        "given": f'"{_GIVEN.get(type(given), "null")}"',
        "size": len(given) if isinstance(given, list | tuple | dict) else 0,
        "things": "properties" if isinstance(given, dict) else "items",
        "supported": str(context.get("expected", "")).replace("'", '"').replace(" or ", ", "),
        "msg": detail["msg"],
    }
    return _WORDS.get(kind, _OTHERWISE).format(**(dict(context) | named))
