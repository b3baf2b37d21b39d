"""The steps before the jobs run: each runs what a user would run by hand."""

from __future__ import annotations

import os
import subprocess
import sys

from dev import tools
from dev.cluster import places
from dev.cluster.client import ROOT
from dev.demo.errors import DemoError

OPERATOR = "processing-operator"
EXAMPLE = "examples/census"


def start_cluster() -> None:
    """The cluster by `CLUSTER`; from then on its kubeconfig is the one in use, whatever KUBECONFIG said before."""
    _tell(sys.executable, "-m", "dev.cluster", "up")
    os.environ["KUBECONFIG"] = str(places.kubeconfig())


def start_cluster_and_build_images() -> None:
    """Side by side: from nothing both are long, and each often waits for what the other does not need."""
    building = subprocess.Popen([sys.executable, "-m", "containers.build"], cwd=ROOT, stdin=subprocess.DEVNULL)
    try:
        start_cluster()
    except BaseException:
        building.terminate()
        raise
    finally:
        building.wait()
    # what failed above says why here; what was built is loaded
    _tell(sys.executable, "-m", "containers.build", "--load")


def start_s3() -> None:
    kubectl("apply", "--kustomize=examples/dev-s3")
    kubectl("rollout", "status", "--namespace=dev-s3", "deployment/s3", "--timeout=120s")


def install_operator() -> None:
    """Install or upgrade the chart; started anew if it ran before, since an image may have changed under its name."""
    there = kubectl("get", "deployment", f"--namespace={OPERATOR}", "--output=name", "--ignore-not-found", OPERATOR)
    where = (f"--namespace={OPERATOR}", "--create-namespace")
    run(
        tools.helm(), "upgrade", "--install", OPERATOR, "charts/processing-operator", *where, "--wait", "--timeout=120s"
    )
    if there:
        kubectl("rollout", "restart", f"--namespace={OPERATOR}", f"deployment/{OPERATOR}")
        kubectl("rollout", "status", f"--namespace={OPERATOR}", f"deployment/{OPERATOR}", "--timeout=120s")


def delete_jobs() -> None:
    """Delete the jobs of an earlier run, if there was one, and wait until they are gone."""
    kubectl("delete", f"--kustomize={EXAMPLE}", "--ignore-not-found", "--wait", "--timeout=120s")


def apply_jobs() -> None:
    kubectl("apply", f"--kustomize={EXAMPLE}")


def namespace() -> str:
    """The namespace that kubectl uses, and so the jobs'."""
    return kubectl("config", "view", "--minify", "--output=jsonpath={..namespace}").strip() or "default"


def kubectl(*arguments: str) -> str:
    return run(tools.kubectl(), *arguments)


def run(*command: str) -> str:
    """Run to the end; what it printed.

    Raises:
        DemoError: it ended with another code than 0.
    """
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise DemoError(f"`{' '.join(command)}` ended with {done.returncode}:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def _tell(*command: str) -> None:
    """Run with the command's own lines shown as they come."""
    done = subprocess.run(command, cwd=ROOT, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise DemoError(f"`{' '.join(command[1:])}` ended with {done.returncode}")
