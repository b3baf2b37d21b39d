import tomllib
from pathlib import Path

import pytest

from dev.cluster import build, choice, config, packages, places, processes
from dev.cluster.components import COMPONENTS, command
from dev.cluster.errors import ClusterError
from dev.cluster.packages import Need
from dev.cluster.waiting import NotReachedError, until


def test_an_unknown_cluster_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTER", "minikube")
    with pytest.raises(ClusterError, match="CLUSTER=minikube is none of embedded, kind, current"):
        choice.cluster()


def test_without_kind_the_cluster_is_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLUSTER", raising=False)
    monkeypatch.setattr("dev.cluster.kind.answers", lambda: False)
    assert choice.name() == "embedded"
    monkeypatch.setattr("dev.cluster.kind.answers", lambda: True)
    assert choice.name() == "kind"


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PJ_CACHE", "/elsewhere")
    assert places.kubeconfig() == Path("/elsewhere/cluster/kubeconfig")
    monkeypatch.delenv("PJ_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/user/.cache")
    assert places.cache() == Path("/home/user/.cache/processing-operator")


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match=r"missing: no-such-program\. .*sudo apt-get install its-package;"):
        packages.ensure([Need("sh", "dash"), Need("no-such-program", "its-package")])


def test_containerd_configuration_is_toml() -> None:
    plugins = tomllib.loads(config.containerd(Path("/cni")))["plugins"]
    assert plugins["io.containerd.cri.v1.images"]["pinned_images"]["sandbox"] == places.PAUSE_IMAGE
    assert plugins["io.containerd.cri.v1.runtime"]["cni"]["bin_dirs"] == ["/cni"]


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_has_a_program_that_is_built(component: str) -> None:
    built = {name for program in build.programs() for name in (*program.makes, *program.links)}
    assert component in built
    assert command(component)[0] == f"{places.BIN}/{component}"


@pytest.mark.parametrize(
    ("words", "program"),
    [
        (["/bin/kubelet", "--config=x"], "/bin/kubelet"),
        (["setsid", "--fork", "/bin/kubelet", "--config=x"], "/bin/kubelet"),
        (["setsid"], "setsid"),
    ],
)
def test_a_program_is_found_before_and_after_it_is_called(words: list[str], program: str) -> None:
    assert processes._program(words) == program


def test_waiting_says_what_for_and_the_last_error() -> None:
    def refused() -> bool:
        raise ConnectionRefusedError("refused")

    with pytest.raises(NotReachedError, match=r"waited 0 s in vain: the server is ready \(refused\)"):
        until("the server is ready", refused, seconds=0)


def test_waiting_ends_when_it_is_of_no_use() -> None:
    def ended() -> None:
        raise ClusterError("etcd ended")

    with pytest.raises(ClusterError, match="etcd ended"):
        until("the server is ready", lambda: False, check=ended)


def test_a_program_is_built_anew_when_its_sources_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "_HERE", tmp_path)
    module = tmp_path / "pause"
    module.mkdir()
    program = build.Program("pause", "pause", ("pause",))
    (module / "main.go").write_text("package main")
    before = build._key(program)
    (module / "main.go").write_text("package main // changed")
    assert build._key(program) != before
