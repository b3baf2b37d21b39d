"""`make demo`: the census example on a real Kubernetes, from nothing to its result beside the published one."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

from rich.console import Console

from dev.cluster.client import ROOT, ApiError, Cluster
from dev.cluster.steps import say, step
from dev.demo import checks, data, follow, results, s3, stages, tables
from dev.demo.errors import DemoError
from dev.demo.failure import explain

RESULTS = ROOT / "build" / "demo"
# of tables that do not go to a terminal
WIDTH = 140


def main() -> int:
    begin = time.monotonic()
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    try:
        found = demo(console)
    except (DemoError, ApiError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; `make demo` begins anew, `make cluster-down` ends the cluster", file=sys.stderr)
        return 130
    return conclude(found, console, time.monotonic() - begin)


def demo(console: Console) -> results.Results:
    """Everything up to the downloaded results.

    Raises:
        DemoError: a step failed, or a job did not complete.
    """
    stages.start_cluster_and_build_images()
    cluster = Cluster.connect()
    with step("S3 server in the cluster: kubectl apply -k examples/dev-s3"):
        stages.start_s3()
    with step("data: Census-Income (KDD), UCI Machine Learning Repository, CC BY 4.0"):
        census = data.census()
    with step("upload: pj cp, 104 MB"), s3.forwarded() as endpoint:
        s3.upload(census, endpoint)
    with step("operator: helm upgrade --install"):
        stages.install_operator()
    run_jobs(cluster, console)
    with step("results: pj cp to build/demo"), s3.forwarded() as endpoint:
        s3.download(RESULTS, endpoint)
    return results.read_results(census, RESULTS)


def run_jobs(cluster: Cluster, console: Console) -> None:
    """Apply all four jobs at once and follow them to their end."""
    namespace = stages.namespace()
    with step("jobs of an earlier run deleted"):
        stages.delete_jobs()
    with step("four jobs at once: kubectl apply -k examples/census"):
        stages.apply_jobs()
    jobs = follow.follow(cluster, namespace, console)
    for job in jobs:
        if job.ended and not job.completed:
            raise DemoError(explain(cluster, namespace, job))
    console.print(tables.phases(jobs, datetime.now(UTC)))


def conclude(found: results.Results, console: Console, seconds: float) -> int:
    """Show the metrics, hold everything against what it should be, and say how it ended."""
    console.print(tables.comparison(results.metrics(found.evaluation)))
    every = checks.checks(found)
    wrong = [check for check in every if not check.holds]
    for check in wrong:
        print(f"error: {check}", file=sys.stderr)
    say(f"{len(every) - len(wrong)} of {len(every)} checks hold: counts exactly, accuracy and ROC AUC within tolerance")
    say(f"the result is in {RESULTS.relative_to(ROOT)}/evaluation.json; {seconds:.0f} s in all")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
