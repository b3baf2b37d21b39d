from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing_agent.s3.collisions import Claim, KeyCollision, check


def claims(*paths: str) -> list[Claim]:
    """A path that ends in a slash is a directory."""
    return in_order(Claim(p.rstrip("/"), p.endswith("/"), f"object {p}") for p in paths)


def in_order(found: Iterable[Claim]) -> list[Claim]:
    return sorted(found, key=lambda claim: (claim.path, claim.is_directory))


@pytest.mark.parametrize(
    "paths",
    [
        ("a", "b", "a-b"),
        ("a/b", "a-b", "a.b", "aa/b"),
        ("a/", "a/b"),
        ("a/", "a/"),
        ("ab", "a/b", "a/bc"),
        ("a", "a-x/b", "a.x"),
    ],
)
def test_no_collision(paths: tuple[str, ...]) -> None:
    check(claims(*paths))


@pytest.mark.parametrize(
    ("paths", "both"),
    [
        (("a", "a"), ("a", "a")),
        (("a", "a/b"), ("a", "a/b")),
        (("a", "a-b", "a.b", "a/b/c"), ("a", "a/b/c")),
        (("a", "a/"), ("a", "a/")),
        (("a", "a-b", "a/b/"), ("a", "a/b/")),
        (("x/a", "x/a!", "x/a!!", "x/a/b"), ("x/a", "x/a/b")),
    ],
)
def test_collision_names_both(paths: tuple[str, ...], both: tuple[str, str]) -> None:
    with pytest.raises(KeyCollision) as collision:
        check(claims(*paths))
    assert all(f"object {name} " in f"{collision.value} " for name in both)


def collide(one: Claim, other: Claim) -> bool:
    if one.is_directory and other.is_directory:
        return False
    if one.path == other.path:
        return True
    file_above = not one.is_directory and other.path.startswith(one.path + "/")
    return file_above or (not other.is_directory and one.path.startswith(other.path + "/"))


paths = st.lists(st.sampled_from("a-!"), min_size=1, max_size=2).map("".join)
trees = st.lists(st.lists(paths, min_size=1, max_size=3).map("/".join), max_size=6)


@given(trees, st.sets(st.integers(0, 5)))
def test_as_comparing_all_pairs(names: list[str], directories: set[int]) -> None:
    everything = in_order(Claim(name, i in directories, name) for i, name in enumerate(names))
    expected = any(collide(a, b) for a, b in itertools.combinations(everything, 2))
    try:
        check(everything)
    except KeyCollision:
        assert expected
    else:
        assert not expected
