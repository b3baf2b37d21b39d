"""`make bench`: how much later a job starts and its end is known, beside a bare Pod of the same image in the same run.

Job and bare Pod take turns. All clocks are this machine's: the cluster's node is this machine.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dev import run as runner
from dev.cluster import choice, faults
from dev.cluster.client import PODS, Cluster, Object
from dev.cluster.errors import ClusterError
from dev.install import CREDENTIALS, NAMESPACE, s3_address
from dev.job_namespace import IMAGE, JobNamespace

SCRIPT = "date +%s.%N; date +%s.%N"
OUTPUT = Path(__file__).resolve().parents[2] / "build" / "bench" / "latency.md"
METRIC = re.compile(
    r'^processing_operator_api_requests_total\{code="2..",resource="(?!leases)(\S+)",verb="(P\w+|DELETE)"\} (\S+)$',
    re.MULTILINE,
)


class Watcher:
    """Watches one object on a thread of its own and notes when a predicate first held."""

    def __init__(self, cluster: Cluster, path: str, name: str, predicates: dict[str, Callable[[Object], bool]]) -> None:
        self.seen: dict[str, float] = {}
        self._done = threading.Event()
        arguments = (Cluster(cluster.url, cluster.session), path, name, predicates)
        threading.Thread(target=self._run, args=arguments, daemon=True).start()

    def _run(self, cluster: Cluster, path: str, name: str, predicates: dict[str, Callable[[Object], bool]]) -> None:
        for found in cluster.watch(path, name, 120):
            for key, predicate in predicates.items():
                if found is not None and key not in self.seen and predicate(found):
                    self.seen[key] = time.time()
            if len(self.seen) == len(predicates):
                break
        self._done.set()

    def wait(self) -> dict[str, float]:
        self._done.wait(120)
        return self.seen


def script_times(space: JobNamespace, pod: str, container: str) -> tuple[float, float]:
    first, last = space.log(pod, container).split()
    return float(first), float(last)


def one_job(space: JobNamespace, index: int) -> dict[str, float]:
    name = f"job-{index}"
    done = Watcher(space.cluster, space.jobs, name, {"done": lambda j: j.get("status", {}).get("state") == "Completed"})
    begin = time.time()
    job = space.apply(name, SCRIPT)
    pod = f"{name}-{job['metadata']['uid'][:8]}-1-0"
    created = Watcher(space.cluster, space.pods, pod, {"created": lambda _: True}).wait()["created"]
    ended = done.wait()["done"]
    first, last = script_times(space, pod, "script")
    return {"created": created - begin, "start": first - begin, "end": ended - last}


def one_pod(space: JobNamespace, index: int) -> dict[str, float]:
    name = f"bare-{index}"
    done = Watcher(space.cluster, space.pods, name, {"done": lambda p: p["status"]["phase"] == "Succeeded"})
    container = {
        "name": "script",
        "image": IMAGE,
        "command": ["sh", "-c", SCRIPT],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    begin = time.time()
    space.cluster.create(space.pods, {"metadata": {"name": name}, "spec": spec})
    ended = done.wait()["done"]
    first, last = script_times(space, name, "script")
    return {"start": first - begin, "end": ended - last}


def operator_pod(cluster: Cluster) -> str:
    """Its one Pod; one that is on its way out after an upgrade is another matter."""
    labels = "app.kubernetes.io/name=processing-operator"
    pods = cluster.items(PODS.format(namespace=NAMESPACE), labelSelector=labels)
    (name,) = (pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"])
    return str(name)


def operator_writes(cluster: Cluster) -> dict[str, float]:
    """The operator's own count of its writes, by verb and resource."""
    path = f"{PODS.format(namespace=NAMESPACE)}/{operator_pod(cluster)}:8080/proxy/metrics"
    found = METRIC.findall(cluster.text(path))
    writes: defaultdict[str, float] = defaultdict(float)
    for resource, verb, number in found:
        writes[f"{verb} {resource}"] += float(number)
    return writes


def operator_memory(cluster: Cluster) -> dict[str, int]:
    """Resident memory of the operator's process now and at its peak, in MiB."""
    pid = faults.container_pid(NAMESPACE, operator_pod(cluster), "operator")
    text = Path(f"/proc/{pid}/status").read_text()
    return {key: int(value) // 1024 for key, value in re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", text, re.MULTILINE)}


def row(what: str, values: list[float], aim: str = "") -> str:
    return f"| {what} | {statistics.median(values):.2f} | {min(values):.2f} | {max(values):.2f} | {aim} |"


def report(jobs: list[dict[str, float]], pods: list[dict[str, float]], extra: dict[str, Any]) -> str:
    pairs = list(zip(jobs, pods, strict=True))
    rows = [
        f"{len(jobs)} jobs and {len(pods)} bare Pods of the same image, taking turns; seconds",
        "",
        "| | p50 | min | max | aim |",
        "| --- | --- | --- | --- | --- |",
        row("CR applied -> Pod created", [j["created"] for j in jobs]),
        row("applied -> script's first instruction: job", [j["start"] for j in jobs]),
        row("applied -> script's first instruction: bare Pod", [p["start"] for p in pods]),
        row("start: job later by", [j["start"] - p["start"] for j, p in pairs], "<= 1.2"),
        row("script's end -> Completed: job", [j["end"] for j in jobs]),
        row("script's end -> Succeeded: bare Pod", [p["end"] for p in pods]),
        row("end: job later by", [j["end"] - p["end"] for j, p in pairs], "<= 0.7"),
        "",
        *(f"- {key}: {value}" for key, value in extra.items()),
    ]
    return "\n".join(rows) + "\n"


def measure(count: int) -> None:
    """So many of each, in turn, in a namespace of their own; then the report."""
    cluster = Cluster.connect()
    host, port = s3_address(cluster)
    space = JobNamespace(cluster, f"http://{host}:{port}", f"bench-{uuid.uuid4().hex[:6]}")
    space.open(CREDENTIALS)
    try:
        jobs, pods = [], []
        before = operator_writes(cluster)
        for index in range(count):
            jobs.append(one_job(space, index))
            pods.append(one_pod(space, index))
        after = operator_writes(cluster)
    finally:
        space.close()
    writes = {key: (after[key] - before.get(key, 0)) / count for key in after if after[key] != before.get(key, 0)}
    extra = {
        "operator's writes a job": f"{sum(v for k, v in writes.items() if 'events' not in k):.1f} "
        f"and {sum(v for k, v in writes.items() if 'events' in k):.1f} Events ({json.dumps(writes)})",
        "operator's memory (MiB)": json.dumps(operator_memory(cluster)),
    }
    text = report(jobs, pods, extra)
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(text)
    print(text, end="")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.bench", description=__doc__)
    parser.add_argument("-n", type=int, default=20, help="how many of each")
    count = parser.parse_args().n
    if choice.name() != "embedded":
        raise ClusterError("the node has to be this machine, whose clock it reads: choose CLUSTER=embedded")
    needs = (runner.cluster_up, runner.images, runner.install)
    runner.run_parts([runner.Part("bench", lambda: measure(count), needs)])
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ClusterError, runner.PartFailedError) as error:
        sys.exit(f"bench: {error}")
