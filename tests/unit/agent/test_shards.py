"""Objects dealt out among hosts: every one to exactly one of them, evenly, whatever the order of the listing."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processing_agent.download import Download, Source
from processing_agent.engines import Listed
from processing_agent.journal import Journal
from processing_agent.paths import Beneath
from processing_agent.progress import Counts
from processing_agent.s3.collisions import KeyCollision
from processing_agent.s3.uri import parse
from processing_agent.tally import FirstFault, Item
from tests.unit.agent.fakes import FakeEngine

names = st.text("ab-.~é￿𝄞", min_size=1, max_size=4).filter(lambda name: name not in {".", ".."})


def share(root: Path, listing: list[Listed], shard: tuple[int, int] | None) -> tuple[list[str], Item]:
    """Give the keys that one host fetches, and what it counts."""
    (root / "ws").mkdir(parents=True)
    (root / "state").mkdir()
    tally = FirstFault([Item()], Counts("Downloading"))
    engine = FakeEngine(tally, listing)
    sources = [Source(parse("s3://b/d"), "/opt/ml/in", "in", shard)]
    with (
        contextlib.closing(Journal(root / "state" / "j", survives_reboot=False)) as journal,
        contextlib.closing(Beneath(root / "ws")) as workspace,
    ):
        Download(sources, workspace, root / "state", engine=engine, journal=journal, tally=tally).run()
        assert journal.marks["totals"] == [len(engine.fetched), len(engine.fetched)]
    assert sorted(path.name for path in (root / "state").iterdir()) == ["j", "objects.spool"]
    tally.items[0].settle()
    return engine.fetched, tally.items[0]


def found(*keys: str) -> list[Listed]:
    return [(key, 0 if key.endswith("/") else 1, '"e"') for key in keys]


@settings(max_examples=20)
@given(st.sets(names, min_size=1, max_size=12), st.integers(1, 5), st.randoms())
def test_shares_are_disjoint_even_and_together_everything(suffixes: set[str], count: int, order: random.Random) -> None:
    keys = sorted((f"d/{suffix}" for suffix in suffixes), key=str.encode)
    shares = []
    for index in range(count):
        listing = found(*keys)
        order.shuffle(listing)  # of each host's own
        with TemporaryDirectory() as directory:
            shares.append(share(Path(directory) / "host", listing, (index, count))[0])
    assert [sorted(one, key=str.encode) for one in shares] == [keys[index::count] for index in range(count)]
    assert sorted(key for one in shares for key in one) == sorted(keys)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_key_s_order_counts_and_not_its_place(tmp_path: Path) -> None:
    listing = found("d/z", "d-a", "d/a")  # `d-a` lands as `d-a`, between `a` and `z`, and is the first by key
    assert share(tmp_path / "0", listing, (0, 2))[0] == ["d-a", "d/z"]
    assert share(tmp_path / "1", listing, (1, 2))[0] == ["d/a"]


def test_a_host_without_an_object_is_fine(tmp_path: Path) -> None:
    fetched, item = share(tmp_path, found("d/a"), (2, 3))
    assert (fetched, item.state) == ([], "E")


def test_folders_are_made_on_every_host_and_are_no_share(tmp_path: Path) -> None:
    listing = found("d/a", "d/b/", "d/c", "d/e/")
    for index, expected in enumerate((["d/a"], ["d/c"])):
        root = tmp_path / str(index)
        assert share(root, listing, (index, 2))[0] == expected
        assert (root / "ws/in/b").is_dir()
        assert (root / "ws/in/e").is_dir()


@pytest.mark.parametrize("index", [0, 1, 2])
def test_names_are_checked_alike_on_all_hosts(tmp_path: Path, index: int) -> None:
    with pytest.raises(KeyCollision, match=r"d/a .*d/a/b"):
        share(tmp_path, found("d/a", "d/a/b", "d/c"), (index, 3))
