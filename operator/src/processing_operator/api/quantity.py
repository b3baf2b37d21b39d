"""Kubernetes quantities: 500m, 2, 30Gi."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from processing_operator.api.rules import Rule

_PATTERN = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]{1,2})?"
_QUANTITY = re.compile(_PATTERN)
_LETTERS = "KMGTPE"
_SCALES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(1000),
    **{letter: Decimal(1000) ** power for power, letter in enumerate(_LETTERS, 1) if letter != "K"},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate(_LETTERS, 1)},
}


def parse_quantity(text: str) -> Decimal:
    """The number that a quantity stands for: bytes for sizes, cores for cpu.

    Raises:
        ValueError: it is no quantity.
    """
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise ValueError(f"not a quantity: {text!r}")
    number, suffix = found.group(1), found.group(2) or ""
    if suffix in _SCALES:
        return Decimal(number) * _SCALES[suffix]
    return Decimal(number + suffix)


def _is_quantity(text: str) -> str | None:
    return None if _QUANTITY.fullmatch(text) else text


def _number_to_text(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _between(low: str, high: str) -> Rule:
    def offender(text: str) -> str | None:
        return None if parse_quantity(low) <= parse_quantity(text) <= parse_quantity(high) else text

    text = "string(self)"
    return Rule(
        message=f"must be between {low} and {high}",
        cel=f"!isQuantity({text}) || (quantity({text}).compareTo(quantity('{low}')) >= 0 && "
        f"quantity({text}).compareTo(quantity('{high}')) <= 0)",
        offender=offender,
    )


Quantity = Annotated[
    str,
    Field(max_length=32),
    BeforeValidator(_number_to_text),
    WithJsonSchema({"x-kubernetes-int-or-string": True, "maxLength": 32}),
    Rule(
        message="must be a quantity, such as 500m, 2 or 30Gi",
        cel=f"string(self).matches(r'^(?:{_PATTERN})$')",
        offender=_is_quantity,
    ),
]
"""A quantity, not negative. YAML's plain numbers are taken as well."""

Size = Annotated[Quantity, _between("1Mi", "1Pi")]
"""A number of bytes."""
