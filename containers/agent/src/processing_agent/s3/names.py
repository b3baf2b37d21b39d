"""Which names may become paths, and how a name is shown to people."""

from __future__ import annotations

MAX_SEGMENT = 255  # NAME_MAX of Linux file systems
MAX_PATH = 4095  # PATH_MAX counts the final NUL
MAX_KEY = 1024  # bytes of UTF-8, by S3
SHOWN = 160  # characters of a name in a message: two of them and the rest fit in 600 bytes


class UnsafeKey(Exception):  # noqa: N818 - named for what is so
    """A key that cannot become a path below its directory."""


def encoded(name: str) -> bytes:
    """Give the name's bytes, as they are on disk (bytes that are not UTF-8 travel as surrogates)."""
    return name.encode("utf-8", "surrogateescape")


def shown(name: str) -> str:
    """Escape a name for a message: one line, nothing that moves a terminal's cursor, bounded length."""
    begin = name[: SHOWN + 1]  # whatever follows is not shown
    text = "".join(c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode("ascii") for c in begin)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(encoded(name))} bytes)"


def why_unsafe(relative: str, directory: str) -> str:
    """Tell why `relative` cannot be a path below the absolute `directory`; empty when it can."""
    if "\0" in relative:
        return "it holds a NUL"
    for segment in relative.split("/"):
        if segment == "":
            return "it has an empty segment (a slash at its beginning or end, or two in a row)"
        if segment in {".", ".."}:
            return f"it has a segment {segment!r}"
        if len(encoded(segment)) > MAX_SEGMENT:
            return f"a segment is longer than {MAX_SEGMENT} bytes"
    if len(encoded(directory)) + 1 + len(encoded(relative)) > MAX_PATH:
        return f"its path is longer than {MAX_PATH} bytes"
    return ""


def why_unsendable(key: str) -> str:
    """Tell why no object can have this key; empty when one can."""
    try:
        key.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    if len(encoded(key)) > MAX_KEY:
        return f"its key would have {len(encoded(key))} bytes, S3 allows {MAX_KEY}"
    return ""
