from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing_agent.paths import segments
from processing_agent.s3.landing import Landing, land
from processing_agent.s3.names import MAX_PATH, UnsafeKey, shown, why_unsendable

BASE = "/opt/ml/processing/input"


@pytest.mark.parametrize(
    ("prefix", "key", "relative", "sibling"),
    [
        ("data/train/", "data/train/x/b.csv", "x/b.csv", False),
        ("data/train", "data/train/x/b.csv", "x/b.csv", False),
        ("data/a.csv", "data/a.csv", "a.csv", False),
        ("a.csv", "a.csv", "a.csv", False),
        ("data/a.csv", "data/a.csv.bak", "a.csv.bak", True),
        ("data/train", "data/train-x.csv", "train-x.csv", True),
        ("data/train", "data/train-01/f.csv", "train-01/f.csv", True),
        ("tr", "train/f.csv", "train/f.csv", True),
        ("", "k", "k", False),
        ("", "d/k", "d/k", False),
        ("data/", "data/ -%\n\"'é\x01", " -%\n\"'é\x01", False),
    ],
)
def test_where_an_object_lands(prefix: str, key: str, relative: str, sibling: bool) -> None:
    assert land(prefix, key, 1, BASE) == Landing(relative, is_directory=False, is_sibling=sibling)


@pytest.mark.parametrize(
    ("prefix", "key", "relative"),
    [("data/train", "data/train/", ""), ("data/train/", "data/train/", ""), ("data/", "data/train/", "train")],
)
def test_a_folder_object_is_a_directory(prefix: str, key: str, relative: str) -> None:
    assert land(prefix, key, 0, BASE) == Landing(relative, is_directory=True, is_sibling=False)


@pytest.mark.parametrize(
    ("prefix", "key", "why"),
    [
        ("", "../x", "'..'"),
        ("d/", "d/a/../b", "'..'"),
        ("d/", "d/.", "'.'"),
        ("d/", "d/a//b", "empty"),
        ("", "/abs", "empty"),
        ("d", "d//abs", "empty"),
        ("d/", "d/folder/", "empty"),
        ("d/", "d/a\0b", "NUL"),
        ("d/", "d/" + "s" * 256, "255"),
        ("d/", "d/" + "é" * 128, "255"),
        ("d/", "d/" + "/".join(["s" * 250] * 17), str(MAX_PATH)),
    ],
)
def test_unsafe_keys(prefix: str, key: str, why: str) -> None:
    with pytest.raises(UnsafeKey, match=why):
        land(prefix, key, 1, BASE)


keys = st.text(st.sampled_from("ab./-%\n\0é~") | st.characters(exclude_categories=["Cs"]), max_size=40)


@given(prefix=keys, rest=keys, size=st.integers(0, 2))
def test_nothing_lands_outside(prefix: str, rest: str, size: int) -> None:
    key = prefix + rest
    try:
        landing = land(prefix, key, size, BASE)
    except UnsafeKey as refused:
        landing, text = Landing("", is_directory=True, is_sibling=False), str(refused)
    else:
        text = ""
    assert all(c.isprintable() for c in text)
    path = os.path.normpath(f"{BASE}/{landing.relative}")
    assert path == (f"{BASE}/{landing.relative}" if landing.relative else BASE)
    assert path.startswith(BASE)
    assert "\0" not in path
    assert all(part not in {b"", b".", b".."} for part in segments(landing.relative))
    assert key.removesuffix("/").endswith(landing.relative)


def test_names_are_shown_on_one_line_of_bounded_length() -> None:
    assert shown("a\nb\x1b[31m\\") == "a\\nb\\x1b[31m\\\\"
    assert len(shown("x" * 5000)) < 200
    assert shown("\udcff") == "\\udcff"


@pytest.mark.parametrize(
    ("key", "why"), [("k" * 1024, ""), ("k" * 1025, "1025"), ("é" * 513, "1026"), ("\udcff", "UTF-8")]
)
def test_names_that_cannot_be_keys(key: str, why: str) -> None:
    assert why in why_unsendable(key)
    assert bool(why) is bool(why_unsendable(key))
