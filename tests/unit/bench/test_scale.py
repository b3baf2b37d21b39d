"""The pure parts of the benchmark of thousands of jobs."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from dev.bench.scale import kinds, meters, plot, results, table
from dev.bench.scale.__main__ import PAGE, SIZES, arguments, settings
from dev.bench.scale.api import JOB_LABEL, ended_at
from dev.bench.scale.kinds import JOB, POD, Setting
from dev.bench.scale.operator import settings as chart_settings
from dev.bench.scale.results import Rest, Row, Run
from dev.bench.scale.site import STAGES
from dev.bench.transfer.samples import Spread
from dev.bench.transfer.table import BEGIN, END
from processing_operator.api.names import LABEL_JOB
from processing_operator.api.v1alpha1 import ProcessingJob
from processing_operator.domain.results import parse_result

SETUP = table.Setup("2026-01-01", 2, "A processor", 0.4, 2, "v1.37.0")
SERVER = "kube-apiserver"


def run(seconds: float, operator: float = 0.0, **more: Any) -> Run:
    cpu = {SERVER: 30.0, **({meters.OPERATOR: operator} if operator else {})}
    return Run(100, seconds, 1.0, (0.1, 0.25, 0.3), cpu, **more)


REQUESTS = {"POST pods": 1.0, "PATCH processingjobs": 2.0, "GET pods": 1.5, "LIST pods": 0.001}
RULES = {"policy ms": 0.21, "CEL ms": 0.3}
JOBS = (run(10, 20, requests=REQUESTS, rules=RULES, peak=120), run(20, 24, requests=REQUESTS, rules=RULES, peak=130))
ROW = Row(Setting(1500, 20), (run(5), run(5)), JOBS)


def test_a_setting_spreads_its_objects_over_namespaces() -> None:
    keys = list(Setting(5, 2).keys())
    assert [namespace for namespace, _ in keys] == ["bench-scale-00", "bench-scale-01"] * 2 + ["bench-scale-00"]
    assert len(set(keys)) == 5
    assert Setting(1500, 20).title == "1,500 in 20 namespaces"
    assert Setting(100).title == "100 in one namespace"


@pytest.mark.parametrize(
    ("words", "chosen", "finished", "docs"),
    [
        ([], [*map(Setting, SIZES), Setting(1500, 20)], 10_000, True),
        (["--sizes", "100", "--runs", "1"], [Setting(100)], 0, False),
        (["--sizes", "7", "--spread", "40"], [Setting(7), Setting(40, 20)], 0, False),
        (["--sizes", "--finished", "50"], [], 50, False),
    ],
)
def test_chosen_sizes_are_a_quick_look(words: list[str], chosen: list[Setting], finished: int, docs: bool) -> None:
    options = arguments(words)
    assert (settings(options), options.finished, options.docs) == (chosen, finished, docs)


def test_the_job_is_one_of_the_api() -> None:
    job = ProcessingJob.model_validate(kinds.job("name"))
    assert len(job.spec.inputs) == len(job.spec.outputs) == 1
    assert JOB.everywhere == "/apis/processing-operator.dev/v1alpha1/processingjobs"
    assert POD.everywhere == "/api/v1/pods"
    assert JOB_LABEL == LABEL_JOB


def test_the_stages_leave_the_agents_results() -> None:
    templates = [stage["spec"]["next"].get("statusTemplate", "") for stage in yaml.safe_load_all(STAGES.read_text())]
    messages = [line.split("'")[1] for text in templates for line in text.splitlines() if "message: '" in line]
    fetched, ended = map(parse_result, messages)
    assert fetched is not None
    assert ended is not None
    assert [item.state for item in (*fetched.items, *ended.items)] == ["C", "C"]
    assert fetched.exit is None
    assert ended.exit is not None
    assert (ended.exit.reason, ended.exit.code) == ("Exited", 0)


@pytest.mark.parametrize(
    ("said", "micros"),
    [("2026-01-02T03:04:05.123456789Z", 123456), ("2026-01-02T03:04:05Z", 0), ("2026-01-02T03:04:05.1Z", 100000)],
)
def test_a_pods_end_is_read_to_the_microsecond(said: str, micros: int) -> None:
    conditions = [{"type": "PodScheduled"}, {"type": "Ready", "message": said}]
    expected = datetime(2026, 1, 2, 3, 4, 5, micros, UTC).timestamp()
    assert ended_at({"status": {"conditions": conditions}}) == expected


def test_cpu_is_read_whatever_the_process_is_called() -> None:
    fields = " ".join(map(str, range(3, 40)))
    assert meters.cpu_seconds(f"7 (a) b) {fields}") == (14 + 15) / meters._TICKS


def test_the_operators_requests_are_summed_by_kind() -> None:
    rows = (
        ("201", "pods", "POST", 3),
        ("409", "pods", "POST", 1),
        ("200", "leases", "PUT", 9),
        ("200", "pods", "WATCH", 9),
    )
    name = "processing_operator_api_requests_total"
    lines = [f'{name}{{code="{code}",resource="{what}",verb="{verb}"}} {n}.0' for code, what, verb, n in rows]
    assert meters.parsed_requests("\n".join(["other 1", *lines])) == {"POST pods": 4.0}


def test_rules_are_summed_over_all_labels() -> None:
    admission = "apiserver_admission_controller_admission_duration_seconds"
    policy = 'name="ValidatingAdmissionPolicy",operation='
    text = (
        f'{admission}_bucket{{{policy}"CREATE",le="1"}} 9\n{admission}_sum{{{policy}"CREATE"}} 0.5\n'
        f'{admission}_sum{{{policy}"UPDATE"}} 0.25\n{admission}_sum{{name="LimitRanger",operation="CREATE"}} 8\n'
        f'{admission}_count{{{policy}"CREATE"}} 4\napiserver_cel_evaluation_duration_seconds_sum 0.125\n'
    )
    assert meters.parsed_rules(text) == {"policy ms": 750, "policy times": 4, "CEL ms": 125, "CEL times": 0}
    assert set(meters.parsed_rules("")) == set(meters.RULES)


def test_what_has_grown_is_shared_out() -> None:
    assert meters.each({"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 2.0, "c": 5.0}, 10, 1000) == {"a": 200.0, "c": 500.0}


def test_lags_are_of_those_that_have_a_pod() -> None:
    pods = {("n", str(index)): 10.0 for index in range(100)}
    seen = {("n", str(index)): 10.0 + index for index in range(100)}
    assert results.lags(pods, seen) == (49.0, 98.0, 99.0)


@pytest.mark.parametrize(("percent", "value"), [(50, 2.0), (99, 3.0), (1, 1.0)])
def test_a_percentile_is_a_value_that_was_there(percent: float, value: float) -> None:
    assert results.percentile([1.0, 2.0, 3.0], percent) == value


def test_a_ratio_is_of_runs_that_followed_each_other() -> None:
    assert ROW.ratio == Spread(0.375, 0.25, 0.5, 2)


def test_the_settings_are_the_charts() -> None:
    variables: list[dict[str, Any]] = [
        {"name": "A", "value": "1"},
        {"name": "EMPTY"},
        {"name": "SPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
    ]
    assert chart_settings(variables) == {"A": "1", "EMPTY": "", "SPACE": "processing-operator"}


def test_the_tables_say_ratios_first_and_then_costs() -> None:
    text = table.section(SETUP, [ROW], Rest(10_000, 7.5, 201.4, 0.62, 190.2, 210), "scale.svg")
    first = "| 1,500 in 20 namespaces | 0.38 (0.25-0.50) | 7.5 (5.0-10.0) | 20.0 (20.0-20.0) | 0.10 (0.10-0.10) |"
    assert text.index(first) < text.index("| 1,500 in 20 namespaces | jobs | 22.0 (20.0-24.0) | 30.0 (30.0-30.0) | - |")
    assert "| 1,500 in 20 namespaces | bare Pods | - | 30.0 (30.0-30.0) |" in text
    assert "| all writes | 3.00 (3.00-3.00) |" in text
    assert text.index("`POST pods`") < text.index("`GET pods`")
    assert "LIST" not in text, "what rounds to nothing is not shown"
    assert "| policy ms | 0.21 (0.21-0.21) |" in text
    assert "10,000 jobs that have all ended" in text
    assert "| 7.5 | 201 | 0.62 | 190 | 210 |" in text
    assert "2026-01-01 on 2 cores (A processor), load average 0.4 before; Kubernetes v1.37.0; 2 runs each" in text


def test_one_run_has_no_spread() -> None:
    assert table.text(Spread.of([1.234]), 2) == "1.23"


def test_tables_have_as_many_cells_in_every_line() -> None:
    for lines in (table.ratios([ROW, ROW]), table.costs([ROW]), table.requests([ROW, ROW])):
        assert len({line.count("|") for line in lines}) == 1


def test_the_plot_is_an_image_with_every_setting() -> None:
    picture = plot.svg([ROW, Row(Setting(100), (run(5),), (run(8, 20),))])
    assert ET.fromstring(picture).tag.endswith("svg")  # noqa: S314 - our own
    assert "1,500 in 20 namespaces" in picture
    assert "0.38" in picture


def test_the_page_has_a_place_for_the_figures() -> None:
    assert BEGIN in PAGE.read_text()
    assert END in PAGE.read_text()
