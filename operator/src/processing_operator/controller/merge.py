"""JSON merge patches (RFC 7386)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What makes `new` of `old`; empty if they are equal. What `new` lacks becomes null: that removes it."""
    patch: dict[str, Any] = {name: None for name in old if name not in new}
    for name, value in new.items():
        if name not in old:
            patch[name] = value
        elif isinstance(value, dict) and isinstance(old[name], dict):
            if inner := merge_patch(old[name], value):
                patch[name] = inner
        elif value != old[name]:
            patch[name] = value
    return patch
