"""What an administrator sets in the chart for all jobs, and how jobs have it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dev.install import install_operator
from tests.support.http_proxy import HttpProxy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.space import Space

pytestmark = pytest.mark.disruptive

OUT = "/opt/ml/processing/out"
STAGING = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}}


def test_values_of_the_chart_reach_jobs(space: Space, s3_server: tuple[str, int], tmp_path: Path) -> None:
    """A store behind a proxy alone, a namespace with minima, defaults of labels and nodes."""
    from dev.cluster.places import NODE_ADDRESS  # noqa: PLC0415  (only the embedded cluster has it)

    data = space.put("in/a", "1")
    minima = {"type": "Container", "min": {"cpu": "50m", "memory": "200Mi"}}
    path = f"/api/v1/namespaces/{space.namespace}/limitranges"
    space.cluster.create(path, {"metadata": {"name": "team"}, "spec": {"limits": [minima]}})
    with HttpProxy(s3_server, host=NODE_ADDRESS) as proxy:
        values = {
            "agent": {
                "proxy": {"http": proxy.url},
                "imagePullSecrets": [{"name": "mirror"}],
                "fetch": {"resources": STAGING},
                "upload": {"resources": STAGING},
            },
            "jobs": {
                "nodeSelector": {"kubernetes.io/os": "linux"},
                "podLabels": {"team": "unknown", "site": "north"},
            },
        }
        (tmp_path / "values.json").write_text(json.dumps(values))
        try:
            install_operator("--values", str(tmp_path / "values.json"))
            space.apply(
                "job",
                f"env | grep -i proxy; cat /opt/ml/processing/in/a > {OUT}/a",
                endpoint="http://store.example:8333",  # no resolver knows it
                labels={"team": "blue"},
                resources={"requests": {"cpu": "50m", "memory": "200Mi"}},
                inputs=[space.input("in", "in", data)],
                outputs=[space.output("out")],
            )
            space.ended("job", "Completed")
        finally:
            install_operator()
    assert space.read("out/out/a") == b"1"
    assert {target.split("/")[2] for _, target in proxy.seen} == {"store.example:8333"}
    pod = space.pod_of("job")
    assert space.log(pod["metadata"]["name"], "script") == "", "a script has what its job says alone"
    assert pod["spec"]["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert pod["spec"]["imagePullSecrets"] == [{"name": "mirror"}]
    labels = pod["metadata"]["labels"]
    assert (labels["team"], labels["site"]) == ("blue", "north")
