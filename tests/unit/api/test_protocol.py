"""The signal annotation: what asks for a stop, and that nothing in it is an error."""

import pytest

from processing_operator.api.protocol import asks_to_stop, stop_signal

AT = "2026-01-01T00:00:00Z"

SIGNALS = [
    ("none", "", False),
    ("stop", stop_signal(AT), True),
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


def test_the_signal_is_canonical_json() -> None:
    assert stop_signal(AT) == '{"stop":"2026-01-01T00:00:00Z"}'
