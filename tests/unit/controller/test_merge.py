from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing_operator.controller.merge import merge_patch

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        ({}, {}, {}),
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {}, {"a": None}),
        ({}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a": {"c": None}}),
        ({"a": [1, 2]}, {"a": [1]}, {"a": [1]}),
        ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_patches(old: Json, new: Json, patch: Json) -> None:
    assert merge_patch(old, new) == patch


# A status holds no nulls and no empty objects: `null` means absent in a merge patch.
_values = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, min_size=1, max_size=3),
    max_leaves=6,
)
_objects = st.dictionaries(st.text(max_size=2), _values, max_size=4)


@settings(deadline=None)
@given(_objects, _objects)
def test_the_patch_makes_the_new_of_the_old(old: Json, new: Json) -> None:
    assert _apply(old, merge_patch(old, new)) == new


def _apply(target: Any, patch: Any) -> Any:
    """RFC 7386, section 2."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _apply(merged.get(name), value)
    return merged
