"""Sentences for people: durations, exit codes, and what to do next."""

from __future__ import annotations

from datetime import timedelta

import pytest

from processing_operator.api.reasons import Reason
from processing_operator.domain import events
from processing_operator.domain.wording import (
    MESSAGE_LIMIT,
    NEXT_STEP,
    clip,
    code_text,
    human_duration,
    join,
    with_next_step,
)

MINUTE, HOUR, DAY = 60, 3600, 86400
# as apimachinery's pkg/util/duration has it: HumanDuration
DURATIONS: list[tuple[float, str]] = [
    (-5, "0s"),
    (0, "0s"),
    (0.9, "0s"),
    (1.5, "1s"),
    (119.9, "119s"),
    (2 * MINUTE, "2m"),
    (2 * MINUTE + 1, "2m1s"),
    (7 * MINUTE + 12, "7m12s"),
    (10 * MINUTE - 1, "9m59s"),
    (10 * MINUTE, "10m"),
    (95 * MINUTE + 59, "95m"),
    (3 * HOUR - 1, "179m"),
    (3 * HOUR, "3h"),
    (5 * HOUR + 3 * MINUTE + 59, "5h3m"),
    (8 * HOUR - 1, "7h59m"),
    (8 * HOUR, "8h"),
    (26 * HOUR, "26h"),
    (2 * DAY - 1, "47h"),
    (2 * DAY, "2d"),
    (3 * DAY + 4 * HOUR, "3d4h"),
    (8 * DAY - 1, "7d23h"),
    (8 * DAY, "8d"),
    (28 * DAY, "28d"),
]


@pytest.mark.parametrize(("seconds", "text"), DURATIONS)
def test_durations_are_as_kubectl_writes_them(seconds: float, text: str) -> None:
    assert human_duration(timedelta(seconds=seconds)) == text


NO_STEP = {
    Reason.STOP_REQUESTED,  # somebody has asked for it: nothing is left to do
    # never an end: the message quotes who holds the job back
    Reason.INPUT_JOB_PENDING,
    Reason.UNSCHEDULABLE,
    Reason.SCHEDULING_GATED,
    Reason.NOT_STARTING,
    Reason.PREDECESSOR_UPLOADS,
    Reason.POD_TERMINATING,
}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_says_what_to_do_next(reason: Reason) -> None:
    assert (reason in NEXT_STEP) is (reason not in NO_STEP)
    text = with_next_step("it failed.", reason)
    assert text == ("it failed." if reason in NO_STEP else f"it failed. Next: {NEXT_STEP[reason]}")


def test_no_next_step_is_of_a_reason_that_there_is_not() -> None:
    assert set(NEXT_STEP) <= set(Reason)


WORDS = [
    *Reason,
    events.CREATED,
    events.RESTARTED,
    events.ATTEMPT_LOST,
    events.INPUTS_NOTICE,
    events.OUTPUTS_NOTICE,
    events.RESTART_RULES_DROPPED,
]


@pytest.mark.parametrize("word", WORDS)
def test_every_reason_is_one_short_word(word: str) -> None:
    assert word.isalpha()
    assert word[0].isupper()
    assert len(word) <= 32


CODES: list[tuple[int, str]] = [
    (0, "exit code 0"),
    (1, "exit code 1"),
    (128, "exit code 128"),
    (137, "exit code 137 (SIGKILL)"),
    (139, "exit code 139 (SIGSEGV)"),
    (143, "exit code 143 (SIGTERM)"),
    (255, "exit code 255"),
    (-1, "exit code -1"),
    (10**9, "exit code 1000000000"),
]


@pytest.mark.parametrize(("code", "text"), CODES)
def test_codes_are_told_with_their_signal(code: int, text: str) -> None:
    assert code_text(code) == text


@pytest.mark.parametrize(
    ("parts", "text"), [((), ""), (("a",), "a"), (("a.", "", " ", "b. "), "a; b"), (("e.g. a.b",), "e.g. a.b")]
)
def test_parts_are_joined_to_one_sentence(parts: tuple[str, ...], text: str) -> None:
    assert join(*parts) == text


@pytest.mark.parametrize("length", [0, MESSAGE_LIMIT, MESSAGE_LIMIT + 1, 10**6])
def test_texts_are_cut(length: int) -> None:
    text = clip("x" * length)
    assert len(text) == min(length, MESSAGE_LIMIT)
    assert text.endswith("...") is (length > MESSAGE_LIMIT)


def test_next_step_is_told_however_long_the_words_before() -> None:
    """An end that is decided is read back from its condition, which holds no more."""
    text = with_next_step("x" * 10**6, Reason.SCRIPT_FAILED, log="kubectl logs p")
    assert len(text) == 2048
    assert text.endswith("... Next: read the script's log: kubectl logs p")
