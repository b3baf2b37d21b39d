from __future__ import annotations

from typing import Any

import pytest

from processing_operator_cli.podlogs import ended


def pod(phase: str = "Running", **containers: Any) -> dict[str, Any]:
    def state(code: int | None) -> dict[str, Any]:
        return {"running": {}} if code is None else {"terminated": {"exitCode": code}}

    statuses = [{"name": name, "state": state(code)} for name, code in containers.items()]
    split = "initContainerStatuses", "containerStatuses"
    return {"status": {"phase": phase, split[0]: statuses[:1], split[1]: statuses[1:]}}


@pytest.mark.parametrize(
    ("seen", "container", "over"),
    [
        (pod(fetch=None), "fetch", False),
        (pod(fetch=0), "fetch", True),
        (pod(fetch=64), "fetch", True),
        (pod(fetch=75), "fetch", False),  # it will be started again
        (pod(fetch=0, upload=137), "upload", False),
        (pod(fetch=0, upload=0), "upload", True),
        (pod(fetch=0, script=3), "script", True),
        (pod(fetch=0), "script", False),
        (pod("Failed"), "script", True),
        ({}, "script", False),
    ],
)
def test_ended(seen: dict[str, Any], container: str, over: bool) -> None:
    assert ended(seen, container) is over
