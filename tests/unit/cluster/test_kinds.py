"""The clusters that are not embedded, with stand-ins for the programs that they call."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dev.cluster import choice, embedded, places
from dev.cluster.errors import ClusterError

Program = Callable[..., None]


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of nothing but stand-ins, which write how they are called into this file."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("PJ_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("KIND_IMAGE", raising=False)
    (tmp_path / "bin").mkdir()
    return tmp_path / "calls"


@pytest.fixture
def program(calls: Path) -> Program:
    """Make a stand-in: its answer is the same whatever it is asked, and its exit code too."""

    def make(name: str, answer: str = "", code: int = 0) -> None:
        path = calls.parent / "bin" / name
        path.write_text(f"#!/bin/sh\necho {name} \"$@\" >> {calls}\ncat <<'E'\n{answer}\nE\nexit {code}\n")
        path.chmod(0o755)

    return make


def version(text: str) -> str:
    return json.dumps({"serverVersion": {"gitVersion": text}})


@pytest.fixture
def kind(program: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setenv("CLUSTER", "kind")
    program("docker")
    program("kind")
    program("kubectl", version("v1.37.2"))
    return program


@pytest.mark.usefixtures("kind")
def test_kind_makes_a_cluster(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIND_IMAGE", "kindest/node:v1.37.2")
    choice.cluster().up()
    assert (
        f"kind create cluster --name processing-operator --kubeconfig {places.kubeconfig()} --wait 120s "
        "--image kindest/node:v1.37.2"
    ) in calls.read_text().splitlines()


def test_kind_uses_the_cluster_that_exists(kind: Program, calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kind("kind", "processing-operator")
    choice.cluster().up()
    assert "exists already" in capsys.readouterr().out
    assert "create" not in calls.read_text()


def test_kind_with_a_version_that_is_too_old_is_refused(kind: Program) -> None:
    kind("kubectl", version("v1.34.1"))
    with pytest.raises(ClusterError, match=r"runs Kubernetes v1\.34\.1; >= 1\.35 is needed"):
        choice.cluster().up()


@pytest.mark.usefixtures("kind")
def test_kind_loads_archives(calls: Path) -> None:
    choice.cluster().load([Path("/images/agent.tar")])
    assert "kind load image-archive /images/agent.tar --name processing-operator" in calls.read_text()


def test_kind_without_docker_is_refused(kind: Program) -> None:
    kind("docker", code=1)
    with pytest.raises(ClusterError, match=r"CLUSTER=kind needs kind .* and a Docker engine that answers"):
        choice.cluster().up()


@pytest.fixture
def current(program: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setenv("CLUSTER", "current")
    program("kubectl", version("v1.36.0"))
    return program


@pytest.mark.usefixtures("current")
def test_the_current_clusters_kubeconfig_is_copied_and_forgotten() -> None:
    choice.cluster().up()
    assert places.kubeconfig().read_text().strip() == version("v1.36.0")
    assert places.kubeconfig().stat().st_mode & 0o777 == 0o600
    choice.cluster().down()
    assert not places.kubeconfig().exists()


def test_no_current_context_is_refused(current: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/none")
    current("kubectl", code=1)
    with pytest.raises(ClusterError, match="no context is in use in /none"):
        choice.cluster().up()


@pytest.mark.usefixtures("current")
def test_images_are_not_loaded_into_the_users_cluster() -> None:
    with pytest.raises(ClusterError, match=r"Push them to a registry"):
        choice.cluster().load([Path("/images/agent.tar")])


def test_the_embedded_cluster_needs_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match="CLUSTER=embedded needs root"):
        embedded.up()
