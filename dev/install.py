"""What the end-to-end tests and the benchmark share: the dev S3 server and the operator, installed as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from dev import tools
from dev.cluster.client import Cluster, kubeconfig

ROOT = Path(__file__).resolve().parents[1]
NAMESPACE = "processing-operator"
# The keys of examples/dev-s3: they open nothing but that server.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "dev-access-key", "AWS_SECRET_ACCESS_KEY": "dev-secret-key"}
S3_SERVICE = "/api/v1/namespaces/dev-s3/services/s3"


def run(*command: str) -> None:
    env = {**os.environ, "KUBECONFIG": kubeconfig()}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"`{' '.join(command)}` ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def s3_address(cluster: Cluster) -> tuple[str, int]:
    """Host and port of the dev S3 server: the Service's address, which the node itself reaches as Pods do."""
    spec = cluster.get(S3_SERVICE)["spec"]
    return spec["clusterIP"], spec["ports"][0]["port"]


def install_s3() -> None:
    run(tools.kubectl(), "apply", "-k", "examples/dev-s3")
    run(tools.kubectl(), "rollout", "status", "-n", "dev-s3", "deployment/s3", "--timeout=120s")


def install_operator(*values: str) -> None:
    """Install or upgrade, and start the Pod anew: the image may be another one under the same name.

    `values`: helm's options for other values than the chart's.
    """
    command = [tools.helm(), "upgrade", "--install", "processing-operator", "charts/processing-operator", *values]
    run(*command, "--namespace", NAMESPACE, "--create-namespace", "--wait", "--timeout", "120s")
    run(tools.kubectl(), "rollout", "restart", "-n", NAMESPACE, "deployment/processing-operator")
    run(tools.kubectl(), "rollout", "status", "-n", NAMESPACE, "deployment/processing-operator", "--timeout=120s")


def main() -> int:
    for name, action in (("dev S3 server", install_s3), ("operator by helm", install_operator)):
        begin = time.monotonic()
        action()
        print(f"[{time.monotonic() - begin:6.2f} s] {name} installed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
