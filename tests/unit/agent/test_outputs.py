from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from processing_agent.engines import PutStream
from processing_agent.journal import Journal
from processing_agent.outputs import DENIALS, SMALL, Outputs, OutputTally
from processing_agent.paths import Beneath
from processing_agent.plan import Output
from processing_agent.progress import Counts
from processing_agent.s3.faults import Kind, StoreFault
from processing_agent.s3.uri import parse
from processing_agent.tally import Item
from tests.unit.agent.fakes import FakeEngine

if TYPE_CHECKING:
    from pathlib import Path


def output(name: str, *, archive: str | None = None) -> Output:
    return Output(name, f"/opt/ml/{name}", name, parse(f"s3://{name}/r"), "Always", archive, required=False)


@dataclass
class Run:
    outputs: Outputs
    engine: FakeEngine
    journal: Journal
    tally: OutputTally


def begin(root: Path, *outputs: Output) -> Run:
    (root / "state").mkdir(exist_ok=True)
    (root / "ws").mkdir(exist_ok=True)
    tally = OutputTally([Item() for _ in outputs], Counts("Uploading"))
    journal = Journal(root / "state" / "j", survives_reboot=True)
    run = Outputs(outputs, Beneath(root / "ws"), root / "state", journal=journal, tally=tally)
    return Run(run, FakeEngine(tally), journal, tally)


def write(root: Path, *names: str, size: int = 1) -> None:
    for name in names:
        path = root / "ws" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(size)


def test_small_files_go_first_archives_and_large_ones_last(tmp_path: Path) -> None:
    write(tmp_path, "one/big", size=SMALL + 1)
    write(tmp_path, "one/small", "two/x", "three/m")
    run = begin(tmp_path, output("one"), output("two"), output("three", archive="m.tar.gz"))
    run.outputs.run(run.engine)
    assert set(run.engine.sent[:2]) == {"r/small", "r/x"}
    assert set(run.engine.sent[2:]) == {"r/big", "r/m.tar.gz"}
    assert run.outputs.found == [2, 1, 1]
    assert run.tally.counts.total_objects == 4
    assert run.tally.counts.total_bytes is None


def test_a_second_run_sends_only_what_is_missing_and_doubts_what_was_under_way(tmp_path: Path) -> None:
    write(tmp_path, *(f"one/{n}" for n in range(10)))
    first = begin(tmp_path, output("one"))
    first.outputs._walk_all()
    for ordinal in (0, 1, 3):
        first.journal.done(ordinal)
    second = begin(tmp_path, output("one"))
    second.outputs.run(second.engine)
    assert len(second.engine.sent) == 7
    assert second.engine.doubtful == second.engine.sent[: second.engine.in_flight]
    assert (second.tally.items[0].objects, second.tally.counts.objects) == (10, 10)


@pytest.mark.parametrize(("kind", "tries"), [(Kind.DENIED, DENIALS), (Kind.NO_BUCKET, 1), (Kind.REJECTED, 30)])
def test_a_hopeless_output_is_given_up_and_the_others_are_not(tmp_path: Path, kind: Kind, tries: int) -> None:
    write(tmp_path, *(f"bad/{n:02}" for n in range(30)), "good/x")
    run = begin(tmp_path, output("bad"), output("good"))
    run.engine.refuses["bad"] = StoreFault(kind, "no")
    run.outputs.run(run.engine)
    assert run.engine.sent == ["r/x"]
    assert run.tally.items[0].failures == 30
    assert len(run.tally.items[0].faults) == min(tries, 20)


def test_an_empty_directory_is_no_archive(tmp_path: Path) -> None:
    write(tmp_path, "other/x")
    run = begin(tmp_path, output("one", archive="m.tar.gz"))
    run.outputs.run(run.engine)
    assert run.engine.sent == []
    assert run.outputs.found == [0]


def test_an_archive_is_the_same_each_time_it_is_opened(tmp_path: Path) -> None:
    write(tmp_path, "one/b", "one/a/c", size=70_000)
    run = begin(tmp_path, output("one", archive="m.tar.gz"))
    run.outputs._walk_all()
    (put,) = run.outputs._requests(small=False, doubtful=0)
    assert isinstance(put, PutStream)
    assert b"".join(put.open()) == b"".join(put.open())


def test_a_member_that_becomes_a_link_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, "one/a", "one/b")
    (tmp_path / "ws/one/a").write_bytes(os.urandom(3 << 20))  # so much that the stream begins before b is its turn
    run = begin(tmp_path, output("one", archive="m.tar.gz"))
    run.outputs._walk_all()
    (put,) = run.outputs._requests(small=False, doubtful=0)
    assert isinstance(put, PutStream)
    stream = put.open()
    next(stream)
    (tmp_path / "ws/one/b").unlink()
    (tmp_path / "ws/one/b").symlink_to("/etc/passwd")
    with pytest.raises(StoreFault, match="b cannot be read"):
        list(stream)
