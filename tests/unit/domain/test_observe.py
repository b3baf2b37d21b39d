"""What is read out of raw Pods."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

import pytest

from processing_operator.domain.containers import read_container, read_time
from processing_operator.domain.names import pod_name
from processing_operator.domain.observe import read_pod
from processing_operator.domain.pods.env import escape
from processing_operator.domain.results import ExitRecord, parse_result
from tests.unit.domain.builders import FETCHED, Obj, at, ended, facts, job, pod, record, runs, waiting


@pytest.mark.parametrize(
    ("raw", "time"),
    [("2026-01-01T00:00:05Z", at(5)), ("2026-01-01T00:00:05.25Z", at(5.25)), ("1970-01-01T00:00:00Z", None), (None, None), ("", None)],
)  # fmt: skip
def test_times(raw: str | None, time: object) -> None:
    assert read_time(raw) == time


STARTED: list[tuple[str, Obj, bool]] = [
    ("waiting", waiting(), False),
    ("running", runs(), True),
    ("ended", ended(), True),
    ("start error", ended(128, None, reason="StartError"), False),
    ("cannot run", ended(127, 1, reason="ContainerCannotRun"), False),
    ("never seen by the kubelet", ended(137, None, reason="ContainerStatusUnknown"), False),
    ("restarted", waiting(last=ended(1), restarts=1), True),
]


@pytest.mark.parametrize(("raw", "started"), [row[1:] for row in STARTED], ids=[row[0] for row in STARTED])
def test_started(raw: Obj, started: bool) -> None:
    assert read_container(raw).started is started


def test_empty_pod_is_read() -> None:
    read = read_pod({"metadata": {"name": "p"}})
    assert (read.name, read.phase, read.attempt, read.script.state, read.restart_rules) == (
        "p",
        "Pending",
        0,
        "Absent",
        True,
    )


def test_pods_are_told_apart() -> None:
    census = job()
    seen = facts(census, pod(2), pod(1), pod(3, owner="another"), gone=pod(1))
    assert [(entry.attempt, entry.gone) for entry in seen.pods] == [(1, False), (2, False)]
    seen = facts(census, pod(2), gone=pod(1))
    assert [(entry.attempt, entry.gone) for entry in seen.pods] == [(1, True), (2, False)]


def test_containers_of_others() -> None:
    read = read_pod(pod(fetch=FETCHED, others=[{"name": "proxy", **runs()}]))
    assert read.others_running
    assert read.fetch.exit_code == 0


SANDBOX: list[tuple[str, Obj, bool]] = [
    ("usual", pod(fetch=ended(0, 1, 3), script=runs(4)), False),
    ("fetch restarted before", pod(fetch=ended(0, 2, 3, restarts=1), script=runs(4)), False),
    ("fetch again", pod(fetch=ended(0, 9, 10, restarts=1), script=ended(137, 4, 8)), True),
    ("fetch again, running", pod(fetch=runs(9, restarts=1), script=ended(137, 4, 8)), True),
]


@pytest.mark.parametrize(("raw", "lost"), [row[1:] for row in SANDBOX], ids=[row[0] for row in SANDBOX])
def test_sandbox_lost(raw: Obj, lost: bool) -> None:
    assert read_pod(raw).sandbox_lost is lost


def test_result_is_read() -> None:
    parsed = parse_result('{"v":1,"reason":"R","message":"m","items":[[1,2,3,"C",4]],"errors":["a",1]}')
    assert parsed is not None
    assert (parsed.reason, parsed.message, parsed.errors, parsed.exit) == ("R", "m", ("a",), None)
    assert (parsed.items[0].objects, parsed.items[0].state) == (1, "C")
    parsed = parse_result(record("Signaled", 137, signal=9, oom=2, peak=7, message="m"))
    assert parsed is not None
    assert parsed.exit == ExitRecord(137, 9, "Signaled", 1000, 7, 2, "m")


@pytest.mark.parametrize("text", ["", "null", "1", "{", '{"v":2}', "[" * 100000])
def test_what_is_no_result(text: str) -> None:
    assert parse_result(text) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("census", "census-1a2b3c4d-2-0"),
        ("a" * 63, f"{'a' * 40}-1a2b3c4d-2-0"),
        (f"{'a' * 39}-{'b' * 23}", f"{'a' * 39}-1a2b3c4d-2-0"),
    ],
)
def test_pod_names(name: str, expected: str) -> None:
    assert pod_name(job(name), 2) == expected


def expand(text: str) -> str:
    """Kubernetes' own expansion (k8s.io/kubernetes/third_party/forked/golang/expansion) with no variable defined."""
    out, at = "", 0
    while at < len(text):
        if text[at] == "$" and at + 1 < len(text):
            if text[at + 1] == "$":
                out, at = out + "$", at + 2
                continue
            if text[at + 1] == "(" and ")" in text[at:]:
                out, at = out + "EXPANDED", text.index(")", at) + 1
                continue
        out, at = out + text[at], at + 1
    return out


@pytest.mark.parametrize(
    "word", ["a", "$", "$$", "$$$", "$HOME", "$(HOME)", "$$(HOME)", "$$$(HOME)", "a$", "$()", "$(", "$)$("]
)
def test_strings_of_users_are_literal(word: str) -> None:
    assert expand(escape(word)) == word
