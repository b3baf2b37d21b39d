"""What is a path of the data, judged against the standard library."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from processing_operator.api.paths import DataPath, is_at_or_below

PATH = TypeAdapter[str](DataPath)
SEGMENTS = st.lists(
    st.sampled_from(["", ".", "..", "...", "a", ".a", "..a", "a.", "config", "output", "b c"]), max_size=5
)


def _is_good(path: str) -> bool:
    return (
        posixpath.normpath(path) == path
        and path.startswith("/opt/ml/")
        and not any(is_at_or_below(path, reserved) for reserved in ("/opt/ml/config", "/opt/ml/output"))
    )


@given(SEGMENTS)
@example([])
@example(["output"])
def test_a_path_is_normalised_and_below_opt_ml(segments: list[str]) -> None:
    path = "/".join(["/opt/ml", *segments])
    if _is_good(path):
        assert PATH.validate_python(path) == path
    else:
        with pytest.raises(ValidationError):
            PATH.validate_python(path)


@pytest.mark.parametrize("character", ["\0", "\n", "\x1f", "\x7f"])
def test_no_control_characters(character: str) -> None:
    with pytest.raises(ValidationError):
        PATH.validate_python(f"/opt/ml/a{character}b")


@pytest.mark.parametrize(
    ("path", "directory", "expected"),
    [("/a", "/a", True), ("/a/b", "/a", True), ("/ab", "/a", False), ("/a", "/a/b", False)],
)
def test_at_or_below(path: str, directory: str, expected: bool) -> None:
    assert is_at_or_below(path, directory) is expected
