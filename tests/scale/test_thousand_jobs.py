"""1,000 jobs on a real API server: all end, nothing is written after it, and a job costs so many requests."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from dev.cluster.client import JOBS
from tests.integration.controller.control_plane import OPERATOR, control_plane, grant_leases
from tests.integration.controller.site import Site
from tests.scale.node import Node

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

COUNT = 1000
PATIENCE = 60.0  # seconds in which no job has changed: it hangs, however slow the machine is
RESYNC = 5.0
MOST_REQUESTS = 12.0  # beside those that go by the clock: lists and logs
MOST_WRITES = 6.5  # Pod, claim, release, end, at most one status between, and two Events


async def run_jobs(site: Site) -> tuple[float, Node, dict[str, dict[str, object]]]:
    async with Node(site.plane, site.namespace) as node:
        began = time.monotonic()
        pods = asyncio.create_task(node.follow_pods())
        ended = asyncio.create_task(node.all_jobs(COUNT, PATIENCE))
        await node.create_jobs(COUNT)
        jobs = await ended
        seconds = time.monotonic() - began
        pods.cancel()
        with suppress(asyncio.CancelledError):
            await pods
        return seconds, node, jobs


def requests_of_the_operator(audit: Path) -> Counter[str]:
    """What the API server has noted of it, watches and the election apart."""
    found: Counter[str] = Counter()
    for line in audit.read_text().splitlines():
        event = json.loads(line)
        what = event.get("objectRef", {})
        name = f"{event['verb']} {what.get('resource')}" + (
            f"/{what['subresource']}" if what.get("subresource") else ""
        )
        if event["user"]["username"] == OPERATOR and event["verb"] != "watch" and what.get("resource") != "leases":
            found[name] += 1
    return found


def test_a_thousand_jobs(tmp_path: Path) -> None:
    with control_plane(tmp_path, audit=True) as plane, plane.cluster() as cluster:
        cluster.create("/api/v1/namespaces", {"metadata": {"name": "scale"}})
        grant_leases(cluster, "scale")
        site = Site(plane, cluster, "scale", tmp_path)
        with site.operator(resync_seconds=str(RESYNC)) as operator:
            seconds, node, jobs = asyncio.run(run_jobs(site))
            resident = operator.resident_bytes() / (1 << 20)
            versions = {name: job["metadata"]["resourceVersion"] for name, job in jobs.items()}  # type: ignore[index]
            listed = operator.metric("last_resync_timestamp_seconds")
            end = time.monotonic() + 60
            while operator.metric("last_resync_timestamp_seconds") == listed and time.monotonic() < end:
                time.sleep(0.5)  # until all was compared once more
            after = {job["metadata"]["name"]: job for job in cluster.items(JOBS.format(namespace="scale"))}
        requests = requests_of_the_operator(tmp_path / "audit.log")
    a_job = {what: round(count / COUNT, 2) for what, count in sorted(requests.items())}
    told = f"{COUNT} jobs in {seconds:.0f} s, {COUNT / seconds:.1f}/s; {resident:.0f} MiB; requests a job: {a_job}"
    print(f"\n{datetime.now(UTC):%F}: {told}")
    assert {job["status"]["state"] for job in after.values()} == {"Completed"}
    assert {job["status"]["attempts"] for job in after.values()} == {1}
    assert len(node.ended) == COUNT, "one Pod a job"
    assert {name: job["metadata"]["resourceVersion"] for name, job in after.items()} == versions, (
        "written after the end"
    )
    writes = sum(
        count for what, count in requests.items() if what.split()[0] in ("create", "patch", "update", "delete")
    )
    assert writes / COUNT <= MOST_WRITES, a_job
    timely = sum(count for what, count in requests.items() if not what.startswith("list ") and what != "get pods/log")
    assert timely / COUNT <= MOST_REQUESTS, a_job
