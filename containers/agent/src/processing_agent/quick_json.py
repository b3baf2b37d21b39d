"""JSON without `json`, which brings `re` and `enum` and takes 11 ms to load: on the parts in C that it is made of.

tests/unit/agent/test_quick_json.py compares the two over generated values and texts.
"""

from __future__ import annotations

from _json import encode_basestring, encode_basestring_ascii, make_encoder, make_scanner

from processing_agent.light import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SPACE = " \t\n\r"


class _Rules:
    """What the scanner asks for: `json.JSONDecoder`'s defaults."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int = float, int
    parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.__getitem__


_scan = make_scanner(_Rules)  # type: ignore[arg-type]  # it takes whatever has these names


def loads(text: str | bytes) -> Any:
    """Read a value; bytes are UTF-8.

    Raises:
        ValueError: it is none.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    begin = len(text) - len(text.lstrip(SPACE))
    try:
        value, end = _scan(text, begin)
    except StopIteration as stop:
        raise ValueError(f"no JSON: a value is missing at character {stop.value}") from None
    except RecursionError:
        raise ValueError("no JSON: nested too deeply") from None
    if text[end:].strip(SPACE):
        raise ValueError(f"no JSON: there is more after its end at character {end}")
    return value


def _refused(value: object) -> None:
    raise TypeError(f"JSON has nothing for {type(value).__name__}")


def _encoder(quote: Callable[[str], str], colon: str = ":", comma: str = ",") -> Any:
    circles, indent, sort_keys, skip_keys, allow_nan = None, None, False, False, True
    return make_encoder(circles, _refused, quote, indent, colon, comma, sort_keys, skip_keys, allow_nan)


COMPACT = _encoder(encode_basestring_ascii)
UNICODE = _encoder(encode_basestring)  # compact too, with other characters as they are
SPACED = _encoder(encode_basestring_ascii, ": ", ", ")  # as people write it


def dumps(value: Any, how: Any = COMPACT) -> str:
    """Write a value, in one of the ways above.

    Raises:
        TypeError: JSON has nothing of this type.
    """
    return "".join(how(value, 0))
