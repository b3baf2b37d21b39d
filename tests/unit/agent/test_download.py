from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from processing_agent.download import TEMPORARY, Download, NothingFound, Source, TooLarge
from processing_agent.journal import Journal
from processing_agent.paths import Beneath
from processing_agent.progress import Counts
from processing_agent.s3.collisions import Claim, KeyCollision
from processing_agent.s3.uri import parse
from processing_agent.tally import FirstFault, Item
from tests.unit.agent.fakes import FakeEngine

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Run:
    """One run of a process: its journal, tally and engine are new, the directories are not."""

    download: Download
    engine: FakeEngine
    journal: Journal
    tally: FirstFault
    workspace: Beneath


def begin(root: Path, *keys: str, uris: tuple[tuple[str, str], ...] = (("s3://b/d", "in"),), size: int = 1) -> Run:
    (root / "ws").mkdir(exist_ok=True)
    (root / "state").mkdir(exist_ok=True)
    sources = [Source(parse(uri), f"/opt/ml/{base}", base) for uri, base in uris]
    tally = FirstFault([Item() for _ in sources], Counts("Downloading"))
    engine = FakeEngine(tally, [(key, 0 if key.endswith("/") else size, '"e"') for key in keys])
    journal = Journal(root / "state" / "j", survives_reboot=False)
    workspace = Beneath(root / "ws")
    download = Download(sources, workspace, root / "state", engine=engine, journal=journal, tally=tally)
    return Run(download, engine, journal, tally, workspace)


def files(root: Path) -> list[str]:
    return sorted(str(p.relative_to(root / "ws")) for p in (root / "ws").rglob("*") if p.is_file())


def test_a_second_run_fetches_only_what_is_missing(tmp_path: Path) -> None:
    first = begin(tmp_path, "d/a", "d/b", "d/c", "d/e/")
    first.download._list([])
    first.journal.done(0)
    first.workspace.write_whole("in/a", b"d/a")
    first.journal.done(1)  # killed between saying done and renaming
    first.workspace.write_whole(f"{TEMPORARY}/1", b"d/b")
    first.workspace.write_whole(f"{TEMPORARY}/2", b"half")

    second = begin(tmp_path)
    second.download.run()

    assert second.engine.fetched == ["d/c"]
    assert files(tmp_path) == ["in/a", "in/b", "in/c"]
    assert (tmp_path / "ws/in/b").read_bytes() == b"d/b"
    assert (tmp_path / "ws/in/e").is_dir()
    assert not (tmp_path / "ws" / TEMPORARY).exists()
    assert (second.tally.items[0].objects, second.tally.items[0].bytes) == (3, 3)
    assert (second.tally.counts.objects, second.tally.counts.total_objects) == (3, 3)


def test_a_listing_that_was_not_finished_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "objects.spool.partial").write_text('["in/gone",0,0,"d/gone",1,"e"]\n')
    run = begin(tmp_path, "d/a")
    run.download.run()
    assert files(tmp_path) == ["in/a"]


def test_nothing_found(tmp_path: Path) -> None:
    run = begin(tmp_path, "other/a", uris=(("s3://b/other/", "x"), ("s3://b/d", "in")))
    with pytest.raises(NothingFound, match="s3://b/d"):
        run.download.run()
    assert [item.state for item in run.tally.items] == ["W", "F"]
    assert files(tmp_path) == []


def test_too_large_for_the_disk(tmp_path: Path) -> None:
    run = begin(tmp_path, "d/a", size=1 << 60)
    with pytest.raises(TooLarge, match=str(1 << 60)):
        run.download.run()


def test_inputs_that_collide_with_each_other(tmp_path: Path) -> None:
    run = begin(tmp_path, "d/code/x", "e/x", uris=(("s3://b/d", "in"), ("s3://b/e", "in/code")))
    with pytest.raises(KeyCollision, match=r"d/code/x.*e/x|e/x.*d/code/x"):
        run.download.run()


@pytest.mark.parametrize(
    "other", [Claim("in/out", True, "output 'out'"), Claim("in/out", False, "key out of ConfigMap 'c'")]
)
def test_objects_do_not_take_the_place_of_others(tmp_path: Path, other: Claim) -> None:
    run = begin(tmp_path, "d/out")
    with pytest.raises(KeyCollision, match="d/out"):
        run.download.run([other])
    assert files(tmp_path) == []


def test_siblings_by_name_are_warned_about_after_a_restart_too(tmp_path: Path) -> None:
    begin(tmp_path, "d/a", "d-x").download._list([])
    again = begin(tmp_path)
    again.download.run()
    assert files(tmp_path) == ["in/a", "in/d-x"]
    assert "1 of 2" in again.download.warnings[0]


def test_one_exact_key_is_no_sibling(tmp_path: Path) -> None:
    run = begin(tmp_path, "d/a.csv", uris=(("s3://b/d/a.csv", "in"),))
    run.download.run()
    assert run.download.warnings == []
