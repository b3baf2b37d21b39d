"""Raw objects as the API server sends them."""

from __future__ import annotations

from typing import Any

Obj = dict[str, Any]


def make_job(name: str = "j", *, version: str = "1", ended: str = "", awaits: tuple[str, ...] = (), **spec: Any) -> Obj:
    """A ProcessingJob; `ended`: the condition that says so."""
    inputs = [
        {"name": f"in{n}", "path": f"/opt/ml/processing/in{n}", "from": {"job": job, "output": "out"}}
        for n, job in enumerate(awaits)
    ]
    return {
        "apiVersion": "processing-operator.dev/v1alpha1",
        "kind": "ProcessingJob",
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": f"uid-{name}",
            "resourceVersion": version,
            "generation": 1,
            "creationTimestamp": "2030-01-01T00:00:00Z",
        },
        "spec": {"image": "example.com/image:1", "command": ["true"], "inputs": inputs, **spec},
        "status": {"conditions": [{"type": ended, "status": "True"}]} if ended else {},
    }


def make_pod(job: str = "j", *, name: str = "p", version: str = "1", uid: str = "", **status: Any) -> Obj:
    """A Pod that the job of that name controls."""
    owner = {
        "apiVersion": "processing-operator.dev/v1alpha1",
        "kind": "ProcessingJob",
        "name": job,
        "uid": f"uid-{job}",
        "controller": True,
    }
    return {
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": uid or f"uid-{name}",
            "resourceVersion": version,
            "labels": {"processing-operator.dev/job": job, "processing-operator.dev/uid": f"uid-{job}"},
            "ownerReferences": [owner],
        },
        "spec": {},
        "status": status,
    }
