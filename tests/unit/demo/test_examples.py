"""The examples fit the API, and kustomize knows where a job holds names and images."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev import tools
from dev.demo.data import HEADER
from dev.demo.jobs import NAMES
from processing_operator.api.v1alpha1 import ProcessingJob

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
SINGLE = sorted(path for path in EXAMPLES.glob("*.yaml") if path.name != "kustomizeconfig.yaml")


@functools.cache
def built(folder: Path) -> list[dict[str, Any]]:
    command = [tools.kubectl(), "kustomize", str(folder)]
    return list(yaml.safe_load_all(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def jobs(objects: list[dict[str, Any]]) -> dict[str, ProcessingJob]:
    models = [ProcessingJob.model_validate(one) for one in objects if one["kind"] == "ProcessingJob"]
    return {job.metadata.name: job for job in models}


def generated(objects: list[dict[str, Any]]) -> str:
    (name,) = [one["metadata"]["name"] for one in objects if one["kind"] == "ConfigMap"]
    return str(name)


@pytest.mark.parametrize("path", SINGLE, ids=lambda path: path.stem)
def test_single_examples_fit_the_api(path: Path) -> None:
    assert jobs(list(yaml.safe_load_all(path.read_text())))


def test_the_readme_names_every_example() -> None:
    text = (EXAMPLES / "README.md").read_text()
    assert [path.name for path in SINGLE if f"`{path.name}`" not in text] == []


def test_census_has_the_four_jobs_that_the_demo_follows() -> None:
    assert set(jobs(built(EXAMPLES / "census"))) == set(NAMES)


def test_the_scripts_generated_name_reaches_the_jobs() -> None:
    objects = built(EXAMPLES / "census")
    named = {one.config_map.name for job in jobs(objects).values() for one in job.spec.inputs if one.config_map}
    assert named == {generated(objects)}


def test_census_has_its_own_copy_of_the_kustomize_configuration() -> None:
    """Kustomize reads no file above the folder of a kustomization."""
    copy = EXAMPLES / "census" / "kustomizeconfig.yaml"
    assert copy.read_text() == (EXAMPLES / "kustomizeconfig.yaml").read_text()


def test_prefix_and_images_reach_the_jobs(tmp_path: Path) -> None:
    for name in ("from.yaml", "kustomizeconfig.yaml"):
        (tmp_path / name).write_text((EXAMPLES / name).read_text())
    settings = {
        "resources": ["from.yaml"],
        "configurations": ["kustomizeconfig.yaml"],
        "namePrefix": "my-",
        "images": [{"name": "processing-sklearn", "newName": "registry.example/sklearn", "newTag": "2"}],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(settings))
    made = jobs(built(tmp_path))
    assert {job.spec.image for job in made.values()} == {"registry.example/sklearn:2"}
    source = made["my-sum"].spec.inputs[0].from_
    assert source
    assert source.job == "my-numbers"


def test_prefix_reaches_account_and_certificates(tmp_path: Path) -> None:
    s3 = {"caBundle": {"configMapKeyRef": {"name": "store-ca", "key": "ca.crt"}}}
    objects = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "mover"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "store-ca"}, "data": {"ca.crt": ""}},
        {
            "apiVersion": "processing-operator.dev/v1alpha1",
            "kind": "ProcessingJob",
            "metadata": {"name": "job"},
            "spec": {"image": "i", "command": ["true"], "serviceAccountName": "mover", "s3": s3},
        },
    ]
    (tmp_path / "objects.yaml").write_text(yaml.safe_dump_all(objects))
    (tmp_path / "kustomizeconfig.yaml").write_text((EXAMPLES / "kustomizeconfig.yaml").read_text())
    settings = {
        "resources": ["objects.yaml"],
        "configurations": ["kustomizeconfig.yaml"],
        "namePrefix": "my-",
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(settings))
    spec = jobs(built(tmp_path))["my-job"].spec
    assert spec.service_account_name == "my-mover"
    assert spec.s3.ca_bundle
    assert spec.s3.ca_bundle.config_map_key_ref.name == "my-store-ca"


def test_the_dev_servers_keys_are_the_jobs() -> None:
    objects = {one["metadata"]["name"]: one for one in built(EXAMPLES / "dev-s3")}
    (identity,) = yaml.safe_load(objects["s3-identities"]["stringData"]["identities.json"])["identities"]
    keys = objects["s3-credentials"]["stringData"]
    assert identity["credentials"] == [
        {"accessKey": keys["AWS_ACCESS_KEY_ID"], "secretKey": keys["AWS_SECRET_ACCESS_KEY"]}
    ]
    assert "namespace" not in objects["s3-credentials"]["metadata"]


def test_the_header_names_every_column_once() -> None:
    (line,) = HEADER.read_text().splitlines()
    assert len(set(line.split(","))) == len(line.split(",")) == 42


# -- docs/gitops.md


def test_kustomize_has_its_own_copy_of_the_configuration() -> None:
    copy = EXAMPLES / "kustomize" / "kustomizeconfig.yaml"
    assert copy.read_text() == (EXAMPLES / "kustomizeconfig.yaml").read_text()


def suffixed(folder: Path) -> str:
    """The name of the job once the docs' command has set the suffix; its ConfigMap is named likewise."""
    page = (EXAMPLES.parent / "docs" / "gitops.md").read_text()
    (command,) = [line for line in page.splitlines() if line.startswith("hash=")]
    subprocess.run(["bash", "-c", command], check=True, cwd=folder)
    objects = built.__wrapped__(folder / "examples" / "kustomize")
    ((name, job),) = jobs(objects).items()
    assert job.spec.inputs[0].config_map
    assert job.spec.inputs[0].config_map.name == generated(objects)
    return name


def test_a_changed_script_is_a_job_of_another_name(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "kustomize", tmp_path / "examples" / "kustomize")
    first = suffixed(tmp_path)
    assert re.fullmatch("count-[0-9a-f]{8}", first)
    assert suffixed(tmp_path) == first
    (tmp_path / "examples" / "kustomize" / "scripts" / "count.py").write_text("print('four')")
    assert suffixed(tmp_path) != first


def test_each_release_of_the_chart_is_a_job_of_its_own() -> None:
    command = [tools.helm(), "template", "count", str(EXAMPLES / "helm")]
    names = []
    for options in ([], ["--is-upgrade", "--set", "upTo=5"]):
        text = subprocess.run([*command, *options], check=True, capture_output=True, text=True).stdout
        ((name, job),) = jobs(list(yaml.safe_load_all(text))).items()
        names.append(name)
        assert job.spec.inputs[0].inline == {"count.py": (EXAMPLES / "helm" / "scripts" / "count.py").read_text()}
    assert names[0] == "count-1"
