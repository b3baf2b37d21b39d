"""`pj run`: check, apply, follow."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from processing_operator_cli.applying import ApplyError, Started, apply, namespace_of, start
from processing_operator_cli.cluster import ApiError, Cluster, ClusterError
from processing_operator_cli.following import Follower
from processing_operator_cli.manifests import Document, ManifestError, read
from processing_operator_cli.screen import Screen
from processing_operator_cli.summary import exit_code, summarize

if TYPE_CHECKING:
    from typing import Any

_NOT_FOLLOWED, _INTERRUPTED = 2, 130


def run_jobs(files: list[str], *, namespace: str, context: str, replace: bool) -> int:
    """Start the files' jobs and follow them to their end; the exit code."""
    jobs: list[Started] = []
    try:
        return asyncio.run(_run(read(files), namespace, context, jobs, replace=replace))
    except (ManifestError, ApplyError, ApiError, ClusterError) as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"pj run: {line}\n")
        return _NOT_FOLLOWED
    except KeyboardInterrupt:
        sys.stderr.write("".join(f"{line}\n" for line in detached(jobs)))
        return _INTERRUPTED


async def _run(documents: list[Document], namespace: str, context: str, jobs: list[Started], *, replace: bool) -> int:
    async with Cluster.connect(context) as cluster:
        places = [namespace_of(document, namespace, cluster.namespace) for document in documents]
        pairs = list(zip(documents, places, strict=True))
        for document, place in pairs:
            if not document.is_job:
                await apply(cluster, document, place)
        with Screen(many=sum(document.is_job for document in documents) > 1) as screen:
            for document, place in pairs:
                if document.is_job:
                    jobs.append(job := await start(cluster, document, place, replace=replace))
                    screen.say(
                        job.name,
                        f"is there already in namespace {place}" if job.found else f"created in namespace {place}",
                    )
            return exit_code(await asyncio.gather(*(_follow(cluster, job, screen) for job in jobs)))


async def _follow(cluster: Cluster, job: Started, screen: Screen) -> dict[str, Any] | None:
    ended = await Follower(cluster, job, screen).follow()
    if ended is not None:
        screen.end(job.name, summarize(ended))
    return ended


def detached(jobs: list[Started]) -> list[str]:
    """What to say after Ctrl-C."""
    lines = ["", "Detached; the job goes on." if len(jobs) == 1 else "Detached; the jobs go on."] if jobs else [""]
    for job in jobs:
        stop = """kubectl patch pj %s -n %s --type=merge -p '{"spec": {"stop": true}}'"""
        lines.append(f"to stop it: {stop % (job.name, job.namespace)}")
    return lines
