"""More than one replica: one acts, and another takes over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.controller.operator_process import OperatorProcess
    from tests.integration.controller.site import Site

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("control-plane")]


def kill(operator: OperatorProcess) -> None:
    operator.kill()


def stop(operator: OperatorProcess) -> None:
    assert operator.stop() == 0


@pytest.mark.parametrize(("end", "seconds"), [(stop, 8.0), (kill, 25.0)], ids=["in order", "crash"])
def test_one_leads_and_another_takes_over(site: Site, end: Callable[[OperatorProcess], None], seconds: float) -> None:
    """The election alone is timed in test_election.py; what is more is the operator's own start."""
    with site.operator(instance="one") as one, site.operator(instance="two") as two:
        site.create_job("first")
        site.wait_released("first")
        assert (one.metric("leader"), two.metric("leader")) == (1, 0)
        assert two.writes() == {}
        began = time.monotonic()
        end(one)
        site.create_job("second")
        site.wait_released("second", seconds=40)
        assert time.monotonic() - began < seconds
        assert two.metric("leader") == 1
