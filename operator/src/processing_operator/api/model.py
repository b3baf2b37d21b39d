"""The base of every API model: frozen, camelCase on the wire, its docstrings are the CRD's descriptions."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from processing_operator.api.rules import Rule, add_rules


class ApiModel(BaseModel):
    """A frozen value with camelCase aliases."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
    )

    RULES: ClassVar[tuple[Rule, ...]] = ()
    """Rules about the whole of it, kept here and in the API server."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        """The API server drops nulls before it defaults and validates; so do we."""
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if value is not None}
        return data

    @model_validator(mode="after")
    def _keep_rules(self) -> Self:
        for rule in self.RULES:
            rule.check(self)
        return self

    def dump(self) -> dict[str, Any]:
        """The value as the API server stores it: camelCase, without what is absent or an empty list."""
        dumped: dict[str, Any] = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {name: value for name, value in dumped.items() if value != []}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema, with the rules."""
        json_schema = handler(schema)
        add_rules(handler.resolve_ref_schema(json_schema), cls.RULES)
        return json_schema


class SeenModel(ApiModel):
    """What the cluster or another version of the operator wrote: unknown fields are left alone."""

    model_config = ConfigDict(extra="ignore")


class SpecModel(ApiModel):
    """What users write: an unknown field is an error, as `kubectl apply` makes it one."""

    model_config = ConfigDict(extra="forbid")


Word = Annotated[str, Field(max_length=253)]

FIRST_FIT = Field(union_mode="left_to_right")
ANY_WORD = WithJsonSchema({"type": "string", "maxLength": 63})
"""Both stand at `<enum> | Word` of the status: a word of a newer operator is kept as it is, never an error."""


def _clip(limit: int) -> BeforeValidator:
    """A text for people that is longer is cut: a status must never be refused for what a message quotes."""

    def clip(value: Any) -> Any:
        return value[: limit - 1] + "…" if isinstance(value, str) and len(value) > limit else value

    return BeforeValidator(clip)


ShortText = Annotated[str, Field(max_length=1024), _clip(1024)]
Text = Annotated[str, Field(max_length=2048), _clip(2048)]
LongText = Annotated[str, Field(max_length=4096), _clip(4096)]
"""Texts of the status; longer ones are cut."""


def _to_seconds(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(microsecond=0)


def _to_milliseconds(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(microsecond=time.microsecond // 1000 * 1000)


def _write_seconds(time: datetime) -> str:
    return _to_seconds(time).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write_milliseconds(time: datetime) -> str:
    return _to_milliseconds(time).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Time = Annotated[AwareDatetime, AfterValidator(_to_seconds), PlainSerializer(_write_seconds, when_used="json")]
"""A time as Kubernetes writes it (RFC 3339, UTC, whole seconds)."""

PreciseTime = Annotated[
    AwareDatetime, AfterValidator(_to_milliseconds), PlainSerializer(_write_milliseconds, when_used="json")
]
"""A time to the millisecond: for phases, which may be shorter than a second."""
