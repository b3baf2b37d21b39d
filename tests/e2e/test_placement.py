"""Where the Pod runs, what it is known by, and what its script finds there."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.e2e.space import KUBELET_SAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.cluster.client import Object
    from tests.e2e.space import Space


@contextmanager
def cluster_wide(space: Space, path: str, body: Object) -> Iterator[str]:
    """An object of the case's own, until its end; its name."""
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    space.cluster.create(path, {"metadata": {"name": name}, **body})
    try:
        yield name
    finally:
        space.cluster.delete(f"{path}/{name}")


def test_pod_is_placed_and_labelled_as_the_job_says(space: Space) -> None:
    priority = cluster_wide(space, "/apis/scheduling.k8s.io/v1/priorityclasses", {"value": 7})
    runtime = cluster_wide(space, "/apis/node.k8s.io/v1/runtimeclasses", {"handler": "runc"})
    with priority as high, runtime as plain:
        job = space.apply(
            "placed",
            "true",
            nodeSelector={"kubernetes.io/os": "linux"},
            tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
            affinity={
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": {
                        "nodeSelectorTerms": [
                            {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "Exists"}]}
                        ]
                    }
                }
            },
            priorityClassName=high,
            runtimeClassName=plain,
            schedulerName="default-scheduler",
            podLabels={"team": "blue"},
            podAnnotations={"example.com/owner": "blue"},
        )
        assert job["spec"]["affinity"]["nodeAffinity"], "what Kubernetes checks is kept as it is"
        space.ended("placed", "Completed")
        pod = space.pod_of("placed")
    assert (pod["spec"]["priority"], pod["spec"]["runtimeClassName"]) == (7, plain)
    assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in pod["spec"]["tolerations"]
    assert pod["metadata"]["labels"]["team"] == "blue"
    assert pod["metadata"]["annotations"]["example.com/owner"] == "blue"


def test_labels_of_the_job_are_the_pods(space: Space) -> None:
    """Costs, network policies and queues go by the Pod's labels."""
    space.apply(
        "labelled", "true", labels={"team": "red", "app.kubernetes.io/part-of": "census"}, podLabels={"team": "blue"}
    )
    space.ended("labelled", "Completed")
    labels = space.pod_of("labelled")["metadata"]["labels"]
    assert (labels["team"], labels["app.kubernetes.io/part-of"]) == ("blue", "census")
    assert labels["app.kubernetes.io/managed-by"] == "processing-operator"


def test_no_node_has_the_labels(space: Space) -> None:
    space.apply("nowhere", "true", nodeSelector={"pool": "gpu"}, timeouts={"pendingSeconds": KUBELET_SAYS})
    status = space.ended("nowhere", "Failed", "PendingTimeout")
    assert "didn't match Pod's node affinity/selector" in status["message"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            {
                "affinity": {
                    "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}
                }
            },
            "nodeSelectorTerms: Required value",
        ),
        ({"priorityClassName": "no-such"}, "no PriorityClass with name no-such was found"),
        ({"runtimeClassName": "no-such"}, 'RuntimeClass "no-such" not found'),
    ],
    ids=["affinity", "priority", "runtime"],
)
def test_what_kubernetes_refuses_is_told_in_its_words(space: Space, spec: Object, words: str) -> None:
    space.apply("refused", "true", timeouts={"pendingSeconds": 5}, **spec)
    status = space.ended("refused", "Failed", "InvalidPod")
    assert words in status["message"]


SHARES = """
import os
from multiprocessing import shared_memory
block = shared_memory.SharedMemory(create=True, size=200 << 20)
block.buf[:] = b"x" * (200 << 20)
print(os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize)
block.close(); block.unlink()
"""


def test_shared_memory_has_the_size_that_the_job_says(space: Space) -> None:
    space.apply(
        "shared",
        "",
        image="processing-sklearn:1.9",
        command=["python3", "-c", SHARES],
        sharedMemorySize="256Mi",
        resources={"requests": {"cpu": "10m"}, "limits": {"memory": "512Mi"}},
    )
    space.ended("shared", "Completed")
    assert space.log(space.pod_of("shared")["metadata"]["name"], "script").strip() == str(256 << 20)


def test_default_container_of_kubectl_is_the_script(space: Space) -> None:
    space.apply("logs", "echo said by the script")
    space.ended("logs", "Completed")
    assert space.kubectl("logs", "-l", "processing-operator.dev/job=logs") == "said by the script\n"
