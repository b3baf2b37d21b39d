from __future__ import annotations

import json
from typing import Any

import pytest

from processing_agent.plan import BadPlan, CaBundle, parse_plan
from processing_agent.s3.uri import S3Uri

WHOLE: dict[str, Any] = {
    "version": 1,
    "job": {"name": "census-preprocess", "namespace": "default", "uid": "u", "attempt": 1, "index": 0},
    "final": True,
    "s3": {"endpoint": "https://s3.dev:8333", "region": "us-east-1", "addressing": "Path",
           "secretName": "s3-credentials", "platformCredentials": False,
           "caBundle": {"configMap": "store-ca", "key": "ca.crt"}},
    "inputs": [
        {"name": "census", "path": "/opt/ml/processing/input", "s3": {"uri": "s3://data/census/census-income.csv"}},
        {"name": "code", "path": "/opt/ml/processing/input/code",
         "configMap": {"name": "census-scripts", "dir": "/run/processing/configmaps/1"}},
        {"name": "cfg", "path": "/opt/ml/processing/cfg", "inline": {"a.json": "{}"}},
    ],
    "outputs": [
        {"name": "train", "path": "/opt/ml/processing/train", "uri": "s3://data/runs/1/train", "uploadOn": "Always",
         "archive": None, "required": False},
        {"name": "model", "path": "/opt/ml/model", "uri": "s3://data/runs/1/model", "uploadOn": "OnSuccess",
         "archive": {"format": "TarGz", "name": "model.tar.gz"}, "required": True},
    ],
    "directories": ["config", "model", "output", "processing"],
    "pendingTimeoutSeconds": 3600,
    "downloadTimeoutSeconds": 86400,
    "uploadTimeoutSeconds": 3600,
    "stopGraceSeconds": 120,
    "config": {"processingjobconfig.json": {}, "resourceconfig.json": {}},
}  # fmt: skip


def shared(shard: dict[str, int]) -> dict[str, Any]:
    return {"name": "x", "path": "/opt/ml/x", "s3": {"uri": "s3://b/x", "shard": shard}}


def test_the_protocol_s_own_example() -> None:
    plan = parse_plan(json.dumps(WHOLE))
    assert plan.secret == "s3-credentials"
    assert plan.ca_bundle == CaBundle("store-ca", "ca.crt")
    assert plan.store.endpoint == "https://s3.dev:8333"
    assert [i.base for i in plan.inputs] == ["processing/input", "processing/input/code", "processing/cfg"]
    assert plan.inputs[0].uri == S3Uri("data", "census/census-income.csv")
    assert plan.inputs[1].config_map is not None
    assert plan.inputs[2].inline == {"a.json": "{}"}
    assert [o.archive for o in plan.outputs] == [None, "model.tar.gz"]
    assert plan.outputs[1].required
    assert plan.directories == ("config", "model", "output", "processing")
    assert plan.download_timeout == 86400


def test_aws_and_the_container_s_own_credentials() -> None:
    s3 = {"endpoint": None, "region": None, "addressing": None, "secretName": None, "caBundle": None}
    plan = parse_plan(json.dumps({**WHOLE, "s3": {**s3, "platformCredentials": True}}))
    assert plan.platform_credentials
    with pytest.raises(BadPlan, match="the plan has no 'platformCredentials'"):
        parse_plan(json.dumps({**WHOLE, "s3": s3}))
    assert (plan.store.endpoint, plan.store.addressing, plan.secret, plan.ca_bundle) == (None, "Auto", None, None)


def test_an_input_that_hosts_share() -> None:
    plan = parse_plan(json.dumps({**WHOLE, "inputs": [shared({"index": 1, "count": 2}), WHOLE["inputs"][0]]}))
    assert [i.shard for i in plan.inputs] == [(1, 2), None]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"version": 2}, "version 2"),
        ({"inputs": [{"name": "x", "path": "/etc", "inline": {}}]}, "/etc"),
        ({"inputs": [{"name": "x", "path": "/opt/ml/x", "s3": {"uri": "http://x"}}]}, "s3://"),
        ({"outputs": [{"name": "x", "path": "/opt/ml/x"}]}, "uri"),
        ({"inputs": None}, "cannot be read"),
        ({"directories": None}, "cannot be read"),
        ({"inputs": [shared({"index": 2, "count": 2})]}, "input x: shard 2 of 2"),
        ({"inputs": [shared({"index": -1, "count": 2})]}, "input x: shard -1 of 2"),
        ({"inputs": [shared({"index": 0})]}, "count"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, Any], why: str) -> None:
    with pytest.raises(BadPlan, match=why):
        parse_plan(json.dumps({**WHOLE, **change}))


def test_a_plan_without_directories() -> None:
    with pytest.raises(BadPlan, match="no 'directories'"):
        parse_plan(json.dumps({key: value for key, value in WHOLE.items() if key != "directories"}))


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "{"])
def test_no_plan_at_all(text: str) -> None:
    with pytest.raises(BadPlan):
        parse_plan(text)
