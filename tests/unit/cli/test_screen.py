from __future__ import annotations

import re
from typing import Any

import pytest

from processing_operator_cli import bars
from processing_operator_cli.bars import Bars
from processing_operator_cli.screen import Screen


def progress(**more: Any) -> dict[str, Any]:
    return {"phase": "Downloading", "objects": 1, "bytes": 5_000, "totalObjects": 2, "totalBytes": 10_000, **more}


def test_progress_in_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal: one line every ten seconds."""
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with Screen(many=False) as shown:
        for now in (1.0, 2.0, 10.9, 12.0, 13.0, 23.0):
            shown.progress("a", progress(bytes=int(now * 1000), totalBytes=None if now > 20 else 50_000))
    assert capsys.readouterr().err.splitlines() == [
        "[  12.00 s] a: Downloading: 1 object, 12 kB of 50 kB",
        "[  23.00 s] a: Downloading: 1 object, 23 kB",
    ]


def test_prefix_when_there_are_many(capsys: pytest.CaptureFixture[str]) -> None:
    for many in (False, True):
        Screen(many=many).output("a", "text [red]")
    assert capsys.readouterr().out == "text [red]\na | text [red]\n"


def test_bars(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal: a bar while data is on its way, none while the script runs, nothing left at the end."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Screen(many=True) as shown:
        shown.state("a", "Downloading", "")
        shown.progress("a", progress())
        shown.state("a", "Running", "")
        shown.output("a", "hello")
        shown.end("a", ["Completed", "Running 1 s"])
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", "".join(capsys.readouterr()))
    for part in ("a: Downloading", "a: Running", "a | hello", "a: Completed", "    Running 1 s"):
        assert part in text


def test_a_new_state_starts_its_clock_anew() -> None:
    shown = Bars()
    shown.show("a", "Pending")
    task = shown._progress.tasks[0]
    began = task.start_time
    shown.update("a", "Downloading", objects=1, size=5, total_objects=None, total_size=10)
    assert (task.description, task.completed, task.total) == ("Downloading", 5, 10)
    assert task.start_time != began
    assert task.fields["detail"] == "1 object, 5 B of 10 B"
    assert shown._progress.get_renderable()
    shown.show("a", "Running")
    assert (task.total, task.fields["detail"]) == (None, "")
    shown.remove("a")
    assert not shown._progress.tasks


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((1, 5, None, None), "1 object, 5 B"),
        ((12, 5, 2000, 10_000), "12 of 2,000 objects, 5 B of 10 kB"),
        ((0, 0, 1, None), "0 of 1 object, 0 B"),
    ],
)
def test_detail(counts: tuple[int, int, int | None, int | None], text: str) -> None:
    assert bars.detail(*counts) == text
