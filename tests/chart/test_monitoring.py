"""What the chart makes for prometheus-operator: a scrape that finds the Service, alerts that mean something."""

from __future__ import annotations

import re
from typing import Any, cast

import promql_parser
import pytest
from prometheus_client.parser import text_string_to_metric_families

from processing_operator.api.reasons import Reason
from processing_operator.api.status import State
from processing_operator.app import Operator
from processing_operator.settings import Settings
from tests.chart.rendering import ROOT, Object, render

ON: Object = {
    "metrics": {
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}, "interval": "15s"},
        "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    }
}
ALERTS: list[Object] = render(ON, release="jobs").one("PrometheusRule")["spec"]["groups"][0]["rules"]
PAGE = (ROOT / "docs" / "monitor.md").read_text()


def selectors(alert: Object) -> list[Any]:
    """What its expression reads."""
    found: list[Any] = []

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(alert["expr"]), visit)
    return found


def test_off_by_default() -> None:
    assert not [one for one in render() if one["apiVersion"].startswith("monitoring.")]


def test_the_monitor_finds_the_service() -> None:
    objects = render(ON)
    monitor, service = objects.one("ServiceMonitor"), objects.one("Service")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["metadata"]["namespace"] == service["metadata"]["namespace"]
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint == {"port": service["spec"]["ports"][0]["name"], "interval": "15s"}
    for one in (monitor, objects.one("PrometheusRule")):
        assert one["metadata"]["labels"]["release"] == "prometheus"


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
async def test_an_alert_reads_what_the_operator_tells(alert: Object) -> None:
    exported = Operator(Settings(), cast("Any", None)).metrics.export().decode()
    told = {sample.name for family in text_string_to_metric_families(exported) for sample in family.samples}
    read = selectors(alert)
    assert {one.name for one in read} <= told
    for one in read:
        labels = {matcher.name: matcher.value for matcher in one.matchers.matchers}
        assert (labels["namespace"], labels["service"]) == ("system", "jobs-processing-operator-metrics")
        assert set(labels.get("reason", Reason.EVICTED).split("|")) <= set(Reason)
        assert set(labels.get("state", "New").split("|")) <= {"New", *State}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_says_what_to_do(alert: Object) -> None:
    assert alert["labels"]["severity"] in ("warning", "critical")
    assert alert["annotations"].keys() == {"summary", "description"}
    by = set(re.findall(r"by \((\w+)\)", alert["expr"]))
    assert set(re.findall(r"\$labels\.(\w+)", str(alert["annotations"]))) <= by
    assert f"| `{alert['alert']}` |" in PAGE


def test_no_alert_is_of_the_docs_alone() -> None:
    assert set(re.findall(r"^\| `(Processing\w+)`", PAGE, re.MULTILINE)) == {alert["alert"] for alert in ALERTS}
