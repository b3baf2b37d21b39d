"""Who takes part, and the command by which each of them moves a whole prefix."""

from __future__ import annotations

import os
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import processing_agent
from dev.bench.transfer.samples import REFERENCE_TOOL
from dev.bench.transfer.workloads import Direction

# ours, by the names that PROCESSING_ENGINE takes; the last one is compared with the aims
ENGINES = ("reference", "fast")
OURS = f"ours ({ENGINES[-1]})"
TOOLS = (*(f"ours ({engine})" for engine in ENGINES), REFERENCE_TOOL, "rclone", "obstore", "awscrt")
CLIENTS = Path(__file__).parent / "clients"
PATHS = (str(Path(processing_agent.__file__).parents[1]), sysconfig.get_paths()["purelib"])  # of ours
# by default rclone moves 4 files at once and asks for each one's times: these let it run as the others do
RCLONE = (
    "--s3-provider=Other", "--s3-env-auth",
    "--transfers=64", "--checkers=64", "--multi-thread-streams=8", "--use-server-modtime", "--ignore-checksum",
    "--no-check-dest", "--no-traverse", "--s3-no-check-bucket", "--s3-no-head", "--s3-list-version=2",
    "--s3-use-accept-encoding-gzip=false", "--retries=1", "--config=/dev/null",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Access:
    """How clients reach and trust the server."""

    keys: tuple[str, str]
    region: str
    ca: Path
    scratch: Path


@dataclass(frozen=True, slots=True)
class Move:
    """One transfer: everything below `bucket`/`prefix` into or out of `folder`."""

    direction: Direction
    endpoint: str
    bucket: str
    prefix: str
    folder: Path


def command(tool: str, move: Move, venv: Path) -> list[str]:
    """Give the words of a tool's command.

    Raises:
        KeyError: no such tool.
    """
    if tool.startswith("ours ("):
        return [sys.executable, "-I", "-S", str(CLIENTS / "ours.py"), *PATHS, *_ends(move), move.endpoint]
    if tool in {"obstore", "awscrt"}:
        place = [move.direction.value, move.endpoint, move.bucket, move.prefix, str(move.folder)]
        return [str(venv / "bin" / "python"), "-I", str(CLIENTS / f"with_{tool}.py"), *place]
    return {REFERENCE_TOOL: _s5cmd, "rclone": _rclone}[tool](move, venv)


def environment(tool: str, access: Access) -> dict[str, str]:
    """Give the variables a tool sees: nothing of the user's own, so that no setting of theirs has a part in it."""
    variables = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(access.scratch),
        "TMPDIR": str(access.scratch),
        "AWS_ACCESS_KEY_ID": access.keys[0],
        "AWS_SECRET_ACCESS_KEY": access.keys[1],
        "AWS_REGION": access.region,
        "AWS_CA_BUNDLE": str(access.ca),
        "SSL_CERT_FILE": str(access.ca),
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }
    if tool.startswith("ours ("):
        variables["PROCESSING_ENGINE"] = tool.removeprefix("ours (").removesuffix(")")
    return variables


def s5cmd(venv: Path) -> Path:
    """The program itself: the package's script would start a Python first."""
    return next(venv.glob("lib/python3*/site-packages/s5cmd/bin/s5cmd"))


def _ends(move: Move) -> list[str]:
    remote = f"s3://{move.bucket}/{move.prefix}/"
    return [remote, str(move.folder)] if move.direction is Direction.DOWN else [str(move.folder), remote]


def _s5cmd(move: Move, venv: Path) -> list[str]:
    source, target = _ends(move)
    source += "*" if move.direction is Direction.DOWN else "/"
    target += "/" if move.direction is Direction.DOWN else ""
    return [str(s5cmd(venv)), "--endpoint-url", move.endpoint, "cp", source, target]


def _rclone(move: Move, venv: Path) -> list[str]:
    remote = f":s3:{move.bucket}/{move.prefix}"
    ends = [remote, str(move.folder)] if move.direction is Direction.DOWN else [str(move.folder), remote]
    return [str(venv / "bin" / "rclone"), "copy", *ends, f"--s3-endpoint={move.endpoint}", *RCLONE]
