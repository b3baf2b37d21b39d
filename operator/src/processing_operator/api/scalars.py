"""The strings and numbers of the API, each with its bounds and its rule."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictBool
from pydantic_core import PydanticKnownError

from processing_operator.api.rules import matching

Bool = StrictBool
"""true or false: as in the API server, neither "yes" nor 1."""


def _whole(value: Any) -> Any:
    if isinstance(value, str | bool):
        raise PydanticKnownError("int_type")
    return value


WHOLE = BeforeValidator(_whole)
"""A whole number: as in the API server, 1.0 is one; "1" and true are none. Stands after the bounds."""

DnsLabel = Annotated[
    str,
    Field(min_length=1, max_length=63),
    matching(
        r"[a-z0-9]([-a-z0-9]*[a-z0-9])?",
        "must be a DNS label, lower case letters, digits and dashes, no dash at either end",
    ),
]
ObjectName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    matching(
        r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?",
        "must be a Kubernetes name, lower case letters, digits, dashes and dots, a letter or digit at either end",
    ),
]
DataName = Annotated[
    str,
    Field(min_length=1, max_length=63),
    matching(
        r"[A-Za-z0-9][A-Za-z0-9._-]*",
        "must be letters, digits, dots, underscores and dashes, a letter or digit first",
    ),
]
DataKey = Annotated[
    str,
    Field(min_length=1, max_length=253),
    matching(r"[-._a-zA-Z0-9]+", "must be letters, digits, dots, underscores and dashes"),
]
EnvName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    matching(
        r"[-._a-zA-Z][-._a-zA-Z0-9]*",
        "must be letters, digits, dots, underscores and dashes, no digit first",
    ),
]
FILE_NAME = r"[A-Za-z0-9_-][-._A-Za-z0-9]{0,252}|\.[-_A-Za-z0-9][-._A-Za-z0-9]{0,251}"
FILE_NAME_MESSAGE = "must be letters, digits, dots, underscores and dashes, at most 253, no two dots first"
FileName = Annotated[str, Field(min_length=1, max_length=253), matching(FILE_NAME, FILE_NAME_MESSAGE)]
ImageName = Annotated[str, Field(min_length=1, max_length=1024), matching(r"[^\x00-\x20\x7f]+", "must not hold blanks")]
LongText = Annotated[str, Field(max_length=32768)]
S3Uri = Annotated[
    str,
    Field(min_length=1, max_length=1024),
    matching(
        r"s3://[a-zA-Z0-9][a-zA-Z0-9._-]{1,61}[a-zA-Z0-9](/(?s:.)*)?",
        "must be s3://bucket or s3://bucket/key, the bucket's name of 3 to 63 letters, digits, dots and dashes",
    ),
]
RoleArn = Annotated[
    str,
    Field(min_length=1, max_length=2048),
    matching(
        # AWS's and those of other stores: arn:minio:iam:::role/r, arn:aws:iam::tenant:role/r, arn:aws:iam::role/r
        r"arn:[a-z][a-z0-9-]*:iam:[A-Za-z0-9:_-]*:role/[A-Za-z0-9_+=,.@/-]+",
        "must be the ARN of a role, such as arn:aws:iam::123456789012:role/reader",
    ),
]
Region = Annotated[
    str,
    Field(min_length=1, max_length=63),
    # it becomes part of AWS's host names
    matching(r"[A-Za-z0-9][A-Za-z0-9_-]*", "must be letters, digits, dashes and underscores, such as eu-west-1"),
]
UserId = Annotated[int, Field(ge=0, le=2147483647), WHOLE]
WorkingDir = Annotated[str, Field(min_length=1, max_length=1024), matching(r"/(?s:.)*", "must be an absolute path")]
