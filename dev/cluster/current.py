"""The cluster of the kubeconfig in use: nothing is started or ended here."""

import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from dev.cluster.commands import output, run
from dev.cluster.errors import ClusterError
from dev.cluster.pki import write_private
from dev.cluster.places import cache, kubeconfig
from dev.cluster.steps import say, step

# Container restart rules (KEP-5307) are on by default since this version.
_LEAST = (1, 35)


def up() -> None:
    found = run(kubectl(), "config", "view", "--minify", "--flatten", "--output=json", check=False)
    if found.returncode:
        where = os.environ.get("KUBECONFIG") or "~/.kube/config"
        raise ClusterError(
            f"CLUSTER=current: no context is in use in {where}: {found.stderr.strip()}. "
            "Set KUBECONFIG, or choose one with `kubectl config use-context`."
        )
    with step("the current cluster answers"):
        write_private(kubeconfig(), found.stdout)
        check_version(kubeconfig())


def down(*, wipe: bool = False) -> None:
    del wipe
    kubeconfig().unlink(missing_ok=True)
    say("CLUSTER=current: the cluster is yours and stays as it is")


def status() -> None:
    say(output(kubectl(), "cluster-info"))


def load(archives: Sequence[Path]) -> None:
    names = ", ".join(archive.stem for archive in archives)
    raise ClusterError(
        f"CLUSTER=current: images are not loaded into a cluster that is not ours ({names}). Push them to a registry "
        "that its nodes can read, and set the image names by the chart's values and kustomize."
    )


def check_version(path: Path) -> None:
    """Refuse a server without container restart rules."""
    answer = json.loads(output(kubectl(), "--kubeconfig", path, "version", "--output=json"))
    version = answer["serverVersion"]["gitVersion"]
    numbers = re.match(r"v(\d+)\.(\d+)", version)
    if not numbers or (int(numbers[1]), int(numbers[2])) < _LEAST:
        least = ".".join(map(str, _LEAST))
        raise ClusterError(f"the cluster runs Kubernetes {version}; >= {least} is needed (KIND_IMAGE chooses kind's)")


def kubectl() -> str:
    """The user's kubectl, or the one that was built for the embedded cluster."""
    built = cache() / "bin" / "kubectl"
    found = shutil.which("kubectl") or (str(built) if os.access(built, os.X_OK) else None)
    if not found:
        raise ClusterError("missing: kubectl. https://kubernetes.io/docs/tasks/tools says how to install it.")
    return found
