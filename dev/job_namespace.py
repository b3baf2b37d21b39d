"""A namespace to run jobs in: with a Secret of S3 keys, and verbs for jobs, their Pods and logs."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from dev.cluster.client import JOBS, PODS, Cluster, Object

SECRET = "s3-credentials"  # noqa: S105 - its name
# Any image with a shell will do for the script; this one is in the cluster already.
IMAGE = "processing-agent:0.1.0"


@dataclass
class JobNamespace:
    """One namespace; `endpoint` is the S3 store of its jobs."""

    cluster: Cluster
    endpoint: str
    namespace: str

    def open(self, access: dict[str, str]) -> None:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.cluster.create("/api/v1/namespaces", {"metadata": {"name": self.namespace, "labels": labels}})
        self.secret(SECRET, access)

    def close(self) -> None:
        path = f"/api/v1/namespaces/{self.namespace}"
        if self.cluster.find(path):
            self.cluster.delete(path)

    def secret(self, name: str, values: dict[str, str]) -> None:
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        path = f"/api/v1/namespaces/{self.namespace}/secrets"
        self.cluster.create(path, {"metadata": {"name": name}, "data": data})

    @property
    def jobs(self) -> str:
        return JOBS.format(namespace=self.namespace)

    @property
    def pods(self) -> str:
        return PODS.format(namespace=self.namespace)

    def apply(
        self, name: str, script: str, *, endpoint: str = "", labels: dict[str, str] | None = None, **spec: Any
    ) -> Object:
        """Create a job that runs a shell script; `spec` overrides and adds fields of the spec."""
        body = {
            "image": IMAGE,
            "command": ["sh", "-c", script],
            "s3": {
                "endpoint": endpoint or self.endpoint,
                "region": "us-east-1",
                "addressing": "Path",
                "secretName": SECRET,
            },
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
            "workspace": {"size": "1Gi"},
            **spec,
            "timeouts": {"stopGraceSeconds": 10, **spec.get("timeouts", {})},
        }
        return self.cluster.create(
            self.jobs,
            {
                "apiVersion": "processing-operator.dev/v1alpha1",
                "kind": "ProcessingJob",
                "metadata": {"name": name, "labels": labels or {}},
                "spec": body,
            },
        )

    def log(self, pod: str, container: str) -> str:
        return self.cluster.text(f"{self.pods}/{pod}/log", container=container)
