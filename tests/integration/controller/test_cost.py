"""What it costs: time to the Pod, and memory. The limits are wide, the machine may be shared; figures are printed."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.controller.site import Site

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("control-plane")]
MIB = 1 << 20


def test_from_the_job_to_its_pod(site: Site) -> None:
    seconds = []
    with site.operator() as operator:
        for number in range(20):
            began = time.monotonic()
            site.create_job(f"job-{number}")
            while not (pods := site.pods_of(f"job-{number}")) or pods[0]["spec"].get("schedulingGates"):
                assert time.monotonic() - began < 10
            seconds.append(time.monotonic() - began)
            time.sleep(0.1)
        resident = operator.resident_bytes() / MIB
    told = f"{min(seconds):.3f} / {statistics.median(seconds):.3f} / {max(seconds):.3f} s (n=20)"
    print(
        f"\n{datetime.now(UTC):%F}: job created -> Pod may run: min / median / max {told}; {resident:.0f} MiB resident"
    )
    assert statistics.median(seconds) < 0.5
    assert resident < 110
