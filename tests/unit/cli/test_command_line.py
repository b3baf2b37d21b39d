from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from processing_agent import copy as engine
from processing_agent.copy import CopyFailed, Summary
from processing_operator_cli.__main__ import app
from processing_operator_cli.copying import describe

RUNNER = CliRunner()
DONE = Summary(objects=2, bytes=104_000_000, seconds=2.0, verified={"CRC64NVME": 2})


def test_version() -> None:
    assert RUNNER.invoke(app, ["--version"]).stdout == "pj 0.1.0\n"


def test_both_commands_are_installed() -> None:
    for program in ("pj", "kubectl-pj"):
        path = os.path.join(os.path.dirname(sys.executable), program)  # noqa: PTH118, PTH120
        assert "pj 0.1.0" in subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout


def test_copy_starts_without_kubernetes() -> None:
    code = """if True:
        import sys
        from processing_operator_cli import __main__, copying
        print({"kubernetes", "boto3", "pydantic", "yaml"} & set(sys.modules))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "b"], "neither 'a' nor 'b' begins with s3://"),
        (["s3://a", "s3://b"], "source and target are both in S3"),
    ],
)
def test_copy_from_nowhere(arguments: list[str], message: str) -> None:
    result = RUNNER.invoke(app, ["cp", *arguments])
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The engine's calls; it gives `DONE`."""
    seen: list[tuple[Any, ...]] = []

    def transfer(name: str) -> Any:
        def call(source: str, target: str, **options: Any) -> Summary:
            print("a log line")
            seen.append((name, source, target, options))
            return DONE

        return call

    monkeypatch.setattr(engine, "download", transfer("download"))
    monkeypatch.setattr(engine, "upload", transfer("upload"))
    return seen


def test_download(calls: list[tuple[Any, ...]]) -> None:
    options = ["--endpoint", "http://s3", "--region", "eu-west-1", "--addressing", "Path"]
    result = RUNNER.invoke(app, ["cp", "s3://b/k", "d", *options])
    assert result.exit_code == 0
    assert result.stdout == "2 objects, 104 MB in 2.00 s (52 MB/s), verified: CRC64NVME 2\n"
    place = {"endpoint": "http://s3", "region": "eu-west-1", "addressing": "Path", "progress": None}
    assert calls == [("download", "s3://b/k", "d", place)]


def test_upload_as_json(calls: list[tuple[Any, ...]]) -> None:
    result = RUNNER.invoke(app, ["cp", "d", "s3://b/k", "-o", "json"])
    found = json.loads(result.stdout)
    assert (found["source"], found["target"], found["objects"], found["error"]) == ("d", "s3://b/k", 2, "")
    assert calls[0][3] == {"endpoint": None, "region": None, "addressing": "Auto", "progress": None}


def test_failed_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    def upload(*_: Any, **__: Any) -> Summary:
        raise CopyFailed("1 not copied: denied", Summary(objects=1, bytes=5, skipped={"FIFO": 1}))

    monkeypatch.setattr(engine, "upload", upload)
    result = RUNNER.invoke(app, ["cp", "d", "s3://b/k"])
    assert result.exit_code == 1
    assert result.stdout == "1 object, 5 B in 0.00 s\n"
    assert "skipped 1 of kind FIFO" in result.stderr
    assert "pj cp: 1 not copied: denied" in result.stderr


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FileNotFoundError(2, "No such file or directory", "nope"), "nope: No such file or directory"),
        (FileNotFoundError("nope does not exist"), "nope does not exist"),
        (ValueError("names no bucket"), "names no bucket"),
        (KeyError("x"), "KeyError('x')"),
    ],
)
def test_failed(monkeypatch: pytest.MonkeyPatch, error: Exception, message: str) -> None:
    def upload(*_: Any, **__: Any) -> Summary:
        raise error

    monkeypatch.setattr(engine, "upload", upload)
    result = RUNNER.invoke(app, ["cp", "d", "s3://b/k", "-o", "json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"] == message
    assert f"pj cp: {message}" in result.stderr


def test_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def upload(*_: Any, **__: Any) -> Summary:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "upload", upload)
    assert RUNNER.invoke(app, ["cp", "d", "s3://b/k"]).exit_code == 130


def test_describe_retries() -> None:
    assert describe(Summary(objects=0, retries=3)) == "0 objects, 0 B in 0.00 s, 3 retries"


def test_run_needs_a_file() -> None:
    result = RUNNER.invoke(app, ["run"])
    assert result.exit_code == 2
    assert "-f" in result.stderr
