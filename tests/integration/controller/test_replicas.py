"""More than one replica: one acts, and another takes over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.controller.control_plane import grant_leases

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.integration.controller.operator_process import OperatorProcess
    from tests.integration.controller.site import Site

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("control-plane")]


def _replica(site: Site, name: str) -> AbstractContextManager[OperatorProcess]:
    return site.operator(instance=name, leader_election="true", leader_namespace=site.namespace)


def test_one_leads_and_another_takes_over(site: Site) -> None:
    grant_leases(site.cluster, site.namespace)
    with _replica(site, "one") as one, _replica(site, "two") as two:
        site.create_job("first")
        site.wait_released("first")
        assert (one.metric("leader"), two.metric("leader")) == (1, 0)
        assert two.writes() == {}
        one.kill()
        killed = time.monotonic()
        site.create_job("second")
        site.wait_released("second", seconds=40)
        assert time.monotonic() - killed < 25
        assert two.metric("leader") == 1
