"""The operator's signal. The launcher's tests read the same table: all must understand it alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from processing_agent.notify import asks_to_stop, stop_signalled
from tests.integration.agent.pod import STOP

TABLE = json.loads((Path(__file__).parents[3] / "containers/launcher/testdata/signals.json").read_bytes())
ROWS = [
    *((row["name"], row["signal"].encode(), row["stop"]) for row in TABLE),
    ("nested brackets", b"[" * 100_000, False),
    ("no UTF-8", b'{"stop":"\xff"}', False),
    ("huge", b'{"x":"' + b"x" * (1 << 18) + b'",' + STOP[1:].encode(), True),
    ("an integer of 5,000 digits", b"1" * 5000, False),
    ("an endless number", b'{"stop":1e400}', False),
]


@pytest.mark.parametrize(("raw", "stop"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_asks_to_stop(tmp_path: Path, raw: bytes, stop: bool) -> None:
    assert asks_to_stop(raw) is stop
    (tmp_path / "signal").write_bytes(raw)
    assert stop_signalled(tmp_path) is stop


def test_no_signal_asks_for_nothing(tmp_path: Path) -> None:
    assert not stop_signalled(tmp_path)
