"""Where generated keys land: no escape, no unreported collision, nothing refused without need, no exception.

A property over many keys, in a plain seeded loop: 20,000 in a default run, as many as `--landing-keys` says else
(1,000,000 is the figure to pass before a release). The oracles here are written apart from the code: a path's meaning
is the file system's own (`normpath`), a collision is what a dictionary of files and directories finds.
"""

from __future__ import annotations

import os.path
import random
from collections.abc import Iterator

import pytest

from processing_agent.s3.collisions import Claim, KeyCollision, check
from processing_agent.s3.landing import Landing, land
from processing_agent.s3.names import UnsafeKey

BASE = "/opt/ml/processing/input"
BATCH = 12  # keys below one prefix: few enough that many batches are free of collisions
SEGMENTS = (
    ["a", "b", "ab", "a-b", "a.b", "a b", "A"] * 4
    + ["", ".", "..", "...", ".a", "..a", "a..", "-", "~", "%2e%2e", "%2F", "\\", "\\..\\", "a\n", "\x01", "\x7f", "\t"]
    + ["é", "e\u0301", "☃", "𝄞", "\u202e", "\ufeff", "\ud7ff", "\uffff", "\0", "a\0b", "s" * 255, "s" * 256]
    + ["é" * 127, "é" * 128, "☃" * 85, "☃" * 86, "/".join(["s" * 250] * 16), "/".join(["s" * 250] * 17)]
)
PREFIXES = ["", "a", "a/", "ab", "a/b", "a/b/", "/", "a//", "..", "../", "é", "a.b", ".", "%2e%2e/"]


def generate(source: random.Random, prefix: str) -> tuple[str, int]:
    """Make a key below a prefix, as a listing might give it, and a size."""
    rest = "/".join(source.choices(SEGMENTS, k=source.choice((1, 1, 2, 2, 3, 4))))
    if source.random() < 0.3:
        rest = "/" + rest
    if source.random() < 0.1:
        rest += "/"
    return prefix + rest, source.choice((0, 1))


def batches(count: int) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    source = random.Random(20_26)  # noqa: S311 - the same each time
    for _ in range(-(-count // BATCH)):
        prefix = source.choice(PREFIXES)
        # a store lists each key once
        yield prefix, list(dict(generate(source, prefix) for _ in range(BATCH)).items())


def has_place(relative: str) -> bool:
    """Tell by Linux's own rules whether a name below BASE is one that can be written, and stays there."""
    path = f"{BASE}/{relative}"
    longest = max(len(part.encode()) for part in relative.split("/"))
    return (
        bool(relative)
        and os.path.normpath(path) == path
        and path.startswith(BASE + "/")
        and "\0" not in path
        and longest <= 255
        and len(path.encode()) < 4096
    )


def expected_rest(prefix: str, key: str) -> str:
    """What S3Prefix leaves of a key, said in another way: cut at the last slash that belongs to the prefix."""
    at = len(prefix) + 1 if key[len(prefix) :].startswith("/") and prefix and not prefix.endswith("/") else 0
    return key[at or prefix.rfind("/") + 1 :]


def landed(prefix: str, key: str, size: int) -> Landing | None:
    """Land a key and compare with the oracle; None: it was refused, rightly."""
    rest = expected_rest(prefix, key)
    folder = key.endswith("/") and size == 0
    wanted = rest.removesuffix("/") if folder else rest
    possible = has_place(wanted) or (folder and not wanted)
    if not possible:
        with pytest.raises(UnsafeKey) as refused:
            land(prefix, key, size, BASE)
        assert str(refused.value).isprintable()
        return None
    landing = land(prefix, key, size, BASE)
    assert (landing.relative, landing.is_directory) == (wanted, folder), (prefix, key)
    return landing


class Disk:
    """Files and directories as a file system would have them; tells what cannot be placed beside what is there."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._directories: set[str] = {""}

    def takes(self, landing: Landing) -> bool:
        path = landing.relative
        above = [path[:at] for at, char in enumerate(path) if char == "/"]
        if landing.is_directory:
            above.append(path)
        elif path in self._files or path in self._directories:
            return False
        else:
            self._files.add(path)
        self._directories.update(above)
        return not self._files.intersection(above)


def test_generated_keys(request: pytest.FixtureRequest) -> None:
    count = request.config.getoption("--landing-keys")
    keys = refused = collisions = clean = 0
    for prefix, listed in batches(count):
        landings = [(key, landed(prefix, key, size)) for key, size in listed]
        keys += len(listed)
        refused += sum(landing is None for _, landing in landings)
        there = [(key, landing) for key, landing in landings if landing is not None]
        disk = Disk()
        fits = all([disk.takes(landing) for _, landing in there])  # noqa: C419 - every one of them is placed
        claims = [Claim(found.relative, found.is_directory, key) for key, found in there]
        claims.sort(key=lambda claim: (claim.path, claim.is_directory))
        try:
            check(claims)
        except KeyCollision:
            assert not fits, (prefix, there)
            collisions += 1
        else:
            assert fits, (prefix, there)
            clean += 1
    assert keys >= count * 0.9  # keys that were generated twice count once
    assert min(refused, collisions, clean) > count / 200, "the generator reaches every case"
