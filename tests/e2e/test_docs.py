"""The manifests and the commands of the docs, run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dev import tools
from dev.cluster.client import ROOT, kubeconfig
from tests.e2e.space import BUCKET, Space

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
# `make test` and `make demo` are what runs this; `make images` has been run before it; helm's install too.
ELSEWHERE = re.compile(r"^(make|helm upgrade --install processing-operator|helm uninstall) ?")


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    """The lines of the page's sh blocks, without their comments."""
    lines = [line.split(" #")[0].strip() for block in blocks(page, "sh") for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


class Shell:
    """Runs commands in a folder, with a kubeconfig whose namespace is the case's."""

    def __init__(self, space: Space, folder: Path) -> None:
        self.folder = folder
        config = yaml.safe_load(Path(kubeconfig()).read_text())
        for context in config["contexts"]:
            context["context"]["namespace"] = space.namespace
        (folder / "kubeconfig").write_text(yaml.safe_dump(config))
        shutil.copytree(ROOT / "examples", folder / "examples")  # some commands write there
        path = f"{Path(tools.kubectl()).parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.env = {**os.environ, "KUBECONFIG": str(folder / "kubeconfig"), "PATH": path}

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def shell(space: Space, tmp_path: Path) -> Shell:
    return Shell(space, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_manifests_are_taken(space: Space, page: Path) -> None:
    jobs = [
        d for block in blocks(page, "yaml") for d in yaml.safe_load_all(block) if d and d.get("kind") == "ProcessingJob"
    ]
    for job in jobs:
        space.cluster.create(space.jobs, job, dryRun="All", fieldValidation="Strict")


def test_the_readmes_job_is_the_example() -> None:
    (block,) = blocks(ROOT / "README.md", "yaml")
    assert block == (ROOT / "examples" / "hello.yaml").read_text()


def test_readme_commands(shell: Shell) -> None:
    (command,) = [c for c in commands(ROOT / "README.md") if not ELSEWHERE.match(c)]
    assert "Hello from a processing job" in shell.run(command)


def test_pages_on_jobs_and_results(space: Space, shell: Shell) -> None:
    """The first job of docs/jobs.md runs and gives what its text says; then every command of both pages."""
    manifest, _ = blocks(ROOT / "docs" / "jobs.md", "yaml")  # the other one: test_own_store.py
    (shell.folder / "job.yaml").write_text(manifest)
    space.s3.put_object(Bucket=BUCKET, Key="words/greeting.txt", Body=b"hello ")
    shell.run("kubectl apply -f job.yaml")
    for command in commands(ROOT / "docs" / "results.md"):
        shell.run(command.replace("NAME", "shout"))
    assert space.job("shout")["status"]["state"] == "Completed"
    loud = space.s3.get_object(Bucket=BUCKET, Key="runs/loud/greeting.txt")["Body"].read()
    assert loud == b"HELLO HELLO "
    before = space.job("shout")["metadata"]["uid"]
    for command in commands(ROOT / "docs" / "jobs.md"):
        shell.run(command)
    assert space.job("shout")["metadata"]["uid"] != before
    space.ended("shout", "Completed")
    shell.run("kubectl delete pj shout")
    assert space.cluster.find(f"{space.jobs}/shout") is None


def test_page_on_monitoring(shell: Shell) -> None:
    output = {command: shell.run(command) for command in commands(ROOT / "docs" / "monitor.md")}
    (metrics,) = [text for command, text in output.items() if "/proxy/metrics" in command]
    assert "processing_operator_leader 1.0" in metrics


def test_page_on_gitops(space: Space, shell: Shell) -> None:
    """Each way is gone twice, the second time with a changed script: a new job has run."""
    made_anew, suffix, apply, *helm = commands(ROOT / "docs" / "gitops.md")
    script = shell.folder / "examples" / "kustomize" / "scripts" / "count.py"
    shell.run(made_anew)
    first = space.cluster.items(space.jobs)
    space.ended(first[0]["metadata"]["name"], "Completed")
    script.write_text("print('four')")
    shell.run(made_anew)
    second = space.cluster.items(space.jobs)
    assert [one["metadata"]["name"] for one in second] == [one["metadata"]["name"] for one in first]
    assert second[0]["metadata"]["uid"] != first[0]["metadata"]["uid"]
    space.ended(second[0]["metadata"]["name"], "Completed")
    shell.run(suffix)
    shell.run(apply)
    assert len(space.cluster.items(space.jobs)) == 2
    for number, command in enumerate(helm, 1):
        shell.run(command)
        assert space.job(f"count-{number}")["status"]["state"] == "Completed", "helm has waited for it"
    assert space.cluster.find(f"{space.jobs}/count-1") is None
    shell.run("helm uninstall count")


def test_every_command_of_the_docs_is_known_here() -> None:
    """A page with commands that no case runs is a page that can be wrong."""
    tried = {"README", "jobs", "results", "monitor", "gitops"}
    rest = {
        page.stem: [c for c in commands(page) if not ELSEWHERE.match(c)] for page in PAGES if page.stem not in tried
    }
    assert {page: left for page, left in rest.items() if left} == {}


def test_chart_is_installed_by_the_command_of_the_docs() -> None:
    """dev/install.py is what installs the operator that all cases use."""
    install = next(c for c in commands(ROOT / "docs" / "operate.md") if c.startswith("helm "))
    words = install.split()
    source = (ROOT / "dev" / "install.py").read_text()
    assert words[:5] == ["helm", "upgrade", "--install", "processing-operator", "charts/processing-operator"]
    assert all(f'"{word}"' in source for word in words[1:] if word.startswith("-"))
