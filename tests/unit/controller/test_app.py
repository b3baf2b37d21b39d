"""When the operator says that it is well."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any, cast

from processing_operator.app import Operator
from processing_operator.controller.store import JobKey
from processing_operator.settings import Settings
from tests.unit.controller.fake_time import run

DOCS = Path(__file__).resolve().parents[3] / "docs" / "monitor.md"
SECTION = DOCS.read_text().split("\n## Metrics\n")[1].split("\n## ")[0]
TABLE = [line.split("|")[1] for line in SECTION.splitlines() if line.startswith("| `")]


def operator(**settings: Any) -> Operator:
    return Operator(Settings(**settings), cast("Any", None))


def test_a_new_operator_is_alive_and_not_ready() -> None:
    async def main() -> None:
        made = operator()
        assert made._healthz().ok
        assert not made._readyz().ok
        made._watching.set()
        assert not made._readyz().ok, "the Pods are not listed yet"
        for pods in made.pods.values():
            pods.ready.set()
        assert made._readyz().ok, "also while another has the lead, or a rollout would wait for ever"

    run(main())


def test_a_watch_that_stays_stale_is_told_of() -> None:
    async def main() -> None:
        made = operator()
        made.resync.stale_since = 0.0
        await asyncio.sleep(170.0)
        assert made._healthz().ok, "it is opened again by itself"
        await asyncio.sleep(20.0)
        assert made._healthz().body == b"a watch is stale\n"

    run(main())


def test_a_resync_that_stands_still_is_told_of() -> None:
    async def main() -> None:
        made = operator()
        made.resync.ticked_at = 1.0
        await asyncio.sleep(320.0)
        assert made._healthz().ok
        await asyncio.sleep(20.0)
        assert made._healthz().body == b"no resync\n"

    run(main())


def test_a_job_that_is_looked_at_without_end_is_told_of() -> None:
    async def main() -> None:
        made = operator()
        forever = asyncio.Event()

        async def process(_key: object) -> Any:
            await forever.wait()

        working = asyncio.create_task(made.queue.run(process))
        made.queue.add(JobKey("ns", "key"))
        await asyncio.sleep(310.0)
        assert made._healthz().body == b"a job is being looked at without end\n"
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    run(main())


def test_metrics_are_those_of_the_docs() -> None:
    """No name of a job is a label: there are as many as users make."""
    text = operator()._export().body.decode()
    told = {f"processing_operator_{name}" for row in TABLE for name in re.findall(r"`(\w+)(?:{[\w,]+})?`", row)}
    exported = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE processing_operator_")}
    assert told == exported
    assert "_created" not in text
