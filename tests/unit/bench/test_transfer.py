"""The pure parts of the transfer benchmark."""

import os
import re
import signal
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from dev.bench.transfer import data, listing, nginx, plot, table, tools
from dev.bench.transfer.__main__ import PAGE, needed
from dev.bench.transfer.data import Object
from dev.bench.transfer.process import ClientFailedError, measure, own_memory
from dev.bench.transfer.rounds import order
from dev.bench.transfer.samples import Row, Sample, Series, Spread
from dev.bench.transfer.workloads import DATASETS, GIB, KIB, MIB, WORKLOADS, Dataset, Direction, chosen

OURS = tools.OURS


def series(tool: str, *values: tuple[float, float, float]) -> Series:
    return Series(tool, [Sample(*value) for value in values])


def row(*found: Series, title: str = "down 1 x 2 GiB", aim: float | None = 0.65) -> Row:
    return Row("down-large", title, "nginx", aim, aim, found)


MINE = series(OURS, (2.0, 1.0, 40), (4.0, 1.5, 50), (3.0, 1.2, 45))
THEIRS = series("s5cmd", (4.0, 4.0, 60), (6.0, 6.0, 61), (5.0, 4.8, 62))
BROKEN = Series("rclone", [Sample(1, 1, 1)], "ended with 1: no | `such`\nthing")
SETTING = table.Setting("2026-01-01", 2, (0.5, 1.25), 0.1, 3, OURS, "s5cmd 2.3.0")


@pytest.mark.parametrize(
    ("values", "spread"),
    [
        ([3.0], Spread(3.0, 3.0, 3.0, 1)),
        ([3.0, 1.0, 2.0], Spread(2.0, 1.0, 3.0, 3)),
        ([4.0, 1.0], Spread(2.5, 1.0, 4.0, 2)),
    ],
)
def test_a_spread_is_median_min_and_max(values: list[float], spread: Spread) -> None:
    assert Spread.of(values) == spread


@pytest.mark.parametrize(
    ("found", "ratios"),
    [
        ((MINE, THEIRS), (3.0 / 5.0, 1.2 / 4.8)),
        ((MINE,), None),
        ((THEIRS,), None),
        ((MINE, Series("s5cmd", THEIRS.samples, "failed later")), None),
        ((MINE, series("s5cmd", (0.0, 0.0, 1))), None),
    ],
)
def test_ratios_are_of_medians_and_only_of_what_counts(
    found: tuple[Series, ...], ratios: tuple[float, float] | None
) -> None:
    assert row(*found).ratios(OURS) == (pytest.approx(ratios) if ratios else None)


def test_the_table_has_ratios_beside_the_aims_and_every_tool() -> None:
    text = table.section(SETTING, [row(MINE, THEIRS, BROKEN)], "transfer.svg")
    assert "| down 1 x 2 GiB | nginx | 0.60 | ≤ 0.65 | 0.25 | ≤ 0.65 | 50 | ≤ 64 |" in text
    assert "| down 1 x 2 GiB | nginx | s5cmd | 3 | 5.00 (4.00-6.00) | 4.80 (4.00-6.00) | 62 |" in text
    assert "load average 0.5 before and 1.2 after; 3 rounds" in text
    assert "Sizes are scaled by 0.1," in text
    assert "- rclone, down 1 x 2 GiB (nginx): `ended with 1: no / 'such' thing`" in text
    assert "| rclone |" not in text


def test_a_row_without_ratio_or_aim_says_so() -> None:
    (line,) = table.ratios([row(THEIRS, title="up 1 x 2 GiB, TLS", aim=None)], OURS)[2:]
    assert line == "| up 1 x 2 GiB, TLS | nginx | - | - | - | - | - | ≤ 80 |"


def test_the_measured_part_of_a_page_is_replaced_and_nothing_else() -> None:
    page = f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n"
    once = table.inserted(page, "new\n")
    assert once == f"before\n{table.BEGIN}\nnew\n{table.END}\nafter\n"
    assert table.inserted(once, "new\n") == once
    with pytest.raises(ValueError, match="has no"):
        table.inserted("no marks", "new\n")


def test_the_docs_have_the_marks() -> None:
    assert table.inserted(PAGE.read_text(), "x\n")


def test_the_plot_is_valid_and_has_bars_and_aims() -> None:
    rows = [row(MINE, THEIRS), row(MINE, THEIRS, title="a & b <c>", aim=None), row(MINE, title="alone")]
    root = ET.fromstring(plot.svg(rows, OURS))  # noqa: S314 - our own text
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "a & b <c>" in texts
    assert "alone" not in texts
    assert texts.count("0.60") == 2
    bars = [e for e in root.iter("{http://www.w3.org/2000/svg}rect") if e.get("height") in {"12", "14"}]
    # the legend, two bars a row that has a ratio, two aims for the one with aims
    assert len(bars) == 3 + 4 + 2
    assert all(float(e.get("width", "0")) > 0 for e in bars)


@pytest.mark.parametrize("ratio", [0.01, 0.5, 1.0, 80.0])
def test_every_ratio_lies_on_the_axis(ratio: float) -> None:
    axis = plot.Axis([ratio])
    assert plot._LEFT <= axis.x(ratio) <= plot._LEFT + plot._WIDTH
    assert axis.x(0.5) < axis.x(1) < axis.x(2)


def test_nginx_configuration_is_complete() -> None:
    text = nginx.config(Path("/made/up"), nginx.Ports(20001, 20002), root=True)
    assert "user root;" in text
    assert "listen 127.0.0.1:20001 backlog" in text
    assert "listen 127.0.0.1:20002 ssl" in text
    assert "alias /made/up/src/;" in text
    assert "$uri $sum" in text  # nginx's own variables keep their dollar
    assert "$$" not in text
    assert text.count("{") - text.count("}") == 0
    assert "user root" not in nginx.config(Path("/made/up"), nginx.Ports(1, 2), root=False)


def test_checksums_are_mapped_by_path() -> None:
    assert nginx.sums([Object("one/000000", 3, '"e"', "AAA=")]) == '"/bench/one/000000" "AAA=";\n'


def test_lists_come_in_pages_that_name_the_next() -> None:
    objects = [Object(f"small/{n:06d}", n, f'"e-{n}"', "") for n in range(2001)]
    pages = list(listing.pages("small", objects))
    assert [file for file, _ in pages] == ["small-0.xml", "small-1.xml", "small-2.xml"]
    assert [re.findall("<NextContinuationToken>(.*?)<", text) for _, text in pages] == [
        ["toksmall-1"],
        ["toksmall-2"],
        [],
    ]
    space = "{http://s3.amazonaws.com/doc/2006-03-01/}"
    last = ET.fromstring(pages[2][1])  # noqa: S314 - our own text
    assert last.findtext(f"{space}IsTruncated") == "false"
    found = last.find(f"{space}Contents")
    assert found is not None
    assert [found.findtext(space + name) for name in ("Key", "ETag", "Size")] == ["small/002000", '"e-2000"', "2000"]


@pytest.mark.parametrize(
    ("dataset", "scaled"),
    [
        (Dataset("one", 1, KIB), Dataset("one", 1, KIB)),
        (Dataset("large", 1, 2 * GIB), Dataset("large", 1, GIB // 5)),
        (Dataset("small", 20_000, KIB), Dataset("small", 2000, KIB)),
        (Dataset("few", 9, KIB), Dataset("few", 1, KIB)),
    ],
)
def test_scale_takes_from_the_count_or_from_the_size(dataset: Dataset, scaled: Dataset) -> None:
    found = dataset.scaled(0.1)
    assert (found.name, found.count) == (scaled.name, scaled.count)
    assert abs(found.size - scaled.size) <= KIB
    assert found.size % KIB == 0


def test_workloads_fit_their_datasets() -> None:
    names = {dataset.name for dataset in DATASETS}
    assert all(re.fullmatch("[a-z0-9]+", name) for name in names)  # the server's lists are found by it
    assert {workload.dataset for workload in WORKLOADS} <= names
    assert len({workload.name for workload in WORKLOADS}) == len(WORKLOADS)


def test_workloads_are_chosen_by_the_beginning_of_their_name() -> None:
    assert chosen([]) == WORKLOADS
    assert [w.name for w in chosen(["up-large"])] == ["up-large", "up-large-tls", "up-large-weed"]
    assert set(needed(chosen(["up-large"]), 1)) == {"one", "large", "storedlarge"}
    with pytest.raises(ValueError, match=r"no workload begins with 'sideways'; there are start-up,"):
        chosen(["sideways"])


def test_titles_say_what_is_moved() -> None:
    title = next(w for w in WORKLOADS if w.name == "up-large-tls").title(Dataset("large", 1, 2 * GIB))
    assert title == "up 1 x 2 GiB with CRC64NVME, TLS"
    assert str(Dataset("x", 20_000, 16 * KIB)) == "20,000 x 16 KiB"


def test_each_tool_begins_some_round() -> None:
    assert [order(["a", "b", "c"], number) for number in (0, 1, 3)] == [list("abc"), list("bca"), list("abc")]


@pytest.mark.parametrize(
    ("tool", "direction", "ends"),
    [
        (OURS, Direction.DOWN, ["s3://b/p/", "/f", "http://h"]),
        (OURS, Direction.UP, ["/f", "s3://b/p/", "http://h"]),
        ("s5cmd", Direction.DOWN, ["cp", "s3://b/p/*", "/f/"]),
        ("s5cmd", Direction.UP, ["cp", "/f/", "s3://b/p/"]),
        ("obstore", Direction.UP, ["up", "http://h", "b", "p", "/f"]),
    ],
)
def test_commands(tmp_path: Path, tool: str, direction: Direction, ends: list[str]) -> None:
    program = tmp_path / "lib" / "python3.11" / "site-packages" / "s5cmd" / "bin" / "s5cmd"
    program.parent.mkdir(parents=True)
    program.touch()
    words = tools.command(tool, tools.Move(direction, "http://h", "b", "p", Path("/f")), tmp_path)
    assert words[-len(ends) :] == ends
    with pytest.raises(KeyError):
        tools.command("fcopy", tools.Move(direction, "http://h", "b", "p", Path("/f")), tmp_path)


def test_tools_see_no_setting_of_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    access = tools.Access(("key", "secret"), "r", tmp_path / "ca.pem", tmp_path)
    assert "AWS_PROFILE" not in tools.environment("s5cmd", access)
    assert tools.environment("ours (fast)", access)["PROCESSING_ENGINE"] == "fast"


def test_data_is_distinct_and_its_comparison_sees_a_byte(tmp_path: Path) -> None:
    dataset = Dataset("two", 2, MIB + 5)
    objects = data.write(dataset, tmp_path / "a", 0)
    data.write(dataset, tmp_path / "b", 0)
    data.compare(tmp_path / "a", tmp_path / "b")
    assert objects[0].checksum != objects[1].checksum
    assert objects[0].etag == data.static_etag((tmp_path / "a" / "000000").stat())
    with (tmp_path / "b" / "000001").open("r+b") as file:
        file.seek(MIB + 4)
        last = file.read(1)
        file.seek(MIB + 4)
        file.write(bytes([last[0] ^ 1]))
    with pytest.raises(data.NotEqualError, match="000001 has arrived with other bytes"):
        data.compare(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b" / "000000").unlink()
    with pytest.raises(data.NotEqualError, match="1 files are missing or left over, first 000000"):
        data.compare(tmp_path / "a", tmp_path / "b")


def test_memory_leaves_out_files_on_tmpfs() -> None:
    rollup = "55-7f ---p 00 [rollup]\nPss:  9000 kB\nPss_Anon:  2048 kB\nPss_File:  1024 kB\nPss_Shmem:  5928 kB\n"
    assert own_memory(rollup) == 3.0


def test_a_client_is_measured_with_its_children(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 0.15: pass"
    words = [
        sys.executable,
        "-c",
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}], check=True)",
    ]
    sample = measure(words, dict(os.environ), tmp_path / "log")
    assert sample.cpu >= 0.15
    assert sample.wall >= 0.15
    assert sample.memory > 1


def test_no_client_outlives_the_benchmark(tmp_path: Path) -> None:
    def ended(*_: object) -> None:
        raise InterruptedError

    before = signal.signal(signal.SIGALRM, ended)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(InterruptedError):
            measure(["sh", "-c", "echo $$; exec sleep 60"], dict(os.environ), tmp_path / "log")
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "log").read_text()), 0)


def test_a_failed_client_says_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(ClientFailedError, match="ended with 3: no such bucket"):
        measure(["sh", "-c", "echo no such bucket >&2; exit 3"], dict(os.environ), tmp_path / "log")
