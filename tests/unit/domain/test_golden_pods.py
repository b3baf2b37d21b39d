"""A Pod per feature, as YAML for reviewers. `REGENERATE=1 pytest tests/unit/domain` writes them anew."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from kubernetes_validate.utils import schema_contents

from processing_operator.api.placement import Placement
from processing_operator.api.v1alpha1 import EnvVar
from processing_operator.domain.defaults import OperatorDefaults
from processing_operator.domain.pods.build import build
from processing_operator.domain.pods.env import staging_env
from tests.unit.domain.builders import facts, job

GOLDEN = Path(__file__).parent / "golden"
VERSIONS = ("1.35", "1.36", "1.37")
DATA = {"name": "data", "path": "/opt/ml/processing/input"}
CODE = {"name": "code", "path": "/opt/ml/processing/input/code"}
OUT = {"name": "train", "path": "/opt/ml/processing/train", "s3": {"uri": "s3://data/runs/1/train"}}
STORE = {"endpoint": "http://s3.dev:8333", "region": "eu-west-1", "addressing": "Path", "secretName": "s3-credentials"}
ROLE = "arn:aws:iam::123456789012:role/reader"
FROM_S3 = {**DATA, "s3": {"uri": "s3://data/census/census-income.csv"}}
CENSUS = {
    "s3": STORE,
    "args": ["--train-test-split-ratio", "0.2"],
    "inputs": [
        FROM_S3,
        {**CODE, "configMap": {"name": "census-scripts"}},
    ],
    "outputs": [OUT],
}

CASES: dict[str, dict[str, Any]] = {
    "minimal": {},
    "census": CENSUS,
    "literal_strings": {
        "command": ["sh", "-c", "echo $HOME $(date) $$"],
        "args": ["$(AWS_REGION)"],
        "env": [{"name": "GREETING", "value": "$(HOME) costs $$5"}],
    },
    "env": {
        "env": [
            {"name": "HOME", "value": "/opt/ml"},
            {"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "api"}}},
            {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "modes", "key": "mode", "optional": True}}},
        ]
    },
    "inline": {"inputs": [{**CODE, "inline": {"a.py": "print('gr\u00fc\u00df dich')\n", "b.json": "{}"}}]},
    "from": {
        "s3": STORE,
        "inputs": [
            {**DATA, "from": {"job": "census-preprocess", "output": "train"}},
            {"name": "model", "path": "/opt/ml/processing/model", "from": {"job": "census-preprocess", "output": "m"}},
        ],
    },
    "outputs": {
        "outputs": [
            {
                "name": "model",
                "path": "/opt/ml/model",
                "required": True,
                "s3": {"uri": "s3://data/runs/1/model/"},
                "uploadOn": "OnSuccess",
                "archive": {"format": "TarGz", "name": "model.tar.gz"},
            },
            {"name": "logs", "path": "/opt/ml/logs", "s3": {"uri": "s3://data/logs"}, "uploadOn": "OnFailure"},
        ]
    },
    "guaranteed": {"resources": {"limits": {"cpu": "2", "memory": "4Gi", "nvidia.com/gpu": "1"}}},
    "burstable": {"resources": {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "4Gi"}}},
    "user": {"securityContext": {"runAsUser": 4000, "runAsGroup": 4001, "fsGroup": 4002}},
    "service_account": {"s3": {"region": "eu-west-1"}, "serviceAccountName": "reader"},
    "web_identity": {"serviceAccountName": "reader", "s3": {"roleArn": ROLE}, "inputs": [FROM_S3], "outputs": [OUT]},
    "own_store": {
        "s3": {
            "endpoint": "https://s3.dev:8333",
            "roleArn": ROLE,
            "caBundle": {"configMapKeyRef": {"name": "store-ca", "key": "root.pem"}},
        },
        "serviceAccountName": "reader",
        "inputs": [FROM_S3],
        "outputs": [OUT],
    },
    "limits": {
        "workspace": {"size": "1500M"},
        "timeouts": {
            "pendingSeconds": 7,
            "downloadSeconds": 8,
            "runSeconds": 60,
            "stopGraceSeconds": 5,
            "uploadSeconds": 30,
            "terminationUploadSeconds": 20,
        },
    },
    "named_paths": {
        "inputs": [
            {"name": "train", "path": "/opt/ml/input/data/train", "s3": {"uri": "s3://data/train"}},
            {"name": "test", "path": "/opt/ml/input/data/test", "s3": {"uri": "s3://data/test"}},
            {"name": "weights", "path": "/opt/ml/model/pretrained/v1", "s3": {"uri": "s3://data/weights"}},
        ],
        "outputs": [{"name": "model", "path": "/opt/ml/checkpoints", "s3": {"uri": "s3://data/model"}}],
    },
    "storage": {
        "workspace": {"size": "2Gi", "request": "1536Mi"},
        "sharedMemorySize": "1Gi",
        "resources": {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"ephemeral-storage": "4Gi"}},
    },
    "placement": {
        "nodeSelector": {"pool": "gpu"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"team": "blue"}}}
                ]
            }
        },
        "priorityClassName": "batch",
        "runtimeClassName": "nvidia",
        "schedulerName": "volcano",
        "podLabels": {"team": "blue"},
        "podAnnotations": {"example.com/owner": "blue@example.com"},
        "resources": {"limits": {"cpu": "2", "memory": "4Gi", "nvidia.com/gpu": "1"}},
    },
    "image": {
        "imagePullPolicy": "Always",
        "imagePullSecrets": [{"name": "registry"}],
        "workingDir": "/tmp",
    },
}

PREPROCESS = job(
    "census-preprocess",
    outputs=[
        OUT,
        {
            "name": "m",
            "path": "/opt/ml/model",
            "s3": {"uri": "s3://data/m"},
            "archive": {"format": "TarGz", "name": "m.tgz"},
        },
    ],
)


def make(name: str) -> dict[str, Any]:
    census = job(**CASES[name])
    return build(census, 1, facts(census, awaited={"census-preprocess": PREPROCESS}))


def readable(pod: dict[str, Any]) -> dict[str, Any]:
    """The Pod with its plan as YAML, not as one line of JSON."""
    annotations = pod["metadata"]["annotations"]
    plan = json.loads(annotations["processing-operator.dev/plan"])
    return {"plan": plan, **pod, "metadata": {**pod["metadata"], "annotations": {**annotations, PLAN: "(above)"}}}


PLAN = "processing-operator.dev/plan"


@pytest.mark.parametrize("name", CASES)
def test_pod_is_the_golden_one(name: str) -> None:
    path = GOLDEN / f"{name}.yaml"
    text = yaml.safe_dump(readable(make(name)), sort_keys=False, allow_unicode=True, width=120)
    if os.environ.get("REGENERATE"):
        path.write_text(text)
    assert text == path.read_text()


def test_no_golden_pod_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == set(CASES)


@pytest.fixture(scope="module")
def schemas() -> Iterator[None]:
    """Let each schema be read once, and not for each Pod: that costs more than to validate it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kubernetes_validate.utils.schema_contents", functools.cache(schema_contents))
        yield


@pytest.mark.usefixtures("schemas")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", CASES)
def test_pod_is_valid(name: str, version: str) -> None:
    kubernetes_validate.validate(make(name), version, strict=True)


@pytest.mark.parametrize("name", CASES)
def test_pod_meets_pod_security_restricted(name: str) -> None:
    """Source: Kubernetes, "Pod Security Standards", Restricted."""
    spec = make(name)["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    # nor does an image's /etc/group give its user groups, root's among them
    assert spec["securityContext"]["supplementalGroupsPolicy"] == "Strict"
    assert 0 not in [spec["securityContext"][name] for name in ("runAsUser", "runAsGroup", "fsGroup")]
    for container in [*spec["initContainers"], *spec["containers"]]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    kinds = {key for volume in spec["volumes"] for key in volume if key != "name"}
    assert kinds <= {"emptyDir", "downwardAPI", "secret", "configMap", "projected"}


ACCESS = [
    ("census", {"credentials"}),
    ("service_account", set()),
    ("web_identity", {"web-identity"}),
    ("own_store", {"web-identity", "ca-bundle"}),
]


@pytest.mark.parametrize(("name", "access"), ACCESS)
def test_script_sees_no_credentials(name: str, access: set[str]) -> None:
    """Nor does any container see a token for the API server."""
    spec = make(name)["spec"]
    containers = {c["name"]: c for c in [*spec["initContainers"], *spec["containers"]]}
    mounts = {container: {m["name"] for m in c["volumeMounts"]} for container, c in containers.items()}
    assert access <= mounts["fetch"] & mounts["upload"]
    assert mounts["script"] == {"workspace", "bin", "control", "signal"}
    names = {variable["name"] for variable in containers["script"]["env"]}
    assert names == {"AWS_REGION", "AWS_DEFAULT_REGION", "HOME", "USER", "LOGNAME"}
    assert spec["automountServiceAccountToken"] is False
    assert make(name)["metadata"]["annotations"]["eks.amazonaws.com/skip-containers"] == "script"


def test_what_a_pod_is_known_by() -> None:
    """The nearer to the job, the stronger; what the operator needs is its own."""
    census = job(
        meta={
            "labels": {
                "a": "job",
                "b": "job",
                "app.kubernetes.io/managed-by": "Helm",
                "processing-operator.dev/job": "x",
            },
            "annotations": {"example.com/cost": "42", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
        },
        podLabels={"b": "pod", "sidecar.istio.io/inject": "true"},
        podAnnotations={"linkerd.io/inject": "enabled"},
    )
    defaults = OperatorDefaults(
        placement=Placement(pod_labels={"a": "all", "b": "all", "c": "all"}, pod_annotations={"note": "all"}),
        carried_annotations=("example.com/cost",),
    )
    metadata = build(census, 1, facts(census, defaults=defaults))["metadata"]
    labels, annotations = metadata["labels"], metadata["annotations"]
    assert (labels["a"], labels["b"], labels["c"], labels["sidecar.istio.io/inject"]) == ("job", "pod", "all", "true")
    assert labels["app.kubernetes.io/managed-by"] == "processing-operator"
    assert labels["processing-operator.dev/job"] == "census"
    assert (annotations["example.com/cost"], annotations["note"]) == ("42", "all")
    assert annotations["linkerd.io/inject"] == "enabled"
    assert "kubectl.kubernetes.io/last-applied-configuration" not in annotations


def test_a_field_of_the_job_takes_the_place_of_the_default() -> None:
    default = Placement(node_selector={"pool": "all", "disk": "ssd"}, priority_class_name="low")
    census = job(nodeSelector={"pool": "gpu"}, tolerations=[])
    spec = build(census, 1, facts(census, defaults=OperatorDefaults(placement=default)))["spec"]
    assert (spec["nodeSelector"], spec["priorityClassName"]) == ({"pool": "gpu"}, "low")


STS = [
    # spec.s3.endpoint, and what says where the STS is
    (None, {"AWS_STS_REGIONAL_ENDPOINTS": "regional"}),
    ("https://s3.eu-west-1.amazonaws.com", {"AWS_STS_REGIONAL_ENDPOINTS": "regional"}),
    ("https://bucket.vpce-1a2b.s3.eu-west-1.vpce.amazonaws.com/", {"AWS_STS_REGIONAL_ENDPOINTS": "regional"}),
    ("https://s3.cn-north-1.amazonaws.com.cn:443", {"AWS_STS_REGIONAL_ENDPOINTS": "regional"}),
    ("http://s3.dev:8333", {"AWS_ENDPOINT_URL_STS": "http://s3.dev:8333"}),
    ("https://amazonaws.com.example.org", {"AWS_ENDPOINT_URL_STS": "https://amazonaws.com.example.org"}),
    ("https://proj.example.com/storage/v1/s3", {"AWS_ENDPOINT_URL_STS": "https://proj.example.com/storage/v1/s3"}),
]


@pytest.mark.parametrize(("endpoint", "expected"), STS)
def test_where_a_role_is_assumed(endpoint: str | None, expected: dict[str, str]) -> None:
    census = job(s3={"endpoint": endpoint, "roleArn": ROLE}, serviceAccountName="reader")
    env = {entry["name"]: entry.get("value") for entry in staging_env(census)}
    assert {name: value for name, value in env.items() if "STS" in name} == expected


def test_settings_of_the_operator_are_in_the_pod() -> None:
    defaults = OperatorDefaults(
        agent_image="registry/agent:2",
        agent_image_pull_policy="Never",
        agent_pull_secrets=("mirror",),
        agent_env=(EnvVar(name="HTTPS_PROXY", value="http://proxy:3128/$(x)"), EnvVar(name="HOME", value="/no")),
        upload_resources={"limits": {"memory": "1Gi"}},
        run_as_user=7,
        script_resources={"requests": {"cpu": "250m"}},
    )
    census = job(imagePullSecrets=[{"name": "own"}, {"name": "mirror"}])
    spec = build(census, 1, facts(census, defaults=defaults))["spec"]
    fetch, (upload, script) = spec["initContainers"][0], spec["containers"]
    assert spec["imagePullSecrets"] == [{"name": "own"}, {"name": "mirror"}]
    assert (
        fetch["env"]
        == upload["env"]
        == [
            {"name": "HTTPS_PROXY", "value": "http://proxy:3128/$$(x)"},
            {"name": "HOME", "value": "/tmp"},
        ]
    )
    assert {fetch["image"], upload["image"]} == {"registry/agent:2"}
    assert {fetch["imagePullPolicy"], upload["imagePullPolicy"]} == {"Never"}
    assert upload["resources"] == {"limits": {"memory": "1Gi"}}
    assert script["resources"] == {"requests": {"cpu": "250m", "ephemeral-storage": "1Gi"}}
    assert spec["securityContext"]["runAsUser"] == 7


PLATFORM = [
    # spec.s3.endpoint, whether what the platform gives goes there
    (None, True),
    ("https://s3.eu-west-1.amazonaws.com", True),
    ("https://s3.example.com:9000", False),
    ("https://listed.example.com/", True),
    ("https://listed.example.com:9000", False),
    ("http://by-host.example.com:9000/a", True),
]


@pytest.mark.parametrize(("endpoint", "expected"), PLATFORM)
def test_to_whom_the_platforms_credentials_go(endpoint: str | None, expected: bool) -> None:
    listed = ("https://listed.example.com", "by-host.example.com")
    census = job(s3={"endpoint": endpoint})
    pod = build(census, 1, facts(census, defaults=OperatorDefaults(platform_credential_endpoints=listed)))
    assert json.loads(pod["metadata"]["annotations"][PLAN])["s3"]["platformCredentials"] is expected
