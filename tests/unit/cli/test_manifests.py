from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from processing_operator_cli.manifests import ManifestError, parse, read

if TYPE_CHECKING:
    from pathlib import Path

JOB = """
apiVersion: processing-operator.dev/v1alpha1
kind: ProcessingJob
metadata: {name: one}
spec: {image: i, command: [c]}
"""
CONFIG = "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {day: 2026-01-02, flag: 'yes'}}\n"


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        (JOB, ["ProcessingJob one"]),
        (f"{CONFIG}---{JOB}---\n---\n", ["ConfigMap settings", "ProcessingJob one"]),
        (f"apiVersion: v1\nkind: List\nitems: [{CONFIG}]", ["ConfigMap settings"]),
        ('{"apiVersion": "v1", "kind": "A", "metadata": {"generateName": "a-"}}', ["A a-"]),
    ],
)
def test_documents(text: str, titles: list[str]) -> None:
    assert [document.title for document in parse(text, "f.yaml")] == titles


def test_values_are_kubectls() -> None:
    """A date is a text, as for kubectl; PyYAML's own loader makes it a date, which is no JSON."""
    (document,) = parse(CONFIG, "f.yaml")
    assert document.body["data"] == {"day": "2026-01-02", "flag": "yes"}


def test_anchors_and_merges() -> None:
    text = "{apiVersion: v1, kind: A, metadata: {name: a}, x: &x {a: 1}, y: {<<: *x, b: 2}}"
    assert parse(text, "f.yaml")[0].body["y"] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "f.yaml: line 1, column 5: expected the node content"),
        ("kind: A\nkind: B\n", "f.yaml: line 2, column 1: key 'kind' is there twice"),
        ("[1]", "f.yaml: should be an object, is list"),
        ("kind: A", "f.yaml: apiVersion: Required value"),
        ("{apiVersion: v1, kind: 3}", "f.yaml: kind: Required value"),
        ("{apiVersion: v1, kind: A}", "f.yaml: metadata.name: Required value"),
        ("{apiVersion: v1, kind: A, metadata: {}}", "f.yaml: metadata.name: Required value"),
        (f"{CONFIG}---\n3\n", "f.yaml, document 2: should be an object, is int"),
    ],
)
def test_no_objects(text: str, message: str) -> None:
    with pytest.raises(ManifestError) as refused:
        parse(text, "f.yaml")
    assert message in str(refused.value)


def test_every_problem_is_named(tmp_path: Path) -> None:
    path = tmp_path / "jobs.yaml"
    bad = JOB.replace("command: [c]", "timeouts: {runSeconds: 0}")
    path.write_text(f"{JOB}---{bad}")
    with pytest.raises(ManifestError) as refused:
        read([str(path)])
    rule = "spec.timeouts.runSeconds in body should be greater than or equal to 1"
    assert str(refused.value).splitlines() == [
        f"{path}, document 2: spec.command: Required value",
        f"{path}, document 2: spec.timeouts.runSeconds: Invalid value: 0: {rule}",
    ]


def test_no_job(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(CONFIG)
    with pytest.raises(ManifestError, match="no ProcessingJob in it"):
        read([str(path)])


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(JOB))
    assert [document.where for document in read(["-"])] == ["standard input"]


def test_unreadable(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="nope: No such file or directory"):
        read([str(tmp_path / "nope")])
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ManifestError, match="can't decode byte"):
        read([str(tmp_path / "binary")])
