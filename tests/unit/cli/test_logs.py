"""`pj logs` against an API server that plays a job's life."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from processing_operator_cli.__main__ import app

if TYPE_CHECKING:
    from typer.testing import Result

    from tests.unit.cli.fake_api import FakeApi

POD = "hello-uid-1-0"
LOG = f"/api/v1/namespaces/work/pods/{POD}/log"
JOB = "/apis/processing-operator.dev/v1alpha1/namespaces/work/processingjobs/hello"
INSTANCES = [{"index": 0, "pod": POD}]
RUNNING = {"state": "Running", "message": "script is running", "instances": INSTANCES}
FAILED = {"state": "Failed", "reason": "InputNotFound", "message": "no such key"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processing_operator_cli.logs._PAUSE_SECONDS", 0.05)


def there(api: FakeApi, **status: Any) -> None:
    api.jobs["hello"] = {"metadata": {"name": "hello", "namespace": "work", "uid": "u"}, "status": status}


def logs(*options: str) -> Result:
    return CliRunner().invoke(app, ["logs", "hello", *options])


def lines(*texts: str) -> list[str]:
    return [f"2026-01-01T00:00:0{n}Z {text}" for n, text in enumerate(texts, 1)]


@pytest.mark.parametrize("state", ["Running", "Completed"])
def test_the_scripts_log_by_default(api: FakeApi, state: str) -> None:
    there(api, state=state, instances=INSTANCES)
    api.logs = {"script": [lines("one", " two")], "fetch": [lines("{}")]}
    shown = logs()
    assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "one\n two\n", "")
    assert f"GET {LOG}?container=script&follow=false&timestamps=true" in api.asked


def test_another_container_and_the_last_lines(api: FakeApi) -> None:
    there(api, **RUNNING)
    api.logs["fetch"] = [lines("{}")]
    assert logs("-c", "fetch", "--tail", "5").stdout == "{}\n"
    assert f"GET {LOG}?container=fetch&follow=false&timestamps=true&tailLines=5" in api.asked


def test_following_waits_for_the_pod_and_goes_on_after_a_break(api: FakeApi) -> None:
    there(api, state="Pending")
    waiting = {"state": "Pending", "message": "no node"}
    api.gets["hello"] = [waiting, waiting, RUNNING]
    api.logs["script"] = [lines("one"), lines("one", "two")]
    shown = logs("-f")
    assert (shown.exit_code, shown.stdout) == (0, "one\ntwo\n")


def test_following_ends_with_the_job(api: FakeApi) -> None:
    """Its script has never started, so there is no log whose end could be waited for."""
    there(api, state="Downloading", instances=INSTANCES)
    api.lives["hello"] = [FAILED | {"instances": INSTANCES}]
    shown = logs("-f")
    assert shown.exit_code == 2
    assert "container script has not started; the job is Failed (InputNotFound). no such key" in shown.stderr


def test_a_script_that_prints_nothing(api: FakeApi) -> None:
    there(api, state="Completed", instances=INSTANCES)
    api.logs["script"] = [[]]
    assert logs("-f").exit_code == 0


UNSTARTED = "container script has not started"
ALSO = "see also: pj logs hello -n work -c fetch"
NOTHING: list[tuple[str, dict[str, Any], int, str]] = [
    ("no Pod yet", {"state": "Waiting"}, 0, "job hello has no Pod yet; the job is Waiting"),
    ("not looked at", {}, 0, "job hello has no Pod yet; no operator has looked at the job yet"),
    ("never had one", FAILED, 0, "job hello has had no Pod; the job is Failed (InputNotFound). no such key"),
    ("not started", {"state": "Pending", "instances": INSTANCES}, 400, f"{UNSTARTED}; the job is Pending; {ALSO}"),
    ("Pod gone", RUNNING, 404, f"Pod {POD} is gone, and its logs with it; the job is Running. script is running"),
    ("forbidden", RUNNING, 403, "no"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "code", "words"), [row[1:] for row in NOTHING], ids=[row[0] for row in NOTHING])
def test_nothing_to_show(api: FakeApi, status: dict[str, Any], code: int, words: str) -> None:
    there(api, **status)
    if code:
        api.refusals["GET", LOG] = code, "no"
    shown = logs()
    assert (shown.exit_code, shown.stdout, shown.stderr) == (2, "", f"pj logs: {words}\n")


def test_forbidden_is_told_while_following_too(api: FakeApi) -> None:
    there(api, **RUNNING)
    api.refusals["GET", LOG] = 403, "pods/log is forbidden"
    shown = logs("-f")
    assert (shown.exit_code, shown.stderr) == (2, "pj logs: pods/log is forbidden\n")


@pytest.mark.usefixtures("api")
def test_no_such_job() -> None:
    assert logs().stderr == "pj logs: there is no job hello in namespace work\n"


def test_no_such_container() -> None:
    assert "'main' is not one of 'fetch', 'script', 'upload'" in logs("-c", "main").stderr


@pytest.fixture
def _chatty(api: FakeApi) -> None:
    there(api, **RUNNING)
    api.logs["script"] = [[f"2026-01-01T00:00:01.{n:09}Z {'x' * 100}" for n in range(20_000)]]


@pytest.mark.usefixtures("_chatty")
def test_a_reader_that_has_seen_enough() -> None:
    command = f"{sys.executable} -m processing_operator_cli logs hello | head -n 1"
    done = subprocess.run(command, shell=True, env=dict(os.environ), capture_output=True, text=True, check=False)  # noqa: S602
    assert (done.stdout, done.stderr) == ("x" * 100 + "\n", "")
