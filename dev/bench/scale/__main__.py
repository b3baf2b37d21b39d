"""`make bench-scale`: thousands of jobs on fake nodes, beside as many bare Pods; a table and a plot for the docs.

A quick look: make bench-scale BENCH="--sizes 100 --runs 1"
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from dev import run as runner
from dev.bench.scale import plot, site, table
from dev.bench.scale.kinds import Setting
from dev.bench.scale.operator import Operator
from dev.bench.scale.results import Rest, Row
from dev.bench.scale.runs import Runs
from dev.bench.transfer.table import inserted
from dev.cluster import choice
from dev.cluster.client import Cluster
from dev.cluster.errors import ClusterError
from dev.cluster.steps import say

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "scale.md"
SIZES = (100, 500, 1500, 5000)
SPREAD = Setting(1500, 20)


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.scale", description=__doc__)
    sizes = ", ".join(map(str, SIZES))
    parser.add_argument("--sizes", type=int, nargs="*", metavar="N", help=f"jobs in one namespace; by default {sizes}")
    parser.add_argument("--runs", type=int, default=3, help="of each kind at each size")
    parser.add_argument(
        "--spread", type=int, nargs="?", const=SPREAD.count, metavar="N", help="jobs in 20 namespaces, too"
    )
    parser.add_argument("--finished", type=int, default=0, metavar="N", help="ended jobs at rest, too")
    parser.add_argument("--docs", action="store_true", help="write docs/scale.md, whatever was chosen")
    found = parser.parse_args(words)
    if found.sizes is None:
        found.sizes, found.docs = list(SIZES), True
        found.spread, found.finished = found.spread or SPREAD.count, found.finished or 10_000
    return found


def settings(options: argparse.Namespace) -> list[Setting]:
    """What is measured, in order."""
    found = [Setting(size) for size in options.sizes]
    return [*found, Setting(options.spread, SPREAD.namespaces)] if options.spread else found


def measure(options: argparse.Namespace, folder: Path) -> tuple[list[Row], Rest | None]:
    """Make the cluster ready, measure, set it back."""
    chosen = settings(options)
    spaces = max([1, *(setting.namespaces for setting in chosen)])
    cluster = Cluster.connect()
    with ExitStack() as stack:
        pid = stack.enter_context(site.kwok(folder))
        for made in (
            site.installed(),
            site.cordoned(cluster),
            site.fake_nodes(cluster),
            site.namespaces(cluster, spaces),
        ):
            stack.enter_context(made)
        runs = Runs(cluster, Operator.installed(cluster, folder), pid, spaces)
        runs.warm_up()
        rows = [runs.row(setting, options.runs) for setting in chosen]
        return rows, runs.rest(options.finished) if options.finished else None


def processor() -> str:
    """The machine's, by its own name."""
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else os.uname().machine


def write(setup: table.Setup, rows: list[Row], rest: Rest | None, *, docs: bool) -> Path:
    """Write the figures, and table and plot into the docs, or beside the figures."""
    build = ROOT / "build" / "bench"
    build.mkdir(parents=True, exist_ok=True)
    raw = {"setup": asdict(setup), "rows": [asdict(row) for row in rows], "rest": asdict(rest) if rest else None}
    (build / "scale.json").write_text(json.dumps(raw, indent=1))
    page = PAGE if docs else build / "scale.md"
    picture = page.with_suffix(".svg")
    page.write_text(inserted(PAGE.read_text(), table.section(setup, rows, rest, picture.name)))
    picture.write_text(plot.svg(rows))
    return page


def bench(options: argparse.Namespace) -> None:
    """Measure, and say and write what came out."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-scale-") as folder:
        rows, rest = measure(options, Path(folder))
    version = Cluster.connect().get("/version")["gitVersion"]
    date = time.strftime("%Y-%m-%d", time.gmtime())
    setup = table.Setup(date, os.cpu_count() or 1, processor(), load, options.runs, version)
    page = write(setup, rows, rest, docs=options.docs)
    say("\n".join([*table.ratios(rows), "", *table.costs(rows), "", *table.requests(rows)]))
    say(f"written: {page.relative_to(ROOT)}")


def main(words: list[str]) -> int:
    options = arguments(words)
    if choice.name() != "embedded":
        raise ClusterError(
            "it reads the CPU time of the control plane's processes: choose the embedded cluster, CLUSTER=embedded"
        )
    # ended from outside, it still sets the cluster back
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench-scale: ended"))
    part = runner.Part("bench-scale", lambda: bench(options), (runner.cluster_up,))
    runner.run_parts([part])
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (ClusterError, runner.PartFailedError) as error:
        sys.exit(f"bench-scale: {error}")
