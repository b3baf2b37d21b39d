"""Where inputs and outputs lie in the containers and outputs in the store, and how they may lie to each other."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from processing_operator.api.rules import Rule, matching

WORK = "/opt/ml"
RESERVED = (f"{WORK}/config", f"{WORK}/output")

# neither . nor .. nor control characters
_OTHER = r"[^/\x00-\x1f\x7f]"
_SEGMENT = rf"(?:[^/.\x00-\x1f\x7f]{_OTHER}*|\.[^/.\x00-\x1f\x7f]{_OTHER}*|\.\.{_OTHER}+)"


def is_at_or_below(path: str, directory: str) -> bool:
    """Whether the path is the directory or lies in it."""
    return path == directory or path.startswith(directory + "/")


def _reserved(path: str) -> str | None:
    return path if any(is_at_or_below(path, reserved) for reserved in RESERVED) else None


DataPath = Annotated[
    str,
    Field(min_length=1, max_length=512),
    matching(
        rf"{WORK}(?:/{_SEGMENT})+",
        f"must be an absolute path below {WORK}/ without //, . and .. and without a slash at its end",
    ),
    Rule(
        message=f"must not be {RESERVED[0]} or {RESERVED[1]} or below them: these are reserved",
        cel=" && ".join(f"self != '{path}' && !self.startsWith('{path}/')" for path in RESERVED),
        offender=_reserved,
    ),
]
"""Where data lies in the containers."""


def _paths(items: Sequence[Any]) -> list[tuple[str, str]]:
    return [(item.name, item.path) for item in items]


def _same_input_path(spec: Any) -> str | None:
    paths = [path for _, path in _paths(spec.inputs)]
    return next((path for path in paths if paths.count(path) > 1), None)


def _nested_output(spec: Any) -> str | None:
    outputs = _paths(spec.outputs)
    for name, path in outputs:
        if any(name != other and is_at_or_below(path, above) for other, above in outputs):
            return path
    return None


def _output_above_input(spec: Any) -> str | None:
    inputs = _paths(spec.inputs)
    for _, path in _paths(spec.outputs):
        if any(is_at_or_below(below, path) for _, below in inputs):
            return path
    return None


def _place(output: Any) -> str:
    """Where an output goes, in one spelling: its archive's object or its prefix, without the empty segments."""
    address = output.s3.uri + (f"/{output.archive.name}" if output.archive is not None else "")
    return "/".join(filter(None, address.split("/"))) + "/"


def _target(output: Any) -> str:
    archive = "" if output.archive is None else f", archive {output.archive.name}"
    return f"{output.name} ({output.s3.uri}{archive})"


def _one_place(spec: Any) -> str | None:
    places = [(output, _place(output)) for output in spec.outputs]
    for output, place in places:
        for other, above in places:
            if other is not output and place.startswith(above):
                return f"{_target(output)} and {_target(other)}"
    return None


# the first half is not needed, but cheap, and tells most pairs apart
_BELOW = "a.path.startsWith(b.path) && (a.path + '/').startsWith(b.path + '/')"
_NESTED = f"self.outputs.exists(b, a.name != b.name && {_BELOW})"
_ABOVE = f"self.inputs.exists(a, {_BELOW})"
_REPEATED = "self.inputs.exists(b, a.name != b.name && a.path == b.path)"

_ARCHIVE = "(has(o.archive) ? '{}' + string(o.archive.name) : '')"
# each pass halves a run of slashes, of which a URI can have a thousand: cheaper than to take it apart
_ONE_SLASH = ".replace('//', '/')" * 10
# the list in a list gives it a name: it is made once; string(): CEL wants the values of a map to be of one type
_PLACES = (
    "[self.outputs.map(o, {'name': string(o.name), "
    f"'text': string(o.name) + ' (' + string(o.s3.uri) + {_ARCHIVE.format(', archive ')} + ')', "
    f"'place': (string(o.s3.uri) + {_ARCHIVE.format('/')} + '/'){_ONE_SLASH}}})]"
)
_ALONE = "places.exists_one(b, a.place.startsWith(b.place))"
_OTHER = "places.filter(b, a.name != b.name && a.place.startsWith(b.place))[0].text"
_BOTH = f"places.filter(a, !{_ALONE}).map(a, a.text + ' and ' + {_OTHER})[0]"

LAYOUT_RULES = (
    Rule(
        message="two inputs must not have one path",
        cel=f"!has(self.inputs) || !self.inputs.exists(a, {_REPEATED})",
        offender=_same_input_path,
        cel_offender=f"self.inputs.filter(a, {_REPEATED})[0].path",
        field=".inputs",
    ),
    Rule(
        message="an output's path must not be another output's path or below it",
        cel=f"!has(self.outputs) || !self.outputs.exists(a, {_NESTED})",
        offender=_nested_output,
        cel_offender=f"self.outputs.filter(a, {_NESTED})[0].path",
        field=".outputs",
    ),
    Rule(
        message="an output's path must not be an input's path or above it",
        cel=f"!has(self.inputs) || !has(self.outputs) || !self.outputs.exists(b, {_ABOVE})",
        offender=_output_above_input,
        cel_offender=f"self.outputs.filter(b, {_ABOVE})[0].path",
        field=".outputs",
    ),
    Rule(
        message="two outputs must not go to one place in S3, nor one below the other, where they would overwrite each "
        "other: give one of them another s3.uri or archive.name",
        cel=f"!has(self.outputs) || {_PLACES}.all(places, places.all(a, {_ALONE}))",
        offender=_one_place,
        cel_offender=f"{_PLACES}.map(places, {_BOTH})[0]",
        field=".outputs",
    ),
)
