"""Building the embedded cluster's programs from Go modules into the cache.

Cold, all of them take about 9 minutes on two cores, most of it Kubernetes itself, whose link needs 3.3 GB of memory.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.cluster.commands import output, run
from dev.cluster.errors import ClusterError
from dev.cluster.places import cache
from dev.cluster.steps import say, step

_HERE = Path(__file__).parent
_GO = (1, 26)
_CONTAINERD = "github.com/containerd/containerd/v2"
_RUNC = "github.com/opencontainers/runc"
_KUBERNETES_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubectl",
    "etcd",
)


@dataclass(frozen=True)
class Program:
    """One call of the Go compiler."""

    name: str
    module: str
    makes: tuple[str, ...]
    packages: tuple[str, ...] = (".",)
    tags: str = ""
    linker: str = ""
    cgo: bool = False
    links: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        tags = ["-tags", self.tags] if self.tags else []
        return ["-trimpath", *tags, "-ldflags", f"-s -w {self.linker}".strip()]


# Plays fake nodes for `make bench-scale`; the cluster does without.
KWOK = Program("kwok", "kwok", ("kwok",), ("sigs.k8s.io/kwok/cmd/kwok",))


def programs() -> list[Program]:
    """Those of the cluster."""
    containerd = f"-X {_CONTAINERD}/version.Version={_version('containerd', _CONTAINERD)}"
    return [
        # Other tags would compile most of Kubernetes anew.
        Program("k8s", "k8s", ("k8s",), tags="notest", linker=_kubernetes_version(), links=_KUBERNETES_PROGRAMS),
        Program(
            "containerd",
            "containerd",
            ("containerd", "ctr"),
            (f"{_CONTAINERD}/cmd/containerd", f"{_CONTAINERD}/cmd/ctr"),
            linker=containerd,
        ),
        # The shim alone compiles without gRPC: it is then 8 MB and takes 12 MB of memory a Pod.
        Program(
            "shim",
            "containerd",
            ("containerd-shim-runc-v2",),
            (f"{_CONTAINERD}/cmd/containerd-shim-runc-v2",),
            tags="no_grpc",
            linker=containerd,
        ),
        Program(
            "runc",
            "runc",
            ("runc",),
            (_RUNC,),
            tags="seccomp",
            linker=f"-X main.version={_version('runc', _RUNC)}",
            cgo=True,
        ),
        Program("coredns", "coredns", ("coredns",)),
        Program("pause", "pause", ("pause",)),
    ]


def missing(wanted: Sequence[Program]) -> list[Program]:
    """The programs that are not in the cache as their sources ask for."""
    return [program for program in wanted if not _is_built(program)]


def ensure(wanted: Sequence[Program] = ()) -> None:
    """Build what is missing; by default of the cluster's programs."""
    wanted = wanted or programs()
    unbuilt = missing(wanted)
    if unbuilt:
        _check_go()
        names = ", ".join(program.name for program in unbuilt)
        say(f"building {names} into {bin_folder()}: once; from nothing the cluster's take 9 to 12 minutes on two cores")
    for program in unbuilt:
        with step(f"built {', '.join(program.makes)}"):
            _build(program)
    for program in wanted:
        for name in program.links:
            _link(bin_folder() / name, program.makes[0])


def bin_folder() -> Path:
    return cache() / "bin"


def _build(program: Program) -> None:
    folder = bin_folder()
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / f".{program.name}.stamp"
    stamp.unlink(missing_ok=True)
    # A folder as -o takes several programs; one program gets its name, as a main package here is called "main".
    one = len(program.makes) == 1
    target = folder / program.makes[0] if one else f"{folder}/"
    environment = {"CGO_ENABLED": str(int(program.cgo)), "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": ""}
    sources = _HERE / program.module
    run("go", "build", "-C", sources, *program.arguments(), "-o", target, *program.packages, env=environment)
    stamp.write_text(_key(program))


def _is_built(program: Program) -> bool:
    folder = bin_folder()
    stamp = folder / f".{program.name}.stamp"
    made = all((folder / name).exists() for name in program.makes)
    return made and stamp.exists() and stamp.read_text() == _key(program)


def _key(program: Program) -> str:
    """What the program is made of: its sources and how they are compiled."""
    digest = hashlib.sha256(repr((program, os.uname().machine)).encode())
    for name in ("go.mod", "go.sum", "main.go"):
        path = _HERE / program.module / name
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()


def _link(path: Path, target: str) -> None:
    if not path.is_symlink():
        path.symlink_to(target)


def _version(module: str, dependency: str) -> str:
    found = re.search(rf"^\s*{re.escape(dependency)} (v\S+)", (_HERE / module / "go.mod").read_text(), re.MULTILINE)
    if not found:
        raise ClusterError(f"dev/cluster/{module}/go.mod names no version of {dependency}")
    return found[1]


def _kubernetes_version() -> str:
    version = _version("k8s", "k8s.io/kubernetes")
    major, minor, _ = version.removeprefix("v").split(".", 2)
    values = {
        "gitVersion": version,
        "gitMajor": major,
        "gitMinor": minor,
        "gitCommit": "module",  # without a value a placeholder is shown
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
    }
    places = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(f"-X {place}.{name}={value}" for place in places for name, value in values.items())


def _check_go() -> None:
    wanted = ".".join(map(str, _GO))
    advice = f"The embedded cluster is built with Go >= {wanted}: install it from https://go.dev/dl and put it on PATH."
    if not shutil.which("go"):
        raise ClusterError(f"missing: go. {advice}")
    version = output("go", "env", "GOVERSION").strip()
    found = re.match(r"go(\d+)\.(\d+)", version)
    if not found or (int(found[1]), int(found[2])) < _GO:
        raise ClusterError(f"{version} is too old. {advice}")
