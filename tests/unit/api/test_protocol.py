"""The signal annotation: what asks for a stop, and that nothing in it is an error."""

import pytest

from processing_operator.api.protocol import ENDED, STOP, asks_to_stop, signal, tells_end

AT = "2026-01-01T00:00:00Z"

SIGNALS = [
    ("none", "", False),
    ("stop", signal("", AT, STOP), True),
    ("stop among others", f'{{"stop":"{AT}","upload":"retry@{AT}","later":[1]}}', True),
    ("no stop", f'{{"upload":"retry@{AT}"}}', False),
    ("empty", '{"stop":""}', False),
    ("null", '{"stop":null}', False),
    ("true", '{"stop":true}', False),
    ("a word", "stop", False),
    ("a JSON word", '"stop"', False),
    ("a list", '["stop"]', False),
    ("cut off", '{"stop":"2026', False),
    ("nested without end", "[" * 100_000, False),
    ("a number too long to read", '{"stop":' + "9" * 5000 + "}", False),
    ("NUL", "\0", False),
]


@pytest.mark.parametrize(("value", "stops"), [row[1:] for row in SIGNALS], ids=[row[0] for row in SIGNALS])
def test_what_asks_to_stop(value: str, stops: bool) -> None:
    assert asks_to_stop(value) is stops


LATER = "2026-01-01T00:00:09Z"
# what was told, what is to be told now, and the annotation that says both
COMPOSED = [
    ("stop", "", [STOP], f'{{"stop":"{AT}"}}'),
    ("end", "", [ENDED], f'{{"ended":"{AT}"}}'),
    ("end after stop", f'{{"stop":"{LATER}"}}', [ENDED], f'{{"ended":"{AT}","stop":"{LATER}"}}'),
    ("stop after end", f'{{"ended":"{LATER}"}}', [STOP], f'{{"ended":"{LATER}","stop":"{AT}"}}'),
    ("both", "", [STOP, ENDED], f'{{"ended":"{AT}","stop":"{AT}"}}'),
    ("again", f'{{"stop":"{LATER}"}}', [STOP], f'{{"stop":"{LATER}"}}'),
    ("others stay", f'{{"upload":"retry@{LATER}"}}', [STOP], f'{{"stop":"{AT}","upload":"retry@{LATER}"}}'),
    ("what says nothing goes", '{"stop":"","x":1}', [STOP], f'{{"stop":"{AT}"}}'),
    ("what cannot be read goes", "[" * 5000, [ENDED], f'{{"ended":"{AT}"}}'),
]


@pytest.mark.parametrize(("told", "members", "value"), [row[1:] for row in COMPOSED], ids=[row[0] for row in COMPOSED])
def test_the_signal_says_all_that_was_told(told: str, members: list[str], value: str) -> None:
    assert signal(told, AT, *members) == value
    assert asks_to_stop(value) is ("stop" in value)
    assert tells_end(value) is ("ended" in value)
