"""The operator's signal. The launcher's tests read the same table: all must understand it alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from processing_agent import notify
from processing_agent.notify import says, signalled
from tests.integration.agent.pod import STOP

TABLE = json.loads((Path(__file__).parents[3] / "containers/launcher/testdata/signals.json").read_bytes())
ROWS = [
    *((row["name"], row["signal"].encode(), row["stop"], row.get("ended", False)) for row in TABLE),
    ("nested brackets", b"[" * 100_000, False, False),
    ("no UTF-8", b'{"stop":"\xff"}', False, False),
    ("huge", b'{"x":"' + b"x" * (1 << 18) + b'",' + STOP[1:].encode(), True, False),
    ("an integer of 5,000 digits", b"1" * 5000, False, False),
    ("an endless number", b'{"stop":1e400}', False, False),
]


@pytest.mark.parametrize(("raw", "stop", "ended"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_a_signal_says(tmp_path: Path, raw: bytes, stop: bool, ended: bool) -> None:
    (tmp_path / "signal").write_bytes(raw)
    for member, expected in ((notify.STOP, stop), (notify.ENDED, ended)):
        assert says(raw, member) is expected
        assert signalled(tmp_path, member) is expected


def test_no_signal_says_nothing(tmp_path: Path) -> None:
    assert not signalled(tmp_path, notify.STOP)
