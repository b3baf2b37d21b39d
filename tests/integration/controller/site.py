"""A namespace, with what tests do in it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dev.cluster.client import EVENTS, JOBS, PODS, Cluster, Object
from tests.integration.controller import operator_process
from tests.integration.controller.control_plane import OPERATOR, ControlPlane
from tests.integration.controller.kubelet import Kubelet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.controller.operator_process import OperatorProcess

_WAIT_SECONDS = 30.0


@dataclass
class Site:
    """Everything in it is this test's own."""

    plane: ControlPlane
    cluster: Cluster
    namespace: str
    folder: Path

    @contextmanager
    def operator(self, *, server: str = "", ready: bool = True, **settings: str) -> Iterator[OperatorProcess]:
        """Run an operator for this namespace alone, as the user with the operator's rights."""
        kubeconfig = self.plane.kubeconfig(OPERATOR, server)
        settings = {"namespaces": self.namespace, "lease_namespace": self.namespace, **settings}
        with operator_process.start(kubeconfig, self.folder, **settings) as operator:
            if ready:
                operator.wait_ready()
            yield operator

    def create_job(self, name: str = "job", **spec: Any) -> Object:
        body = {
            "apiVersion": "processing-operator.dev/v1alpha1",
            "kind": "ProcessingJob",
            "metadata": {"name": name},
            "spec": {"image": "example.com/image:1", "command": ["true"], **spec},
        }
        return self.cluster.create(self.jobs, body)

    @property
    def jobs(self) -> str:
        return JOBS.format(namespace=self.namespace)

    @property
    def pods(self) -> str:
        return PODS.format(namespace=self.namespace)

    def job(self, name: str = "job") -> Object:
        return self.cluster.get(f"{self.jobs}/{name}")

    def pods_of(self, name: str = "job") -> list[Object]:
        return self.cluster.items(self.pods, labelSelector=f"processing-operator.dev/job={name}")

    def events_of(self, name: str = "job") -> list[Object]:
        events = self.cluster.items(EVENTS.format(namespace=self.namespace))
        return [event for event in events if event["regarding"]["name"] == name]

    def wait_event(self, reason: str, name: str = "job", seconds: float = _WAIT_SECONDS) -> Object:
        """The job's Event of that reason; written a moment after what it tells of."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for event in self.events_of(name):
                if event["reason"] == reason:
                    return event
            time.sleep(0.1)
        raise AssertionError(f"no Event {reason}: {[event['reason'] for event in self.events_of(name)]}")

    def wait(self, predicate: Callable[[Object], bool], name: str = "job", seconds: float = _WAIT_SECONDS) -> Object:
        return self.cluster.wait(self.jobs, name, predicate, seconds)

    def wait_state(self, state: str, name: str = "job", seconds: float = _WAIT_SECONDS) -> Object:
        return self.wait(lambda job: job.get("status", {}).get("state") == state, name, seconds)

    def wait_released(self, name: str = "job", seconds: float = _WAIT_SECONDS) -> Object:
        """The job's one Pod, once it may run."""
        job = self.wait(lambda job: bool(job.get("status", {}).get("instances")), name, seconds)
        pod = job["status"]["instances"][0]["pod"]
        return self.cluster.wait(self.pods, pod, lambda pod: not pod["spec"].get("schedulingGates"), seconds)

    def kubelet(self, pod: Object) -> Kubelet:
        return Kubelet(self.cluster, self.namespace, pod["metadata"]["name"])

    def complete(self, name: str = "job") -> Object:
        """Play the whole life of the job's Pod."""
        kubelet = self.kubelet(self.wait_released(name))
        kubelet.bind()
        kubelet.fetch_runs()
        kubelet.script_runs()
        kubelet.script_ended()
        kubelet.upload_ended()
        return self.wait_state("Completed", name)
