"""Sizes at their bounds and one beyond: taken and refused, by the models and by the API server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dev.cluster.client import ApiError
from processing_operator.api.validation import problems
from tests.schema import manifests
from tests.schema.serving import refusals

if TYPE_CHECKING:
    from tests.schema.manifests import Manifest
    from tests.schema.serving import Served

LONG = "x" * 32768


def _spec(**fields: Any) -> Manifest:
    return manifests.merge(manifests.minimal(), {"spec": fields})


def _inputs(count: int) -> list[dict[str, Any]]:
    return [{"name": f"i{i}", "path": f"/opt/ml/i/{i}", "s3": {"uri": "s3://bucket"}} for i in range(count)]


def _outputs(count: int) -> list[dict[str, Any]]:
    return [{"name": f"o{i}", "path": f"/opt/ml/o/{i}", "s3": {"uri": f"s3://bucket/{i}"}} for i in range(count)]


def _env(count: int, text: str = "") -> list[dict[str, str]]:
    return [{"name": f"V{i}", "value": text} for i in range(count)]


def _inline(*files: dict[str, str]) -> list[dict[str, Any]]:
    return [{"name": f"i{i}", "path": f"/opt/ml/{i}", "inline": inline} for i, inline in enumerate(files)]


def _named(name: str) -> Manifest:
    return manifests.merge(manifests.minimal(), {"metadata": {"name": name}})


def fullest() -> Manifest:
    """Every list and every name as long as they may be: what the rules cost at run time has a limit, too."""
    path = "/opt/ml/" + "p" * 490
    uri = "s3://bucket/" + "u/" * 505
    reference = {"name": "s" * 253, "key": "k" * 253}
    size = {f"example.com/{n:02}{'r' * 61}": "1" for n in range(20)}
    return _spec(
        imagePullSecrets=[{"name": f"{n}{'s' * 252}"} for n in range(10)],
        command=["c" * 300] * 100,
        args=["a" * 300] * 100,
        workingDir="/" + "w" * 1023,
        env=[{"name": f"V{n:02}{'v' * 250}", "valueFrom": {"secretKeyRef": reference}} for n in range(100)],
        resources={"requests": size, "limits": size},
        nodeSelector={f"example.com/{n:02}{'k' * 61}": "v" * 63 for n in range(20)},
        tolerations=[{"key": f"example.com/{n:02}{'k' * 61}", "value": "v" * 63} for n in range(20)],
        podLabels={f"example.com/{n:02}{'k' * 61}": "v" * 63 for n in range(50)},
        podAnnotations={f"example.com/{n:02}{'k' * 61}": "a" * 1200 for n in range(50)},
        inputs=[{"name": f"i{n:02}{'n' * 60}", "path": f"{path}/i{n}", "s3": {"uri": uri}} for n in range(50)],
        outputs=[
            {
                "name": f"o{n:02}{'n' * 60}",
                "path": f"{path}/o{n}",
                "s3": {"uri": f"{uri}{n:02}"},
                "uploadOn": "OnSuccess",
            }
            for n in range(50)
        ],
    )


TAKEN = {
    "everything at its bound": fullest(),
    "a name of 63": _named("n" * 63),
    "50 inputs and outputs": _spec(inputs=_inputs(50), outputs=_outputs(50)),
    "100 variables": _spec(env=_env(100)),
    "a variable of 32768": _spec(env=_env(1, LONG)),
    "100 arguments of umlauts": _spec(command=["ä" * 600] * 100),
    "16 inline files": _spec(inputs=_inline({f"f{i}": "" for i in range(16)})),
    "65536 inline": _spec(inputs=_inline({"a": LONG}, {"b": "ä" * 32768})),
    "65536 in command, args and env": _spec(command=[LONG], args=["x" * 32767], env=_env(1, "x")),
    "a long path": _spec(inputs=[{"name": "a", "path": "/opt/ml/" + "a" * 504, "s3": {"uri": "s3://bucket"}}]),
    "a long uri": _spec(inputs=[{"name": "a", "path": "/opt/ml/a", "s3": {"uri": "s3://bucket/" + "a" * 1012}}]),
    "a long file's name": _spec(inputs=_inline({"f" * 253: ""})),
}
REFUSED: dict[str, tuple[Manifest, str, str]] = {
    "a name of 64": (_named("n" * 64), "metadata.name", "Too long: may not be more than 63 bytes"),
    "51 inputs": (_spec(inputs=_inputs(51)), "spec.inputs", "Too many: 51: must have at most 50 items"),
    "51 outputs": (_spec(outputs=_outputs(51)), "spec.outputs", "Too many: 51: must have at most 50 items"),
    "101 variables": (_spec(env=_env(101)), "spec.env", "Too many: 101: must have at most 100 items"),
    "a variable of 32769": (
        _spec(env=_env(1, LONG + "x")),
        "spec.env[0].value",
        "Too long: may not be more than 32768 bytes",
    ),
    "17 inline files": (
        _spec(inputs=_inline({f"f{i}": "" for i in range(17)})),
        "spec.inputs[0].inline",
        "Too many: 17: must have at most 16 items",
    ),
    "65537 inline": (
        _spec(inputs=_inline({"a": LONG}, {"b": LONG, "c": "x"})),
        "spec.inputs",
        "Invalid value: inline files must not hold more than 65536 characters together: 65537",
    ),
    "65537 in command, args and env": (
        _spec(command=[LONG], args=["x" * 32767], env=_env(2, "x")),
        "spec.command",
        "Invalid value: command, args and env must not hold more than 65536 characters together: 65537",
    ),
    "a longer path": (
        _spec(inputs=[{"name": "a", "path": "/opt/ml/" + "a" * 505, "s3": {"uri": "s3://bucket"}}]),
        "spec.inputs[0].path",
        "Too long: may not be more than 512 bytes",
    ),
    "a longer uri": (
        _spec(inputs=[{"name": "a", "path": "/opt/ml/a", "s3": {"uri": "s3://bucket/" + "a" * 1013}}]),
        "spec.inputs[0].s3.uri",
        "Too long: may not be more than 1024 bytes",
    ),
    "a longer file's name": (
        _spec(inputs=_inline({"f" * 254: ""})),
        "spec.inputs[0].inline",
        "Invalid value: a file's name must be letters, digits, dots, underscores and dashes, at most 253, "
        "no two dots first: " + "f" * 254,
    ),
}
taken = pytest.mark.parametrize("manifest", TAKEN.values(), ids=TAKEN.keys())
refused = pytest.mark.parametrize(("manifest", "field", "message"), REFUSED.values(), ids=REFUSED.keys())


@taken
def test_the_models_take(manifest: Manifest) -> None:
    assert problems(manifest) == ()


@refused
def test_the_models_refuse(manifest: Manifest, field: str, message: str) -> None:
    assert [(problem.field, problem.message) for problem in problems(manifest)] == [(field, message)]


@pytest.mark.integration
@taken
def test_the_api_server_takes(served: Served, manifest: Manifest) -> None:
    assert served.try_create(manifest)["spec"]


@pytest.mark.integration
def test_the_api_server_compares_the_largest(served: Served) -> None:
    manifest = manifests.merge(fullest(), {"metadata": {"name": "fullest"}})
    with served.stored(manifest) as stored:
        stopped = served.try_replace(manifests.merge(stored, {"spec": {"stop": True}}))
    assert stopped["spec"] == {**stored["spec"], "stop": True}


@pytest.mark.integration
@refused
def test_the_api_server_refuses(served: Served, manifest: Manifest, field: str, message: str) -> None:
    with pytest.raises(ApiError) as refusal:
        served.try_create(manifest)
    assert (field, message) in refusals(refusal.value)
