"""What the containers reserve and may use, and how much of the node's disk the Pod may fill."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

from typing import Any

import pytest

from processing_operator.domain.defaults import FETCH_RESOURCES, UPLOAD_RESOURCES, OperatorDefaults
from processing_operator.domain.pods.resources import script_resources, staging_resources, storage_bound
from processing_operator.domain.pods.volumes import directories, mounted
from tests.unit.domain.builders import Obj, job

GI = 1 << 30
ES = "ephemeral-storage"
LIMITED = OperatorDefaults(upload_resources={**UPLOAD_RESOURCES, "limits": {**UPLOAD_RESOURCES["limits"], ES: "512Mi"}})
SCRIPTS: list[tuple[str, Obj, OperatorDefaults, Obj]] = [
    ("nothing", {}, OperatorDefaults(), {"requests": {ES: "1Gi"}}),
    ("a small workspace", {"workspace": {"size": "100Mi"}}, OperatorDefaults(), {"requests": {ES: "100Mi"}}),
    ("the job's request", {"workspace": {"request": "3Gi"}}, OperatorDefaults(), {"requests": {ES: "3Gi"}}),
    ("the operator's request", {}, OperatorDefaults(workspace_request="5Gi"), {"requests": {ES: "5Gi"}}),
    ("its own request", {"resources": {"requests": {ES: "7Gi"}}}, OperatorDefaults(), {"requests": {ES: "7Gi"}}),
    ("a limit below", {"resources": {"limits": {ES: "100Mi"}}}, OperatorDefaults(), {"requests": {ES: "100Mi"}, "limits": {ES: "100Mi"}}),
    ("a limit of the others", {"workspace": {"size": "10Gi"}}, LIMITED, {"requests": {ES: "1Gi"}, "limits": {ES: str(12 * GI + GI // 4)}}),
    ("the operator's default", {}, OperatorDefaults(script_resources={"limits": {"memory": "2Gi"}}), {"requests": {ES: "1Gi"}, "limits": {"memory": "2Gi"}}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "defaults", "expected"), [row[1:] for row in SCRIPTS], ids=[row[0] for row in SCRIPTS]
)
def test_script(spec: Obj, defaults: OperatorDefaults, expected: Obj) -> None:
    assert script_resources(job(**spec), defaults) == expected


def test_staging_has_what_the_operator_says() -> None:
    assert staging_resources("fetch", job(), OperatorDefaults()) == FETCH_RESOURCES
    assert staging_resources("upload", job(), OperatorDefaults()) == UPLOAD_RESOURCES
    nothing = OperatorDefaults(fetch_resources={}, upload_resources={"limits": {}})
    assert staging_resources("upload", job(), nothing) == {}


# the CPU of a Guaranteed script, and of fetch and upload beside it
GUARANTEED = [("100m", "500m", "500m"), ("1", "1", "500m"), ("8", "2", "500m")]


@pytest.mark.parametrize(("cpu", "fetch", "upload"), GUARANTEED)
def test_staging_does_not_spoil_a_guaranteed_script(cpu: str, fetch: str, upload: str) -> None:
    """Nor does a small script ask for a large node."""
    guaranteed = job(resources={"limits": {"cpu": cpu, "memory": "4Gi"}})
    for container, expected in (("fetch", fetch), ("upload", upload)):
        found = staging_resources(container, guaranteed, OperatorDefaults())
        assert found["requests"] == {"cpu": expected, "memory": "128Mi", ES: "64Mi"}
        assert found["limits"] == {"cpu": expected, "memory": "128Mi"}


def test_what_the_chart_allows_is_kept_to_beside_a_guaranteed_script() -> None:
    guaranteed = job(resources={"limits": {"cpu": "8", "memory": "4Gi"}})
    small = OperatorDefaults(fetch_resources={"limits": {"cpu": "200m", "memory": "64Mi"}}, upload_resources={})
    assert staging_resources("fetch", guaranteed, small)["requests"] == {"cpu": "200m", "memory": "64Mi"}
    assert staging_resources("upload", guaranteed, small) == {}


def test_staging_has_a_limit_where_the_script_has_one() -> None:
    """A quota for limits.ephemeral-storage asks for one of every container."""
    limited = job(resources={"limits": {ES: "10Gi"}})
    assert staging_resources("upload", limited, OperatorDefaults())["limits"][ES] == "256Mi"
    assert staging_resources("upload", limited, LIMITED)["limits"][ES] == "512Mi"


def container(limit: str = "", **more: Any) -> Obj:
    return {"resources": {"limits": {ES: limit} if limit else {}}, **more}


BOUNDS: list[tuple[str, Obj, int | None]] = [
    ("none", {"containers": [container(), container()]}, None),
    ("no resources at all", {"containers": [{}]}, None),
    ("null", {"initContainers": None, "containers": [{"resources": {"limits": None}}]}, None),
    ("the sum", {"containers": [container("1Gi"), container("2Gi"), container()]}, 3 * GI),
    ("a larger init container", {"initContainers": [container("5Gi")], "containers": [container("1Gi")]}, 5 * GI),
    ("a smaller one", {"initContainers": [container("1Gi")], "containers": [container("2Gi")]}, 2 * GI),
    ("a sidecar beside", {"initContainers": [container("1Gi", restartPolicy="Always"), container("3Gi")], "containers": [container("1Gi")]}, 4 * GI),
    ("a number", {"containers": [container("1e9")]}, 10**9),
    ("not to be read", {"containers": [container("1G1")]}, None),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "expected"), [row[1:] for row in BOUNDS], ids=[row[0] for row in BOUNDS])
def test_storage_bound(spec: Obj, expected: int | None) -> None:
    """Source: Kubernetes, `PodLimits` of component-helpers."""
    assert storage_bound(spec) == expected


MOUNTED: list[tuple[list[str], list[str]]] = [
    ([], []),
    (["processing/input", "processing/input/code"], []),
    (["input/data/train"], ["input/data/train"]),
    (["input/data/train", "input/data/test"], ["input/data"]),
    (["input/data", "input/data/test"], ["input/data"]),
    (["input/data/train", "input/config"], ["input"]),
    (["model", "code"], ["code", "model"]),
    (["processings"], ["processings"]),
    (["a.b/c", "a/b"], ["a.b/c", "a/b"]),
]


@pytest.mark.parametrize(("paths", "more"), MOUNTED)
def test_what_of_the_workspace_the_script_sees(paths: list[str], more: list[str]) -> None:
    inputs = [
        {"name": f"i{at}", "path": f"/opt/ml/{path}", "s3": {"uri": "s3://data/x"}} for at, path in enumerate(paths)
    ]
    assert mounted(job(inputs=inputs)) == tuple(sorted(["config", "output", "processing", *more]))


WORKING = [
    # spec.workingDir; what fetch makes of it
    (None, ()),
    ("/tmp", ()),
    ("/opt/ml/processing/work/deep", ("processing/work/deep",)),
    ("/opt/ml/processing/../processing/work/", ("processing/work",)),
    ("/opt/ml/processing", ()),
    ("/opt/ml/code", ()),  # the image's
    ("/opt/ml/../../etc", ()),
]


@pytest.mark.parametrize(("directory", "made"), WORKING)
def test_a_working_directory_in_the_workspace_is_the_users(directory: str | None, made: tuple[str, ...]) -> None:
    assert directories(job(workingDir=directory)) == ("config", "output", "processing", *made)
