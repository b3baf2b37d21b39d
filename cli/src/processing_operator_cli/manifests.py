"""Manifests as files: documents read, jobs checked by the API's models before anything is sent."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from processing_operator.api import names
from processing_operator.api.validation import problems

Object = dict[str, Any]


class ManifestError(Exception):
    """What is wrong, one line a problem: where, field, rule, value."""


@dataclass(frozen=True)
class Document:
    """One object of a file.

    Attributes:
        where: for messages: the file, and which document in it.
    """

    where: str
    body: Object

    @property
    def is_job(self) -> bool:
        return bool(self.body["kind"] == names.KIND and self.body["apiVersion"].startswith(f"{names.GROUP}/"))

    @property
    def title(self) -> str:
        """`ProcessingJob census`."""
        metadata = self.body["metadata"]
        return f"{self.body['kind']} {metadata.get('name') or metadata.get('generateName', '')}"


def read(paths: list[str]) -> list[Document]:
    """Every document of the files, valid as far as that can be said without the API server.

    Raises:
        ManifestError: a file cannot be read, or a document is no valid object.
    """
    documents = [document for path in paths for document in parse(_text(path), _name(path))]
    wrong = [f"{one.where}: {problem}" for one in documents if one.is_job for problem in problems(one.body)]
    if wrong:
        raise ManifestError("\n".join(wrong))
    if not any(document.is_job for document in documents):
        raise ManifestError(f"{', '.join(_name(path) for path in paths)}: no {names.KIND} in it")
    return documents


def _text(path: str) -> str:
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: {getattr(error, 'strerror', None) or error}") from error


def _name(path: str) -> str:
    return "standard input" if path == "-" else path


def parse(text: str, name: str) -> list[Document]:
    """The documents of one file; empty ones left out, a List's items one by one.

    Raises:
        ManifestError: it is no YAML, or a document is no object of Kubernetes.
    """
    try:
        found = [body for body in yaml.load_all(text, _Loader) if body is not None]
    except yaml.YAMLError as error:
        raise ManifestError(f"{name}: {_first_line(error)}") from error
    bodies = [item for body in found for item in _items(body)]
    wheres = [name if len(bodies) == 1 else f"{name}, document {number}" for number in range(1, len(bodies) + 1)]
    return [_document(where, body) for where, body in zip(wheres, bodies, strict=True)]


def _items(body: Any) -> list[Any]:
    if isinstance(body, dict) and body.get("kind") == "List" and isinstance(body.get("items"), list):
        return list(body["items"])
    return [body]


def _document(where: str, body: Any) -> Document:
    if not isinstance(body, dict):
        raise ManifestError(f"{where}: should be an object, is {type(body).__name__}")
    for field in ("apiVersion", "kind"):
        if not isinstance(body.get(field), str) or not body[field]:
            raise ManifestError(f"{where}: {field}: Required value")
    metadata = body.get("metadata")
    if not isinstance(metadata, dict) or not (metadata.get("name") or metadata.get("generateName")):
        raise ManifestError(f"{where}: metadata.name: Required value")
    return Document(where, body)


def _first_line(error: yaml.YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark else problem


class _Loader(yaml.SafeLoader):
    """YAML as kubectl reads it: a date is a text, a key that comes twice is an error."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} is there twice", key.start_mark)
            seen.add(key.value if isinstance(key.value, str) else id(key))
        return super().construct_mapping(node, deep)
