"""What is made by the thousand: bare Pods and jobs; and the fake nodes under them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dev.cluster.client import JOBS, PODS, Object

PREFIX = "bench-scale"
NODES = 10
FAKE = {"kwok.x-k8s.io/node": "fake"}  # what kwok knows its nodes by
Key = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True)
class Kind:
    """One of the two: where it lies, how its end is told, what is created."""

    name: str
    collection: str
    everywhere: str
    ended: str  # a field selector: a watch then tells of each object once
    body: Callable[[str], Object]


def pod(name: str) -> Object:
    """The least Pod that there is: what jobs are measured beside."""
    container = {"name": "script", "image": "busybox", "command": ["true"]}
    return {"metadata": {"name": name}, "spec": {"restartPolicy": "Never", "containers": [container]}}


def job(name: str) -> Object:
    """A job with an input and an output."""
    spec = {
        "image": "busybox",
        "command": ["true"],
        "s3": {"endpoint": "http://s3.example.com", "region": "us-east-1", "secretName": "s3-credentials"},
        "inputs": [{"name": "in", "path": "/opt/ml/processing/in", "s3": {"uri": "s3://data/in/"}}],
        "outputs": [{"name": "out", "path": "/opt/ml/processing/out", "s3": {"uri": f"s3://data/out/{name}/"}}],
    }
    return {
        "apiVersion": "processing-operator.dev/v1alpha1",
        "kind": "ProcessingJob",
        "metadata": {"name": name},
        "spec": spec,
    }


def node(name: str) -> Object:
    """A node with room for whatever comes."""
    room = {"cpu": "10k", "memory": "100Ti", "ephemeral-storage": "100Ti", "pods": "100k"}
    return {
        "metadata": {"name": name, "annotations": FAKE},
        "status": {"allocatable": room, "capacity": room},
    }


POD = Kind("bare Pods", PODS, "/api/v1/pods", "status.phase=Succeeded", pod)
JOB = Kind("jobs", JOBS, JOBS.replace("/namespaces/{namespace}", ""), "status.state=Completed", job)


@dataclass(frozen=True)
class Setting:
    """How many at once, in how many namespaces."""

    count: int
    namespaces: int = 1

    @property
    def title(self) -> str:
        """For readers."""
        spread = f"{self.namespaces} namespaces" if self.namespaces > 1 else "one namespace"
        return f"{self.count:,} in {spread}"

    def keys(self) -> Iterator[Key]:
        """All of them, the namespaces in turn."""
        for index in range(self.count):
            yield namespace(index % self.namespaces), f"{PREFIX}-{index:05d}"


def namespace(index: int) -> str:
    """Its name."""
    return f"{PREFIX}-{index:02d}"
