"""What the chart makes: valid for each Kubernetes that it is for, restricted, and with no right too many."""

from __future__ import annotations

import json
from typing import Any

import kubernetes_validate
import pytest
import yaml
from pydantic import TypeAdapter

from processing_operator.api.placement import Placement
from tests.chart.rendering import CHART, ROOT, Object, RefusedError, helm, render
from tests.integration.controller.control_plane import LEASE_RULE, RULES

FULL: Object = {
    "image": {"repository": "registry.example/po", "tag": "1", "digest": "sha256:" + "0" * 64, "pullPolicy": "Always"},
    "imagePullSecrets": [{"name": "pull"}],
    "agent": {
        "image": {"repository": "registry.example/pa", "tag": "2"},
        "imagePullSecrets": [{"name": "mirror"}],
        "proxy": {"https": "http://proxy.example:3128", "none": "s3.dev,10.0.0.0/8"},
        "env": [{"name": "AWS_MAX_ATTEMPTS", "value": "9"}],
        "fetch": {"resources": {"requests": {"cpu": 1, "memory": None}, "limits": {"memory": "1Gi"}}},
        "platformCredentialEndpoints": ["https://s3.example.com:9000/a", "minio.example.com"],
    },
    "replicas": 2,
    "watch": {"namespaces": ["team-a", "team-b", "team-a"]},
    "serviceAccount": {"annotations": {"a": "b"}},
    "jobs": {
        "runAsUser": 2000000000,
        "scriptResources": {"requests": {"cpu": 1}, "limits": {"memory": "2Gi"}},
        "workspaceRequest": "5Gi",
        "nodeSelector": {"pool": "batch"},
        "tolerations": [{"key": "batch", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 3600}],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}},
        "priorityClassName": "low",
        "runtimeClassName": "gvisor",
        "schedulerName": "volcano",
        "podLabels": {"team": "data"},
        "podAnnotations": {"example.com/owner": "data"},
        "carriedAnnotations": ["example.com/cost-center"],
    },
    "metrics": {"service": {"annotations": {"prometheus.io/scrape": "true"}}},
    "networkPolicy": {
        "ingressFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
        "egress": [{"ports": [{"port": 443, "protocol": "TCP"}]}],
    },
    "podAnnotations": {"a": "b"},
    "podLabels": {"team": "data", "app.kubernetes.io/name": "mine"},
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"key": "k", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
    ],
    "priorityClassName": "high",
}
VARIANTS: dict[str, Object] = {
    "default": {},
    "full": FULL,
    "least": {
        "crds": {"enabled": False},
        "rbac": {"create": False},
        "serviceAccount": {"create": False, "name": "mine"},
        "metrics": {"service": {"enabled": False}},
        "networkPolicy": {"enabled": False},
        "resources": None,
        "podSecurityContext": None,
        "podLogs": {"enabled": False},
    },
}
JOBS = "processing-operator.dev"
PLACEMENT = {field.alias for field in Placement.model_fields.values()}


def rules(role: Object) -> set[tuple[str, str, str]]:
    """(group, resource, verb), one by one."""
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def expand(table: dict[tuple[str, str], str]) -> set[tuple[str, str, str]]:
    return {(group, resource, verb) for (group, resource), verbs in table.items() for verb in verbs.split()}


OPERATOR = {
    (JOBS, "processingjobs"): "get list watch",
    (JOBS, "processingjobs/status"): "patch",
    (JOBS, "processingjobs/finalizers"): "update",
    ("", "pods"): "get list watch create patch delete",
    ("", "pods/log"): "get",
    ("events.k8s.io", "events"): "create",
}


def test_lint() -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART))


@pytest.mark.parametrize("kubernetes", ["1.35", "1.36", "1.37"])
@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)
def test_valid(values: Object, kubernetes: str) -> None:
    objects = render(values, kubernetes=f"{kubernetes}.0")
    for found in objects:
        assert kubernetes_validate.validate(found, kubernetes, strict=True) == kubernetes
    names = [(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in objects]
    assert len(names) == len(set(names))


def test_older_kubernetes_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"requires kubeVersion: >=1\.35\.0-0"):
        render(kubernetes="1.34.9")
    render(kubernetes="1.35.0-gke.100")


GENERATED = {
    "processing-operator.dev_processingjobs.yaml": ["CustomResourceDefinition"],
    "processing-operator.dev_processingjobs_policy.yaml": [
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ],
}


@pytest.mark.parametrize(("file", "kinds"), GENERATED.items(), ids=GENERATED)
def test_crd_and_policy_are_the_generated_ones(file: str, kinds: list[str]) -> None:
    source = ROOT / "crds" / file
    assert (CHART / "files" / file).read_bytes() == source.read_bytes(), "run `make generate`"
    expected = list(yaml.safe_load_all(source.read_text()))
    found = [render().one(kind) for kind in kinds]
    for one in found:
        assert one["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
        assert one["metadata"].pop("labels")["app.kubernetes.io/part-of"] == "processing-operator"
    assert found == expected
    for kind in kinds:
        assert "annotations" not in render({"crds": {"keep": False}}).one(kind)["metadata"]
        assert not render({"crds": {"enabled": False}}).all(kind)


def test_rights_everywhere() -> None:
    objects = render()
    role = objects.one("ClusterRole", "system:processing-operator")
    assert rules(role) == expand(OPERATOR)
    binding = objects.one("ClusterRoleBinding")
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "processing-operator", "namespace": "system"}]


def test_rights_are_those_that_the_operator_is_tested_with() -> None:
    assert rules({"rules": RULES}) == expand(OPERATOR)
    assert rules({"rules": [LEASE_RULE]}) == rules(render().one("Role"))


def test_rights_by_namespace() -> None:
    objects = render({"watch": {"namespaces": ["team-a", "team-b"]}, "rbac": {"userRoles": False}})
    assert not objects.all("ClusterRole")
    assert not objects.all("ClusterRoleBinding")
    for namespace in ("team-a", "team-b"):
        assert rules(objects.one("Role", namespace=namespace)) == expand(OPERATOR)
        (subject,) = objects.one("RoleBinding", namespace=namespace)["subjects"]
        assert subject["namespace"] == "system"
    assert objects.env()["PROCESSING_NAMESPACES"] == "team-a,team-b"


def test_pod_logs_can_be_off() -> None:
    objects = render({"podLogs": {"enabled": False}})
    assert ("", "pods/log", "get") not in rules(objects.one("ClusterRole", "system:processing-operator"))
    assert objects.env()["PROCESSING_READ_POD_LOGS"] == "false"


def test_leases_are_its_own_namespaces() -> None:
    for values in ({}, {"watch": {"namespaces": ["team-a"]}}):
        objects = render(values)
        role = objects.one("Role", namespace="system")
        assert rules(role) == expand({("coordination.k8s.io", "leases"): "get create update"})
        assert objects.one("RoleBinding", namespace="system")["roleRef"]["name"] == role["metadata"]["name"]
        source = {"fieldRef": {"fieldPath": "metadata.namespace"}}
        assert {"name": "PROCESSING_LEASE_NAMESPACE", "valueFrom": source} in objects.container()["env"]


LEASES: list[tuple[str, list[str], str]] = [
    ("processing-operator", [], "processing-operator"),
    ("jobs", [], "jobs-processing-operator"),
    ("jobs", ["a", "b"], "jobs-processing-operator-1eb7c54d"),
    ("jobs", ["b", "a", "b"], "jobs-processing-operator-1eb7c54d"),
    ("jobs", ["a"], "jobs-processing-operator-ca978112"),
]


@pytest.mark.parametrize(("release", "namespaces", "lease"), LEASES)
def test_the_lease_is_named_by_release_and_watch_scope(release: str, namespaces: list[str], lease: str) -> None:
    objects = render({"watch": {"namespaces": namespaces}}, release=release)
    assert objects.env()["PROCESSING_LEASE_NAME"] == lease


SECOND: Object = {"crds": {"enabled": False}, "watch": {"namespaces": ["team-b"]}}
PLACES = [("b", "system"), ("a", "other"), ("processing-operator", "other")]


@pytest.mark.parametrize(("release", "namespace"), PLACES)
@pytest.mark.parametrize("first", [{}, {"watch": {"namespaces": ["team-a"]}}], ids=["everywhere", "team-a"])
def test_two_releases_share_no_object(first: Object, release: str, namespace: str) -> None:
    monitored = {"metrics": {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}}
    one = render(first | monitored, release="a")
    two = render(SECOND | monitored, release=release, namespace=namespace)
    names = [
        {(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in objects} for objects in (one, two)
    ]
    assert not names[0] & names[1]


def test_an_upgrade_is_never_without_an_operator() -> None:
    strategy = render().one("Deployment")["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_users_rights() -> None:
    objects = render()
    view, edit = (objects.one("ClusterRole", f"system:processing-operator:{name}") for name in ("view", "edit"))
    assert view["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"] == "true"
    assert {verb for _, _, verb in rules(view)} == {"get", "list", "watch"}
    assert edit["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-edit"] == "true"
    assert {resource for _, resource, _ in rules(edit)} == {"processingjobs"}


@pytest.mark.parametrize("values", [{}, FULL], ids=["default", "full"])
def test_pod_is_restricted(values: Object) -> None:
    objects = render(values)
    pod = objects.one("Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert objects.container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert objects.container()["resources"]["limits"]["memory"]


def test_the_operator_s_port_alone_is_reached() -> None:
    labels = render().one("Deployment")["spec"]["template"]["metadata"]["labels"]
    policy = render().one("NetworkPolicy")["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= labels.items()
    assert (policy["policyTypes"], policy["ingress"]) == (
        ["Ingress"],
        [{"ports": [{"port": "http", "protocol": "TCP"}]}],
    )
    full = render(FULL).one("NetworkPolicy")["spec"]
    assert full["ingress"][0]["from"] == FULL["networkPolicy"]["ingressFrom"]
    assert (full["policyTypes"], full["egress"]) == (["Ingress", "Egress"], FULL["networkPolicy"]["egress"])
    assert not render(VARIANTS["least"]).all("NetworkPolicy")


def test_probes() -> None:
    container = render().container()
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert container["ports"] == [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]


def test_selectors_meet_the_pod() -> None:
    objects = render(FULL)
    labels = objects.one("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert labels["team"] == "data"
    assert objects.one("Deployment")["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert objects.one("Service")["spec"]["selector"].items() <= labels.items()


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({}, "processing-operator:0.1.0"),
        ({"tag": "2"}, "processing-operator:2"),
        ({"repository": "registry.example:5000/team/po", "tag": "2"}, "registry.example:5000/team/po:2"),
        ({"tag": "2", "digest": "sha256:" + "a" * 64}, "processing-operator@sha256:" + "a" * 64),
    ],
)
def test_image(image: Object, expected: str) -> None:
    assert render({"image": image}).container()["image"] == expected
    agent = render({"agent": {"image": image | {"repository": image.get("repository", "processing-operator")}}})
    assert agent.env()["PROCESSING_AGENT_IMAGE"] == expected


@pytest.mark.parametrize(
    ("release", "values", "expected"),
    [
        ("processing-operator", {}, "processing-operator"),
        ("jobs", {}, "jobs-processing-operator"),
        ("jobs", {"nameOverride": "po"}, "jobs-po"),
        ("jobs", {"fullnameOverride": "po"}, "po"),
        ("j" * 50, {}, "j" * 50),
    ],
)
def test_names(release: str, values: Object, expected: str) -> None:
    assert render(values, release=release).one("Deployment")["metadata"]["name"] == expected


def test_settings_are_read_as_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chart's environment, read by the operator's own settings."""
    from processing_operator.settings import Settings  # noqa: PLC0415  (so that the rest needs no controller)

    values: Object = FULL | {"security": {"allowRoot": True}, "log": {"level": "debug", "format": "text"}, "workers": 3}
    env = render(values).env()
    known = {f"PROCESSING_{name.upper()}" for name in Settings.model_fields}
    assert env.keys() <= known
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    read: dict[str, Any] = {**Settings().model_dump(), "placement": Settings().placement}
    assert read["namespaces"] == ("team-a", "team-b")
    assert read["agent_image"] == "registry.example/pa:2"
    assert read["agent_pull_secrets"] == ("mirror",)
    assert {one["name"]: one["value"] for one in read["agent_env"]} == {
        "HTTPS_PROXY": "http://proxy.example:3128",
        "NO_PROXY": "s3.dev,10.0.0.0/8",
        "AWS_MAX_ATTEMPTS": "9",
    }
    assert read["fetch_resources"] == {
        "requests": {"cpu": "1", "ephemeral-storage": "64Mi"},
        "limits": {"cpu": "2", "memory": "1Gi"},
    }
    assert read["workspace_request"] == "5Gi"
    assert read["placement"] == Placement.model_validate(
        {name: value for name, value in FULL["jobs"].items() if name in PLACEMENT}
    )
    assert read["carried_annotations"] == ("example.com/cost-center",)
    assert read["platform_credential_endpoints"] == ("https://s3.example.com:9000/a", "minio.example.com")
    assert read["run_as_user"] == 2000000000
    assert read["script_resources"] == {"requests": {"cpu": "1"}, "limits": {"memory": "2Gi"}}
    assert read["allow_root"]
    assert (read["log_level"], read["log_format"], read["workers"]) == ("debug", "text", 3)


def test_defaults_are_the_settings_own() -> None:
    from processing_operator.settings import Settings  # noqa: PLC0415

    env = render().env()
    for name in ("FETCH_RESOURCES", "UPLOAD_RESOURCES"):
        assert json.loads(env[f"PROCESSING_{name}"]) == getattr(Settings(), name.lower()), name
    assert not {name for name in env if "PLACEMENT" in name or "AGENT_ENV" in name}
    defaults = {
        name: value for name, value in Settings().model_dump().items() if isinstance(value, (str, bool, int, float))
    }
    for name in defaults.keys() - {"instance", "lease_namespace"}:
        text = env[f"PROCESSING_{name.upper()}"]
        assert TypeAdapter(type(defaults[name])).validate_python(text) == defaults[name], name
