"""A cluster of kind, in Docker."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from dev.cluster.commands import output, run
from dev.cluster.current import check_version
from dev.cluster.errors import ClusterError
from dev.cluster.places import kubeconfig
from dev.cluster.steps import say, step

_NAME = "processing-operator"


def answers() -> bool:
    """Whether kind is installed and a Docker engine answers."""
    return bool(shutil.which("kind")) and docker_answers()


def docker_answers() -> bool:
    return bool(shutil.which("docker")) and run("docker", "version", check=False).returncode == 0


def up() -> None:
    _check()
    kubeconfig().parent.mkdir(parents=True, exist_ok=True)
    if _exists():
        run("kind", "export", "kubeconfig", "--name", _NAME, "--kubeconfig", kubeconfig())
        say(f"the kind cluster {_NAME} exists already: it is used as it is")
    else:
        # KIND_IMAGE chooses the version, where kind's own choice is too old
        image = ("--image", os.environ["KIND_IMAGE"]) if os.environ.get("KIND_IMAGE") else ()
        with step(f"the kind cluster {_NAME} is ready"):
            run("kind", "create", "cluster", "--name", _NAME, "--kubeconfig", kubeconfig(), "--wait", "120s", *image)
    check_version(kubeconfig())


def down(*, wipe: bool = False) -> None:
    """Delete the cluster. Its images go with it, so `wipe` changes nothing."""
    del wipe
    _check()
    with step(f"the kind cluster {_NAME} deleted"):
        run("kind", "delete", "cluster", "--name", _NAME, "--kubeconfig", kubeconfig())
    kubeconfig().unlink(missing_ok=True)


def status() -> None:
    _check()
    say(f"the kind cluster {_NAME} {'exists' if _exists() else 'does not exist'}")


def load(archives: Sequence[Path]) -> None:
    _check()
    for archive in archives:
        with step(f"loaded {archive.name}"):
            run("kind", "load", "image-archive", archive, "--name", _NAME)


def _exists() -> bool:
    return _NAME in output("kind", "get", "clusters").split()


def _check() -> None:
    if not answers():
        raise ClusterError(
            "CLUSTER=kind needs kind (https://kind.sigs.k8s.io) on PATH and a Docker engine that answers "
            "`docker version`. CLUSTER=embedded needs neither."
        )
