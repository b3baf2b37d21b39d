from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from processing_agent.plan import Output
from processing_agent.record import ExitRecord, read_record, wanted
from processing_agent.s3.uri import S3Uri

if TYPE_CHECKING:
    from pathlib import Path


def ended(code: int, reason: str) -> ExitRecord:
    return ExitRecord(code, 0, reason, 0, 0, 0, 0, "")


def output(when: str) -> Output:
    return Output("o", "/opt/ml/o", "o", S3Uri("b", "k"), when, None, required=False)


KILLED = None


@pytest.mark.parametrize(
    ("record", "final", "sent"),
    [
        (ended(0, "Exited"), True, {"Always", "OnSuccess"}),
        (ended(0, "Exited"), False, {"Always", "OnSuccess"}),
        (ended(1, "Exited"), True, {"Always", "OnFailure"}),
        (ended(1, "Exited"), False, {"OnFailure"}),
        (ended(137, "Signaled"), False, {"OnFailure"}),
        (ended(127, "CommandNotFound"), False, {"OnFailure"}),
        (KILLED, True, {"Always", "OnFailure"}),
        (KILLED, False, {"OnFailure"}),
        (ended(0, "StopRequested"), False, {"Always", "OnFailure"}),
        (ended(143, "StopRequested"), False, {"Always", "OnFailure"}),
        (ended(143, "MaxRuntimeExceeded"), False, {"Always", "OnFailure"}),
        (ended(143, "WorkspaceFull"), False, {"Always", "OnFailure"}),
        (ended(143, "Terminated"), False, {"Always", "OnFailure"}),
    ],
)
def test_which_outputs_are_sent(record: ExitRecord | None, final: bool, sent: set[str]) -> None:
    assert {w for w in ("Always", "OnSuccess", "OnFailure") if wanted(output(w), record, final=final)} == sent


def test_read(tmp_path: Path) -> None:
    path = tmp_path / "exit.json"
    path.write_text(json.dumps({"version": 1, "code": 3, "signal": 0, "reason": "Exited", "peakMemoryBytes": 7}))
    record = read_record(path)
    assert record is not None
    assert (record.code, record.reason, record.peak_memory, record.message) == (3, "Exited", 7, "")


@pytest.mark.parametrize("content", ["", "{", "[]", "1", '{"code": "x"}', '{"code": null}', "\xff"])
def test_what_cannot_be_read_is_no_record(tmp_path: Path, content: str) -> None:
    path = tmp_path / "exit.json"
    path.write_text(content, encoding="latin-1")
    assert read_record(path) is None


def test_what_a_script_may_plant(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "dir").mkdir()
    for name in ("fifo", "link", "dir", "missing"):
        assert read_record(tmp_path / name) is None
