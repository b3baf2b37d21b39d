"""`make bench-transfer`: our engine beside other tools on loopback; a table and a plot for the docs.

A quick look: python -m dev.bench.transfer --scale 0.02 --rounds 1
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from dev.bench.transfer import nginx, peers, plot, table
from dev.bench.transfer.rounds import Rounds
from dev.bench.transfer.samples import Row
from dev.bench.transfer.servers import Servers
from dev.bench.transfer.tools import OURS, TOOLS
from dev.bench.transfer.workloads import DATASETS, GIB, ONE, Dataset, Workload, chosen
from dev.cluster.errors import ClusterError

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "transfer.md"
MEMORY = Path("/dev/shm")  # noqa: S108 - the data is to stay in memory


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.transfer", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the data's size; 0.02 for a quick look")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each tool at each workload")
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="NAME", help="workloads by the beginning of their name"
    )
    parser.add_argument("--tools", nargs="*", default=list(TOOLS), metavar="TOOL", choices=TOOLS, help=", ".join(TOOLS))
    parser.add_argument("--docs", action="store_true", help="write docs/transfer.md, whatever the scale")
    return parser.parse_args(words)


def needed(workloads: tuple[Workload, ...], scale: float) -> dict[str, Dataset]:
    """The datasets that the workloads move, and the one object that each tool is tried with."""
    names = {ONE, *(workload.dataset for workload in workloads)}
    return {dataset.name: dataset.scaled(scale) for dataset in DATASETS if dataset.name in names}


def check_room(folder: Path, datasets: dict[str, Dataset]) -> None:
    """Refuse before anything is written what would not fit.

    Raises:
        ClusterError: naming both numbers.
    """
    sizes = [dataset.total for dataset in datasets.values()]
    need = sum(sizes) + 2 * max(sizes) + GIB
    if (free := shutil.disk_usage(folder).free) < need:
        raise ClusterError(
            f"{folder}: {need / GIB:.1f} GiB are needed, {free / GIB:.1f} are free; a smaller --scale fits"
        )


def measure(options: argparse.Namespace, home: Path) -> list[Row]:
    workloads = chosen(options.only)
    datasets = needed(workloads, options.scale)
    check_room(home, datasets)
    venv = peers.environment()
    nginx.program()
    rows = []
    with Servers(home, workloads, datasets) as servers:
        rounds = Rounds(servers, options.tools, venv, options.rounds, say)
        say("== warming up")
        rounds.warm_up()
        for workload in workloads:
            say(f"== {workload.name}: {workload.title(datasets[workload.dataset])}, {workload.server}")
            rows.append(rounds.row(workload))
    return rows


def say(line: str) -> None:
    print(line, flush=True)


def write(setting: table.Setting, rows: list[Row], *, docs: bool) -> Path:
    """Write the table and the plot into the docs, or beside the raw figures in build/bench."""
    build = ROOT / "build" / "bench"
    build.mkdir(parents=True, exist_ok=True)
    (build / "transfer.json").write_text(json.dumps([asdict(row) for row in rows], indent=1))
    page = PAGE if docs else build / "transfer.md"
    picture = page.with_suffix(".svg")
    text = table.section(setting, rows, picture.name)
    page.write_text(table.inserted(PAGE.read_text(), text))
    picture.write_text(plot.svg(rows, OURS))
    return page


def main(words: list[str]) -> int:
    options = arguments(words)
    # ended from outside, it still stops its servers and clients and frees the memory that its files take
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench-transfer: ended"))
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bench-transfer-", dir=MEMORY if MEMORY.is_dir() else None) as home:
        rows = measure(options, Path(home))
    load = (before, os.getloadavg()[0])
    date, cores = time.strftime("%Y-%m-%d", time.gmtime()), os.cpu_count() or 1
    setting = table.Setting(date, cores, load, options.scale, options.rounds, OURS, peers.versions(peers.environment()))
    # a run of some workloads or at another scale is no replacement for the docs' figures unless it is asked to be
    page = write(setting, rows, docs=options.docs or (options.scale == 1 and not options.only))
    say("\n".join(table.ratios(rows, OURS)))
    say(f"written: {page.relative_to(ROOT)}")
    return 1 if any(series.failure for row in rows for series in row.series if series.tool == OURS) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (ClusterError, ValueError) as error:
        sys.exit(f"bench-transfer: {error}")
