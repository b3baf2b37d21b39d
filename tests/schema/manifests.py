"""The corpus: manifests that are taken, and such as are refused, with the words of the refusal."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CORPUS = Path(__file__).parent / "corpus"
Manifest = dict[str, Any]


@dataclass(frozen=True)
class Refused:
    """A manifest that is to be refused, for one reason."""

    name: str
    manifest: Manifest
    field: str
    message: str


def good() -> dict[str, Manifest]:
    """Manifests that are taken, by name."""
    found = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((CORPUS / "good").glob("*.yaml"))}
    return found | {f"{row['field']}={value!r}": _with(row, value) for row in _values() for value in row["good"]}


def bad() -> list[Refused]:
    """Manifests that are refused."""
    rows = yaml.safe_load((CORPUS / "bad.yaml").read_text())
    return [
        *(Refused(row["name"], merge(minimal(), row["patch"]), row["field"], row["message"]) for row in rows),
        *_bad_values(),
    ]


def _bad_values() -> list[Refused]:
    return [
        Refused(
            name=f"{row['field']}={value!r}",
            manifest=_with(row, value),
            field=row["field"],
            message=f"Invalid value: {json.dumps(value, ensure_ascii=False)}: {row['message']}",
        )
        for row in _values()
        for value in row["bad"]
    ]


def minimal() -> Manifest:
    """The manifest that has what is required."""
    return _good("minimal")


def whole() -> Manifest:
    """The manifest that has every field, but for those that exclude others."""
    return _good("whole")


def _good(name: str) -> Manifest:
    manifest: Manifest = yaml.safe_load((CORPUS / f"good/{name}.yaml").read_text())
    return manifest


def _values() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = yaml.safe_load((CORPUS / "values.yaml").read_text())
    return rows


def _with(row: dict[str, Any], value: Any) -> Manifest:
    manifest = _good(row.get("of", "whole"))
    # what is above a limit would be one more reason
    manifest["spec"].get("resources", {}).pop("requests", None)
    manifest["spec"].get("workspace", {}).pop("request", None)
    manifest["spec"].pop("sharedMemorySize", None)
    put(manifest, row["field"], value)
    return manifest


def put(manifest: Manifest, field: str, value: Any) -> None:
    """Set the field of that path: `spec.inputs[0].path`."""
    *above, last = [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", field)]
    target: Any = manifest
    for step in above:
        target = target[step]
    target[last] = value


def merge(manifest: Manifest, patch: Manifest) -> Manifest:
    """The manifest with a JSON merge patch (RFC 7396), which drops what it sets to null."""
    merged = copy.deepcopy(manifest)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            merged[name] = merge(merged.get(name, {}), value)
        else:
            merged[name] = value
    return merged
