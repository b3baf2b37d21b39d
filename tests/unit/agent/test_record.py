"""The launcher's record: what counts as one, and what is uploaded after it."""

from __future__ import annotations

import json
import os
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing_agent.plan import Output
from processing_agent.record import ExitRecord, noted_oom_kills, read_record, wanted
from processing_agent.result import Result, render
from processing_agent.s3.uri import S3Uri
from tests.integration.agent.pod import WHOLE, page

if TYPE_CHECKING:
    from pathlib import Path


def ended(code: int, reason: str, *, rebooted: bool = False) -> ExitRecord:
    return ExitRecord(code, 0, reason, 0, 0, 0, 0, "", rebooted)


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
        (ended(0, "SelfSignaled"), True, {"Always", "OnFailure"}),
        (ended(143, "SelfSignaled"), False, {"OnFailure"}),
        (ended(143, "Hindered"), False, {"OnFailure"}),
        (ended(127, "CommandNotFound"), False, {"OnFailure"}),
        (KILLED, True, {"Always", "OnFailure"}),
        (KILLED, False, {"OnFailure"}),
        (ended(0, "Exited", rebooted=True), True, {"Always", "OnFailure"}),
        (ended(0, "Exited", rebooted=True), False, {"OnFailure"}),
        (ended(143, "Terminated", rebooted=True), False, {"OnFailure"}),
        (ended(0, "StopRequested"), False, {"Always", "OnFailure"}),
        (ended(143, "StopRequested"), False, {"Always", "OnFailure"}),
        (ended(143, "MaxRuntimeExceeded"), False, {"Always", "OnFailure"}),
        (ended(143, "WorkspaceFull"), False, {"Always", "OnFailure"}),
        (ended(143, "Terminated"), False, {"Always", "OnFailure"}),
    ],
)
def test_which_outputs_are_sent(record: ExitRecord | None, final: bool, sent: set[str]) -> None:
    assert {w for w in ("Always", "OnSuccess", "OnFailure") if wanted(output(w), record, final=final)} == sent


def read(directory: Path, content: bytes, boot_id: str = "b") -> ExitRecord | None:
    path = directory / "record"
    path.write_bytes(content)
    return read_record(path, boot_id)


def sealed(text: str) -> bytes:
    return page(text.encode("latin-1"))


def whole(**changed: Any) -> bytes:
    return page(json.dumps(WHOLE | changed).encode())


@pytest.mark.parametrize(
    ("then", "now", "rebooted"), [("", "b", False), ("b", "b", False), ("a", "b", True), ("a", "", True)]
)
def test_read(tmp_path: Path, then: str, now: str, rebooted: bool) -> None:
    record = read(tmp_path, whole(code=3, message="why", bootId=then, later={}), now)
    assert record == ExitRecord(3, 0, "Exited", 1234, 900, 12345678, 0, "why", rebooted)
    assert record.short().get("rebooted") == (True if rebooted else None)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("naïve 日本", "naïve 日本"),
        ("a\nb\x00c\x1b[31m\x7f\x9b", "a?b?c?[31m??"),
        ("\ud800 \udfff", "? ?"),
        ("\u202eevil\u2028", "?evil?"),
    ],
)
def test_a_message_can_be_shown(tmp_path: Path, message: str, shown: str) -> None:
    record = read(tmp_path, whole(message=message))
    assert record is not None
    assert record.message == shown


GOOD = whole()
NUMBERS = ("code", "signal", "milliseconds", "cpuMilliseconds", "peakMemoryBytes", "oomKills")
TEXTS = ("reason", "message", "bootId")
WRONG: list[Any] = [None, [], {}, 1.0, True]  # for any of them
NO_NUMBER = [*WRONG, "1", -1, 1 << 63, float("inf"), float("nan")]


def with_oom_kills(text: str) -> bytes:
    """A record with what Python's JSON would not write."""
    return sealed(json.dumps(WHOLE).replace('"oomKills": 0', f'"oomKills": {text}'))


SPOILT = [
    # no page: the launcher was killed, or something else stands there
    b"", b"\0", bytes(4096), b"\xff" * 4096, GOOD[:7], GOOD[:100], GOOD[8:], b"\0\0\0\2" + bytes(4) + b"{}",
    # another length, checksum or byte; longer than the file may be
    b"\xff" + GOOD[1:], GOOD[:3] + bytes([GOOD[3] ^ 1]) + GOOD[4:], GOOD[:4] + bytes(4) + GOOD[8:],
    GOOD[:50] + bytes([GOOD[50] ^ 1]) + GOOD[51:], whole(message="x" * 4000),
    # no JSON, or no object, or more than one
    sealed(""), sealed("{"), sealed("[]"), sealed("1"), sealed("null"), sealed("{}"), sealed("\xff"), sealed("\0"),
    sealed("[" * 2000), sealed('{"code":' * 400), sealed("[" * 2000 + "]" * 2000), sealed("1e400"),
    sealed('"\\ud800"'), sealed("1" * 4050), sealed('{"code":0}\xff'), sealed('{"code":0}{}'),
    # a member that is missing, or none that the launcher writes
    *(sealed(json.dumps({key: WHOLE[key] for key in WHOLE if key != missing})) for missing in NUMBERS + TEXTS),
    *(whole(**{key: wrong}) for key in NUMBERS for wrong in NO_NUMBER),
    *(whole(**{key: wrong}) for key in TEXTS for wrong in WRONG),
    *(with_oom_kills(text) for text in ("1e400", "-0.0", "1" * 3500, "[" * 1500, "\0")),
    whole(reason=""), whole(reason="Completed"), whole(reason="\ud800"), whole(code=256), whole(signal=65),
]  # fmt: skip


@pytest.mark.parametrize("content", SPOILT)
def test_whatever_is_wrong_is_no_record(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content) is None


@given(
    st.one_of(
        st.binary(max_size=5000), st.binary(max_size=4088).map(page), st.text(max_size=1000).map(str.encode).map(page)
    )
)
def test_noise_is_no_record(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    assert read(tmp_path_factory.getbasetemp(), content) is None


NUMBER = st.integers(0, (1 << 63) - 1)


@given(st.text(max_size=300), NUMBER, NUMBER)
def test_every_record_fits_in_a_result(
    tmp_path_factory: pytest.TempPathFactory, message: str, one: int, other: int
) -> None:
    record = read(tmp_path_factory.getbasetemp(), whole(message=message, peakMemoryBytes=one, oomKills=other))
    assert record is not None
    assert json.loads(render(Result(0, record=record)))["exit"]["peak"] == one


def test_what_a_script_may_plant(tmp_path: Path) -> None:
    good = tmp_path / "good"
    good.write_bytes(GOOD)
    assert read_record(good, "") is not None
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to(good)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dir").mkdir()
    for name in ("fifo", "link", "loop", "dir", "missing"):
        assert read_record(tmp_path / name, "") is None


@pytest.mark.parametrize(
    ("content", "kills"),
    [
        (page(b'{"version":1,"oomKills":3}'), 3),
        (page(b'{"oomKills":3,"later":{}}'), 3),
        (page(b'{"oomKills":-1}'), 0),
        (page(b'{"oomKills":1e400}'), 0),
        (page(b'{"oomKills":true}'), 0),
        (page(b"{}"), 0),
        (page(b"[" * 2000), 0),
        (page(b'{"oomKills":3}')[:12], 0),
        (bytes(4096), 0),
        (b"", 0),
    ],
)
def test_noted_oom_kills(tmp_path: Path, content: bytes, kills: int) -> None:
    (tmp_path / "notes").write_bytes(content)
    assert noted_oom_kills(tmp_path / "notes") == kills
    assert noted_oom_kills(tmp_path / "none") == 0
    os.mkfifo(tmp_path / "fifo")
    assert noted_oom_kills(tmp_path / "fifo") == 0


def test_the_format(tmp_path: Path) -> None:
    """The bytes themselves, as the launcher's tests have them too: length, CRC-32 of zlib, JSON, zeros."""
    text = json.dumps(WHOLE).encode()
    content = len(text).to_bytes(4, "big") + zlib.crc32(text).to_bytes(4, "big") + text
    assert content.ljust(4096, b"\0") == GOOD
    assert read(tmp_path, content) == read(tmp_path, GOOD) == read(tmp_path, GOOD + b"more") is not None
