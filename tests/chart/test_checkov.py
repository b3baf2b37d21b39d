"""checkov's judgement on the chart and on jobs' Pods: nothing fails, and what is skipped has its reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev import tools
from tests.chart.rendering import ROOT, Object, render
from tests.chart.test_rendered import FULL
from tests.unit.domain.test_golden_pods import CASES, make

CONFIGURATION = ROOT / "docs" / "checkov-job-pod.yaml"


def judged(objects: list[Object], folder: Path) -> dict[str, list[Any]]:
    """What failed, and what was skipped with which reason."""
    manifest = folder / "objects.yaml"
    manifest.write_text(yaml.safe_dump_all(objects))
    ran = tools.checkov("--framework", "kubernetes", "--output", "json", "--file", str(manifest))
    assert ran.stdout.startswith("{"), ran.stdout + ran.stderr
    found = json.loads(ran.stdout)
    assert found["summary"]["passed"] > 0
    assert found["summary"]["parsing_errors"] == 0
    results = found["results"]
    return {
        "failed": [(check["check_id"], check["check_name"], check["resource"]) for check in results["failed_checks"]],
        "skipped": [(one["check_id"], one["check_result"]["suppress_comment"]) for one in results["skipped_checks"]],
    }


@pytest.mark.parametrize(
    ("values", "skipped"),
    [({}, {"CKV_K8S_15", "CKV_K8S_38", "CKV_K8S_43"}), (FULL, {"CKV_K8S_38"})],
    ids=["default", "full"],
)
def test_the_chart(values: Object, skipped: set[str], tmp_path: Path) -> None:
    """A digest and a pull policy are the values of whoever installs it: then the operator's token alone is left."""
    found = judged(render(values), tmp_path)
    assert found["failed"] == []
    assert {check for check, _ in found["skipped"]} == skipped
    assert all(reason for _, reason in found["skipped"])


def test_the_pods_of_jobs(tmp_path: Path) -> None:
    """What fails is what the configuration for users skips, each with its reason, and nothing is skipped in vain."""
    failed = judged([_named(name) for name in CASES], tmp_path)["failed"]
    assert {check for check, _, _ in failed} == set(yaml.safe_load(CONFIGURATION.read_text())["skip-check"])


def _named(name: str) -> Object:
    """In a namespace of its own: a job's is the user's choice."""
    pod = make(name)
    return {**pod, "metadata": {**pod["metadata"], "name": name.replace("_", "-"), "namespace": "team"}}
