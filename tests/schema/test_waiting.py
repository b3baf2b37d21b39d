"""`helm install --wait` waits for a job's end, as Flux does: by kstatus, from the first moment on."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from dev import tools
from dev.cluster.client import kubeconfig
from tests.schema import manifests

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.schema.serving import Served

pytestmark = pytest.mark.integration
COMPLETE = {"type": "Complete", "status": "True", "reason": "Completed", "message": "done"}


def _helm(*words: str) -> subprocess.CompletedProcess[str]:
    command = [tools.helm(), "--kubeconfig", kubeconfig(), "--namespace", "default", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def release(served: Served, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A chart's folder and a release's name; the chart has a job."""
    name = served.group.partition(".")[0]
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: waited\nversion: 1.0.0\n")
    job = manifests.merge(served.here(manifests.minimal()), {"metadata": {"name": "waited"}})
    (tmp_path / "templates" / "job.yaml").write_text(json.dumps(job))
    yield name, str(tmp_path)
    _helm("uninstall", name)


def test_helm_waits_for_the_end(served: Served, release: tuple[str, str]) -> None:
    begun = _helm("install", *release, "--wait", "--timeout", "2s")
    assert begun.returncode, "it did not wait for a job that nobody has looked at"
    assert "InProgress" in begun.stderr
    served.cluster.patch(
        f"{served.path}/waited/status", {"status": {"observedGeneration": 1, "conditions": [COMPLETE]}}
    )
    ended = _helm("upgrade", *release, "--wait", "--timeout", "20s")
    assert ended.returncode == 0, ended.stderr
