from __future__ import annotations

import json
from typing import Any

import pytest

from processing_operator.controller.staging import last_progress, staging_container
from processing_operator.domain.facts import Progress

RUNNING: dict[str, Any] = {"running": {}}
DONE: dict[str, Any] = {"terminated": {"exitCode": 0}}
WAITING: dict[str, Any] = {"waiting": {}}


def pod(fetch: Any, upload: Any = None, script: Any = None) -> dict[str, Any]:
    named = {"upload": upload, "script": script}
    return {
        "status": {
            "initContainerStatuses": [{"name": "fetch", "state": fetch}],
            "containerStatuses": [{"name": name, "state": state} for name, state in named.items() if state],
        }
    }


@pytest.mark.parametrize(
    ("seen", "container"),
    [
        ({}, None),
        (pod(WAITING), None),
        (pod(RUNNING), "fetch"),
        (pod(DONE, RUNNING, RUNNING), None),
        (pod(DONE, RUNNING, DONE), "upload"),
        (pod(DONE, DONE, DONE), None),
        (pod(DONE, WAITING, DONE), None),
    ],
)
def test_the_container_that_moves_data(seen: dict[str, Any], container: str | None) -> None:
    assert staging_container(seen) == container


def line(**fields: Any) -> str:
    return json.dumps({"progress": {"phase": "Downloading", "objects": 1, "bytes": 10, **fields}})


@pytest.mark.parametrize(
    ("lines", "progress"),
    [
        ([], None),
        (["plain text", "{}", "[]", "7", '{"progress": 3}', '{"progress": {"phase": "Downloading"}}'], None),
        ([line(), line(objects=2, totalObjects=5, totalBytes=50)], Progress("Downloading", 2, 10, 5, 50)),
        ([line(objects=2, totalObjects=None), '{"level": "info"}', "tru"], Progress("Downloading", 2, 10)),
        ([line(), line(objects="many")], Progress("Downloading", 1, 10)),
        ([line(retries=3, error="slow down")], Progress("Downloading", 1, 10, retries=3, error="slow down")),
    ],
)
def test_the_last_progress_line_counts(lines: list[str], progress: Progress | None) -> None:
    assert last_progress(lines) == progress
