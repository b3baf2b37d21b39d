"""What fetch and upload say, and what anybody may have put in its place."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

import json
from typing import Any

import pytest

from processing_operator.api.status import State, TransferProgress
from processing_operator.domain.decide import decide
from processing_operator.domain.results import (
    LARGEST_NUMBER,
    LONGEST_TEXT,
    ExitRecord,
    StageResult,
    clean,
    parse_result,
    read_progress,
)
from tests.unit.domain.builders import (
    FETCHED,
    Obj,
    at,
    begun,
    downloading,
    ended,
    facts,
    job,
    pod,
    record,
    result,
    runs,
    waiting,
    written,
)

SPEC: Obj = {
    "inputs": [{"name": "data", "path": "/opt/ml/processing/data", "s3": {"uri": "s3://data/in"}}],
    "outputs": [{"name": "out", "path": "/opt/ml/processing/out", "s3": {"uri": "s3://data/out"}}],
}
OK = {"code": 0, "reason": "Exited"}
WHITE, ODD = (
    "a b\u00e9\u4e2d\U0001f600",
    "\x00\x1b[31m\r\n\t\x7f\x85\u00ad\u061c\u200b\u200e\u202e\u2028\u2066\ufeff\udfff\ud800\ue000\U000e0041",
)


def test_result_is_read() -> None:
    parsed = parse_result('{"v":1,"reason":"R","message":"m","items":[[1,2,3,"C",4]],"errors":["a",1],"more":0}')
    assert parsed is not None
    assert (parsed.reason, parsed.message, parsed.errors, parsed.exit) == ("R", "m", ("a", ""), None)
    assert (parsed.items[0].objects, parsed.items[0].state) == (1, "C")
    parsed = parse_result(record("Signaled", 137, signal=9, oom=2, peak=7, message="m", rebooted=True))
    assert parsed is not None
    assert parsed.exit == ExitRecord(137, 9, "Signaled", 1000, 7, 2, "m", rebooted=True)


# texts that are no result at all
NO_RESULT: list[tuple[str, str]] = [
    ("nothing", ""),
    ("null", "null"),
    ("a number", "1e999"),
    ("not a number", "NaN"),
    ("cut off", "{"),
    ("a list", "[]"),
    ("another version", '{"v":2}'),
    ("2,000 brackets", "[" * 2000),
    ("2,000 braces", '{"v":' * 2000),
    ("100,000 brackets", "[" * 100_000),
    ("5,000 digits", '{"v":' + "1" * 5000 + "}"),
    ("a megabyte", '{"v":1,"message":"' + "x" * 2**20 + '"}'),
    ("a byte order mark", "\ufeff{}"),
    ("NUL", "\x00"),
    ("a lone surrogate", "\ud800"),
]
IDS = [row[0] for row in NO_RESULT]


@pytest.mark.parametrize("text", [row[1] for row in NO_RESULT], ids=IDS)
def test_what_is_no_result(text: str) -> None:
    assert parse_result(text) is None


@pytest.mark.parametrize("text", [row[1] for row in NO_RESULT], ids=IDS)
def test_what_is_no_progress(text: str) -> None:
    assert read_progress([text, f'{{"progress":{text}}}'], at(0)) is None


VALUES: list[tuple[str, str]] = [
    ("1e999", "1e999"),
    ("-1e999", "-1e999"),
    ("NaN", "NaN"),
    ("a fraction", "1.5"),
    ("negative", "-1"),
    ("2^63", str(2**63)),
    ("4,000 digits", "9" * 4000),
    ("true", "true"),
    ("null", "null"),
    ("a text", '"1"'),
    ("a huge text", '"' + "x" * 9000 + '"'),
    ("an empty text", '""'),
    ("surrogates, NUL, ESC", json.dumps(ODD)),
    ("an object", "{}"),
    ("a list", "[]"),
    ("900 brackets", "[" * 900 + "]" * 900),
    ("a list of anything", '[1e999,null,"\\ud800",[]]'),
]
"""What may stand where a text or a number is looked for."""

FIELDS = ["reason", "message", "errors", "items", "exit"]
EXIT_FIELDS = ["code", "signal", "reason", "ms", "peak", "oom", "message", "rebooted"]


def texts_of(parsed: StageResult) -> list[str]:
    end = parsed.exit or ExitRecord()
    return [
        parsed.reason,
        parsed.message,
        *parsed.errors,
        *(item.state for item in parsed.items),
        end.reason,
        end.message,
    ]


def numbers_of(parsed: StageResult) -> list[int]:
    end = parsed.exit or ExitRecord()
    counts = [number for item in parsed.items for number in (item.objects, item.bytes, item.milliseconds)]
    return [*counts, end.code, end.signal, end.milliseconds, end.peak_memory, end.oom_kills]


def check(parsed: StageResult | None) -> None:
    assert parsed is not None
    assert len(parsed.errors) <= 2
    for text in texts_of(parsed):
        assert text.isprintable()
        assert len(text) <= LONGEST_TEXT
    assert all(type(number) is int and 0 <= number <= LARGEST_NUMBER for number in numbers_of(parsed))


@pytest.mark.parametrize("value", [row[1] for row in VALUES], ids=[row[0] for row in VALUES])
@pytest.mark.parametrize(
    "field", [*FIELDS, *(f"exit.{name}" for name in EXIT_FIELDS), "items.0", "items.3", "errors.0"]
)
def test_whatever_stands_in_a_result_is_bounded_and_printable(field: str, value: str) -> None:
    """And so is what a job says that has it: its status can be written."""
    name, _, inner = field.partition(".")
    more = {
        "exit": json.dumps({**OK, inner: "@"}),
        "items": json.dumps([["@" if str(at) == inner else one for at, one in enumerate([1, 1, 1, "C"])]]),
        "errors": '["@","b","c"]',
    }
    told = more[name].replace('"@"', value) if inner else value
    text = f'{{"v":1,"{name}":{told}}}'
    check(parse_result(text))
    for code in (0, 64):
        for seen in (
            pod(phase="Failed", fetch=ended(code, 1, 3, message=text)),
            pod(fetch=FETCHED, upload=ended(code, 4, 9, message=text), script=ended(0, 4, 7)),
        ):
            check_status(seen)


def check_status(seen: Obj, progress: TransferProgress | None = None) -> None:
    census = job(status=begun(), **SPEC)
    actions = decide(census, facts(census, seen, progress=progress), at(30))
    status = written(actions)
    json.dumps(status.dump(), ensure_ascii=False).encode()
    assert (status.reason or "Reason").isalnum()
    assert len(status.reason or "") <= 63
    assert (status.message or "").isprintable()
    assert job(status=status.dump()).status == status
    for event in actions.events:
        assert event.reason.isalnum()
        assert len(event.reason) <= 63


# what a container gives as its reason; what the job's is
REASONS: list[tuple[str, str]] = [
    ("UploadDenied", "UploadDenied"),
    ("ReasonOfANewerAgent", "ReasonOfANewerAgent"),
    ("", "UploadFailed"),
    ("R" * 64, "UploadFailed"),
    ("R" * 63, "R" * 63),
    ("two words", "UploadFailed"),
    ("line\nbreak", "UploadFailed"),
    ("\u00e9t\u00e9", "UploadFailed"),
    ("9lives", "UploadFailed"),
]


@pytest.mark.parametrize(("reason", "expected"), REASONS)
def test_reason_is_one_short_word(reason: str, expected: str) -> None:
    told = ended(64, 4, 9, message=result(reason, "the words", exit=OK))
    census = job(status=begun(), **SPEC)
    seen = pod(fetch=FETCHED, upload=told, script=ended(0, 4, 7))
    status = written(decide(census, facts(census, seen), at(30)))
    assert (status.reason, "the words" in (status.message or "")) == (expected, True)


@pytest.mark.parametrize(
    "name", ["objects", "bytes", "totalObjects", "totalBytes", "retries", "error", "phase", "time"]
)
@pytest.mark.parametrize("value", [row[1] for row in VALUES], ids=[row[0] for row in VALUES])
def test_whatever_stands_in_a_line_of_progress_is_bounded_and_printable(name: str, value: str) -> None:
    told = json.dumps({"phase": "Downloading", "objects": 1, "bytes": 2, "error": "e", name: "@"}).replace('"@"', value)
    progress = read_progress([f'{{"progress":{told}}}'], at(5))
    if progress is None:
        assert name not in ("error", "time"), "comfort alone"
        return
    counts = [
        progress.objects,
        progress.bytes,
        progress.total_objects or 0,
        progress.total_bytes or 0,
        progress.retries,
    ]
    assert all(type(count) is int and 0 <= count <= LARGEST_NUMBER for count in counts)
    for text in (progress.last_error or "", str(progress.phase)):
        assert text.isprintable()
        assert len(text) <= LONGEST_TEXT
    assert progress.time == at(5), "a node's clock may be another"
    check_status(downloading(), progress)


def test_progress_is_read() -> None:
    told = {
        "phase": "Uploading",
        "objects": 1,
        "bytes": 2,
        "totalObjects": None,
        "totalBytes": 9,
        "retries": 3,
        "error": "503",
    }
    progress = read_progress([json.dumps({"progress": told})], at(5))
    assert progress is not None
    assert (progress.phase, progress.objects, progress.bytes) == (State.UPLOADING, 1, 2)
    assert (progress.total_objects, progress.total_bytes, progress.retries, progress.last_error) == (None, 9, 3, "503")
    quiet = read_progress([json.dumps({"progress": told | {"error": ""}})], at(5))
    assert quiet is not None
    assert quiet.last_error is None


LINES: list[tuple[str, list[str], int | None]] = [
    ("none", [], None),
    ("the last one counts", ["1", "2"], 2),
    ("other lines between", ["1", '{"message":"m"}', "", "\x00", "text"], 1),
    ("a hostile one at the end", ["1", "[" * 2000], 1),
    ("one that is too long at the end", ["1", "x" * 20000], 1),
    ("counts are missing", ['{"progress":{"phase":"Downloading"}}'], None),
    ("a list", ['{"progress":[1]}'], None),
]


@pytest.mark.parametrize(("lines", "objects"), [row[1:] for row in LINES], ids=[row[0] for row in LINES])
def test_progress_is_the_last_line_that_tells_of_it(lines: list[str], objects: int | None) -> None:
    full = [f'{{"progress":{{"phase":"Uploading","objects":{line},"bytes":9}}}}' if line in ("1", "2") else line for line in lines]  # fmt: skip
    progress = read_progress(full, at(5))
    assert (progress and progress.objects) == objects


@pytest.mark.parametrize("value", [None, 1, [], {}, True, b"bytes"])
def test_what_is_no_text_is_empty(value: Any) -> None:
    assert clean(value) == ""


def test_texts_keep_what_can_be_shown() -> None:
    assert clean(WHITE) == WHITE
    assert set(clean(ODD)) == {"\ufffd", *"[31m"}
    assert len(clean(ODD)) == len(ODD)
    assert clean("x" * 5000) == "x" * LONGEST_TEXT


# words of the kubelet, of registries, of scripts: they are others' as well
OTHERS: list[tuple[str, Obj]] = [
    ("long", pod(phase="Pending", fetch=waiting("CreateContainerError", "x" * 9000))),
    ("an image", pod(phase="Pending", fetch=waiting("ErrImagePull", "not found " * 2000))),
    ("a script's last message", pod(fetch=FETCHED, upload=runs(4), script=ended(3, 4, 7, message="\x1b[31m" + "x" * 5000))),
    ("an eviction", pod(phase="Failed", fetch=ended(137), status={"reason": "Evicted", "message": "y" * 9000})),
    ("a whole result", pod(phase="Failed", fetch=ended(64, message=result("R" * 900, "m" * 9000)))),
]  # fmt: skip


@pytest.mark.parametrize("seen", [row[1] for row in OTHERS], ids=[row[0] for row in OTHERS])
def test_long_words_of_others_are_cut(seen: Obj) -> None:
    check_status(seen)
