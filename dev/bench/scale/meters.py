"""What a run has cost: CPU and memory of processes, requests, time spent on rules."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import requests

from dev.cluster import processes
from dev.cluster.client import Cluster
from dev.cluster.components import CONTROL_PLANE

CLIENT = "this client"
OPERATOR, KWOK = "operator", "kwok"
PROCESSES = (OPERATOR, "kube-apiserver", "etcd", "kube-scheduler", "kube-controller-manager", KWOK, CLIENT)
_TICKS = os.sysconf("SC_CLK_TCK")
# Policies' own metric tells of refusals alone: this is the whole admission plugin, over all requests.
_RULES = {
    "policy": ("apiserver_admission_controller_admission_duration_seconds", '.*name="ValidatingAdmissionPolicy".*'),
    "CEL": ("apiserver_cel_evaluation_duration_seconds", ".*"),
}
RULES = tuple(f"{name} {what}" for name in _RULES for what in ("ms", "times"))


def pids(**others: int) -> dict[str, int]:
    """The processes that are measured: the control plane's, this one, and those that were started for it."""
    found = {component: processes.find(component)[0] for component in CONTROL_PLANE}
    return {**found, **others, CLIENT: os.getpid()}


def cpu(found: Mapping[str, int]) -> dict[str, float]:
    """Seconds of CPU of each process until now, user and system."""
    return {name: cpu_seconds(Path(f"/proc/{pid}/stat").read_text()) for name, pid in found.items()}


def cpu_seconds(stat: str) -> float:
    """Out of a process's stat; its name, in brackets, may hold anything."""
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory(pid: int) -> tuple[float, float]:
    """MiB resident: now, and at the peak."""
    found = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE))
    return int(found["VmRSS"]) / 1024, int(found["VmHWM"]) / 1024


def operator_requests(port: int) -> dict[str, float]:
    """The operator's own count of its requests, by verb and resource; the election and watches apart."""
    return parsed_requests(requests.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text)


def parsed_requests(text: str) -> dict[str, float]:
    """Out of the operator's metrics."""
    found: defaultdict[str, float] = defaultdict(float)
    for labels, number in re.findall(r"^processing_operator_api_requests_total\{(.*)\} (\S+)$", text, re.MULTILINE):
        label = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if label["resource"] != "leases" and label["verb"] != "WATCH":
            found[f"{label['verb']} {label['resource']}"] += float(number)
    return found


def rules(cluster: Cluster) -> dict[str, float]:
    """Milliseconds that the API server has spent on admission policies and on CEL, and how often it did."""
    return parsed_rules(cluster.text("/metrics"))


def parsed_rules(text: str) -> dict[str, float]:
    """Out of the API server's metrics."""
    found = {}
    for name, (metric, labels) in _RULES.items():
        for what, factor in (("sum", 1000), ("count", 1)):
            values = re.findall(rf"^{metric}_{what}(?:\{{{labels}\}})? (\S+)$", text, re.MULTILINE)
            found[f"{name} {'ms' if what == 'sum' else 'times'}"] = factor * sum(map(float, values))
    return found


def each(before: Mapping[str, float], after: Mapping[str, float], count: int, factor: float = 1) -> dict[str, float]:
    """What has grown between two readings, an object."""
    grown = {name: factor * (value - before.get(name, 0)) / count for name, value in after.items()}
    return {name: round(value, 3) for name, value in grown.items() if value}
