"""The dev S3 server from this side: a port-forward, and `pj cp` over it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import yaml

from dev import tools
from dev.cluster.client import ROOT
from dev.demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterator

CREDENTIALS = ROOT / "examples" / "dev-s3" / "s3-credentials.yaml"
OUTPUTS = "s3://data/runs/census/"


@contextmanager
def forwarded() -> Iterator[str]:
    """The server's address on this machine: works with every kind of cluster."""
    command = [tools.kubectl(), "port-forward", "--namespace=dev-s3", "service/s3", ":8333"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield f"http://{_listening(process)}"
        finally:
            process.terminate()


def _listening(process: subprocess.Popen[str]) -> str:
    """The host and port of the first line: "Forwarding from 127.0.0.1:40001 -> 8333"."""
    output = cast("IO[str]", process.stdout)
    line = output.readline()
    if not line.startswith("Forwarding from "):
        raise DemoError(f"kubectl cannot forward a port to the S3 server: {line}{output.read()}")
    return line.split()[2]


def upload(census: Path, endpoint: str) -> None:
    copy(str(census.parent), "s3://data/census/", endpoint)


def download(folder: Path, endpoint: str) -> None:
    """Fetch the evaluation, and beside it everything that the jobs have uploaded; nothing of an earlier run stays."""
    shutil.rmtree(folder, ignore_errors=True)
    copy(f"{OUTPUTS}evaluation/", str(folder), endpoint)
    copy(OUTPUTS, str(folder / "outputs"), endpoint)


def copy(source: str, target: str, endpoint: str) -> None:
    """`pj cp` with the dev server's keys.

    Raises:
        DemoError: it failed; its own words are in the text.
    """
    keys = yaml.safe_load(CREDENTIALS.read_text())["stringData"]
    env = {**os.environ, **keys, "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "NO_PROXY": "127.0.0.1"}
    command = [str(Path(sys.executable).with_name("pj")), "cp", source, target]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise DemoError(f"`pj cp {source} {target}` ended with {done.returncode}:\n{done.stdout}{done.stderr}".rstrip())
