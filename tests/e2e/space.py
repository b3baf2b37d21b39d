"""What a case works with: a namespace and a prefix of its own, and verbs for jobs, Pods and objects."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dev import tools
from dev.cluster.client import EVENTS, Object, kubeconfig
from dev.job_namespace import JobNamespace

if TYPE_CHECKING:
    from collections.abc import Iterable

BUCKET = "data"
FINAL = ("Completed", "Failed", "Stopped")
# pendingSeconds of a job whose Pod cannot start: the kubelet of a busy machine has said by then what is missing.
KUBELET_SAYS = 20


@dataclass
class Space(JobNamespace):
    """One case's namespace and prefix."""

    namespace: str = field(default_factory=lambda: f"e2e-{uuid.uuid4().hex[:8]}")
    s3: Any = field(kw_only=True)

    def config_map(self, name: str, data: dict[str, str]) -> None:
        path = f"/api/v1/namespaces/{self.namespace}/configmaps"
        self.cluster.create(path, {"metadata": {"name": name}, "data": data})

    # -- jobs

    def wait(self, name: str, *states: str, seconds: float = 90) -> Object:
        """Wait until the job is in one of the states; ends early, with its status, when it ended otherwise."""

        def there(job: Object) -> bool:
            state = job.get("status", {}).get("state")
            if state in FINAL and state not in states:
                raise AssertionError(f"{name} is {state} instead of {' or '.join(states)}: {job['status']}")
            return state in states

        return self.cluster.wait(self.jobs, name, there, seconds, " or ".join(states))

    def wait_for(self, name: str, predicate: Callable[[Object], bool], what: str, seconds: float = 90) -> Object:
        return self.cluster.wait(self.jobs, name, predicate, seconds, what)

    def ended(self, name: str, state: str, reason: str = "", *, seconds: float = 120) -> Object:
        """Wait for the end, and hold it against the state and the reason; the job's status."""
        status: Object = self.wait(name, state, seconds=seconds)["status"]
        assert status.get("reason", "") == reason, status
        condition = {"Completed": "Complete"}.get(state, state)
        assert [c["status"] for c in status["conditions"] if c["type"] == condition] == ["True"], status
        return status

    def job(self, name: str) -> Object:
        return self.cluster.get(f"{self.jobs}/{name}")

    def delete_job(self, name: str, policy: str = "Background") -> None:
        self.cluster.delete(f"{self.jobs}/{name}", propagationPolicy=policy)

    # -- Pods

    def pods_of(self, name: str) -> list[Object]:
        return self.cluster.items(self.pods, labelSelector=f"processing-operator.dev/job={name}")

    def pod_of(self, name: str) -> Object:
        (pod,) = self.pods_of(name)
        return pod

    def container_running(self, name: str, container: str, seconds: float = 60) -> Object:
        """Wait until the container runs; its Pod."""

        def running(pod: Object) -> bool:
            found = container_status(pod, container)
            return bool(found and "running" in found["state"])

        pod = self.wait_for(name, lambda job: bool(job.get("status", {}).get("instances")), "Pod", seconds)
        pod_name = pod["status"]["instances"][0]["pod"]
        return self.cluster.wait(self.pods, pod_name, running, seconds, f"running {container}")

    def exec(self, pod: str, container: str, *command: str) -> str:
        return self.kubectl("exec", pod, "-c", container, "--", *command)

    def kubectl(self, verb: str, *arguments: str) -> str:
        """What it prints."""
        full = [tools.kubectl(), verb, "-n", self.namespace, *arguments]
        env = {"KUBECONFIG": kubeconfig(), "PATH": "/usr/bin:/bin", "HOME": "/tmp"}
        return subprocess.run(full, check=True, capture_output=True, text=True, env=env).stdout

    def events(self, reason: str) -> list[Object]:
        path = EVENTS.format(namespace=self.namespace)
        return [event for event in self.cluster.items(path) if event["reason"] == reason]

    # -- objects

    def uri(self, path: str = "") -> str:
        return f"s3://{BUCKET}/{self.namespace}/{path}".rstrip("/")

    def put(self, path: str, body: bytes | str) -> str:
        """Put an object below the case's prefix; its URI."""
        data = body.encode() if isinstance(body, str) else body
        self.s3.put_object(Bucket=BUCKET, Key=f"{self.namespace}/{path}", Body=data)
        return self.uri(path)

    def read(self, path: str) -> bytes:
        data: bytes = self.s3.get_object(Bucket=BUCKET, Key=f"{self.namespace}/{path}")["Body"].read()
        return data

    def keys(self, prefix: str = "") -> list[str]:
        """The keys below the case's prefix and `prefix`, relative to the former."""
        pages: Iterable[Object] = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix=f"{self.namespace}/{prefix}"
        )
        start = len(self.namespace) + 1
        return [item["Key"][start:] for page in pages for item in page.get("Contents", [])]

    def open_uploads(self) -> list[str]:
        """Keys of multipart uploads that were neither completed nor aborted."""
        answer = self.s3.list_multipart_uploads(Bucket=BUCKET, Prefix=self.namespace)
        return [upload["Key"] for upload in answer.get("Uploads", []) if upload["Key"].startswith(self.namespace)]

    def input(self, name: str, path: str, uri: str) -> Object:
        return {"name": name, "path": f"/opt/ml/processing/{path}", "s3": {"uri": uri}}

    def output(self, name: str, **s3: Any) -> Object:
        return {"name": name, "path": f"/opt/ml/processing/{name}", "s3": {"uri": self.uri(f"out/{name}"), **s3}}


def container_status(pod: Object, name: str) -> Object | None:
    status = pod.get("status", {})
    every = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    return next((c for c in every if c["name"] == name), None)
