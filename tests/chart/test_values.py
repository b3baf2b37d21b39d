"""Values that make no sense are refused, and the message says where."""

from __future__ import annotations

import pytest

from tests.chart.rendering import Object, RefusedError, render


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"replicas": "two"}, "at '/replicas': got string, want integer"),
        ({"replicas": 11}, "at '/replicas': maximum: got 11, want 10"),
        ({"replica": 2}, "additional properties 'replica' not allowed"),
        ({"image": {"tagg": "1"}}, "at '/image': additional properties 'tagg' not allowed"),
        ({"image": {"repository": ""}}, "at '/image/repository': '' does not match pattern"),
        ({"image": {"tag": 1.9}}, "at '/image/tag': got number, want string"),
        ({"image": {"digest": "sha256:abc"}}, "at '/image/digest': 'sha256:abc' does not match pattern"),
        ({"agent": {"image": {"pullPolicy": "Sometimes"}}}, "at '/agent/image/pullPolicy': value must be one of"),
        ({"agent": {"fetch": {"resources": {"limits": {"memory": "lots"}}}}}, "'lots' does not match pattern"),
        ({"agent": {"proxy": {"https": "proxy:3128"}}}, "at '/agent/proxy/https': 'proxy:3128' does not match pattern"),
        ({"agent": {"imagePullSecrets": ["a"]}}, "at '/agent/imagePullSecrets/0': got string, want object"),
        ({"jobs": {"nodeSelector": {"gpu": True}}}, "at '/jobs/nodeSelector/gpu': got boolean, want string"),
        ({"jobs": {"workspaceRequest": "much"}}, "at '/jobs/workspaceRequest': 'much' does not match pattern"),
        (
            {"agent": {"platformCredentialEndpoints": ["*"]}},
            "platformCredentialEndpoints/0': '*' does not match",
        ),
        (
            {"agent": {"platformCredentialEndpoints": ["a,b"]}},
            "platformCredentialEndpoints/0': 'a,b' does not",
        ),
        ({"watch": {"namespaces": "team-a"}}, "at '/watch/namespaces': got string, want array"),
        ({"watch": {"namespaces": ["Team_A"]}}, "at '/watch/namespaces/0': 'Team_A' does not match pattern"),
        ({"crds": {"enabled": "yes"}}, "at '/crds/enabled': got string, want boolean"),
        ({"log": {"level": "trace"}}, "at '/log/level': value must be one of 'debug', 'info', 'warning', 'error'"),
        ({"jobs": {"runAsUser": -1}}, "at '/jobs/runAsUser': minimum: got -1, want 0"),
        ({"jobs": {"runAsUser": 0}}, "jobs.runAsUser: 0 is root; set security.allowRoot: true to allow it"),
        ({"jobs": {"runAsGroup": 0}}, "jobs.runAsGroup: 0 is root; set security.allowRoot: true to allow it"),
        ({"jobs": {"fsGroup": 0}}, "jobs.fsGroup: 0 is root; set security.allowRoot: true to allow it"),
        ({"resyncSeconds": 0}, "at '/resyncSeconds': minimum: got 0, want 1"),
        (
            {"metrics": {"service": {"enabled": False}, "serviceMonitor": {"enabled": True}}},
            "metrics.serviceMonitor and metrics.prometheusRule need metrics.service.enabled: true",
        ),
        (
            {"metrics": {"serviceMonitor": {"interval": "often"}}},
            "at '/metrics/serviceMonitor/interval': 'often' does not",
        ),
        ({"podLabels": {"a": True}}, "at '/podLabels/a': got boolean, want string"),
        ({"serviceAccount": {"create": False}}, "serviceAccount.name is required when serviceAccount.create is false"),
    ],
)
def test_refused(values: Object, message: str) -> None:
    with pytest.raises(RefusedError) as refused:
        render(values)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "values",
    [
        {"global": {"anything": 1}},
        {"replicas": 0},
        {"security": {"allowRoot": True}, "jobs": {"runAsUser": 0, "runAsGroup": 0, "fsGroup": 0}},
        {"podSecurityContext": {"runAsUser": None, "runAsGroup": None}},
    ],
)
def test_accepted(values: Object) -> None:
    assert render(values)
