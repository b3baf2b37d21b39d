from __future__ import annotations

from typing import Any

import pytest

from processing_operator_cli.summary import exit_code, summarize

METADATA = {"name": "census", "namespace": "ml"}


def job(state: str, **status: Any) -> dict[str, Any]:
    return {"metadata": METADATA, "status": {"state": state, **status}}


def test_completed() -> None:
    ended = job(
        "Completed",
        message="script ended with 0",
        exitMessage="two rows\nleft\n",
        phases=[
            {"name": "Pending", "startTime": "2026-01-01T00:00:00.000Z", "endTime": "2026-01-01T00:00:00.250Z"},
            {"name": "Running", "startTime": "2026-01-01T00:00:00.250Z", "endTime": "2026-01-01T00:01:00.000Z"},
            {"name": "Uploading", "startTime": "2026-01-01T00:01:00.000Z", "endTime": "2026-01-01T00:01:00.000Z"},
            {"name": "Stopping", "startTime": "2026-01-01T00:01:00Z"},
        ],
        inputs=[{"name": "data", "objects": 1, "bytes": 103_875_379, "seconds": 0.62}, {"name": "code"}],
        outputs=[
            {
                "name": "train",
                "uri": "s3://b/train/",
                "objects": 2,
                "bytes": 5,
                "seconds": 0.4,
                "upload": "Complete",
            },
            {"name": "errors", "uri": "s3://b/errors/", "objects": 0, "bytes": 0, "upload": "Skipped"},
        ],
    )
    assert summarize(ended) == [
        "Completed. script ended with 0",
        "the script says:",
        "  two rows",
        "  left",
        "Pending      0.25 s",
        "Running      59.8 s",
        "Uploading    0 s",
        "input data: 1 object, 104 MB in 0.62 s",
        "input code: unknown",
        "output train: 2 objects, 5 B in 0.40 s: s3://b/train/",
        "output errors: 0 objects, 0 B (Skipped)",
    ]


def test_failed() -> None:
    ended = job("Failed", reason="ScriptFailed", message="container script exited with 3")
    assert summarize(ended) == [
        "Failed (ScriptFailed). container script exited with 3",
        "more: kubectl describe pj census -n ml",
    ]


def test_stopped() -> None:
    assert summarize(job("Stopped", reason="StopRequested")) == ["Stopped (StopRequested)"]


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (["Completed"], 0),
        (["Completed", "Completed"], 0),
        (["Failed"], 1),
        (["Stopped"], 3),
        (["Completed", "Stopped"], 3),
        (["Stopped", "Failed"], 1),
        (["Completed", None], 1),
    ],
)
def test_exit_code(states: list[str | None], code: int) -> None:
    assert exit_code([job(state) if state else None for state in states]) == code
