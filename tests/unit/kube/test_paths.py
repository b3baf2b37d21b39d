from __future__ import annotations

import pytest

from processing_operator.kube import paths


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        (paths.pods(None), "pods"),
        (paths.pods("ns"), "pods"),
        (f"{paths.pods('ns')}/p", "pods"),
        (f"{paths.pods('ns')}/p/log", "pods/log"),
        (f"{paths.jobs('ns')}/j/status", "processingjobs/status"),
        (paths.jobs(None), "processingjobs"),
        (paths.events("ns"), "events"),
        (f"{paths.leases('ns')}/l", "leases"),
        ("/api/v1/namespaces/ns", "namespaces"),
        ("/api/v1/namespaces", "namespaces"),
    ],
)
def test_what_a_path_is_about(path: str, resource: str) -> None:
    assert paths.resource_of(path) == resource
