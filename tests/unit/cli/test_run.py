"""`pj run` against an API server that plays a job's life."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from processing_operator_cli import following
from processing_operator_cli.applying import Started
from processing_operator_cli.running import detached, run_jobs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.fake_api import FakeApi

JOBS = "/apis/processing-operator.dev/v1alpha1/namespaces/work/processingjobs"
POD = "hello-uid-1-0"
INSTANCES = [{"index": 0, "pod": POD}]


def manifest(name: str = "hello", **spec: Any) -> str:
    job = {
        "apiVersion": "processing-operator.dev/v1alpha1",
        "kind": "ProcessingJob",
        "metadata": {"name": name},
        "spec": {"image": "i", "command": ["c"], **spec},
    }
    return json.dumps(job)


def status(state: str, *phases: str, **more: Any) -> dict[str, Any]:
    return {"state": state, "phases": [{"name": phase} for phase in phases], "instances": INSTANCES, **more}


def progress(**more: Any) -> str:
    counts = {"phase": "Downloading", "objects": 1, "bytes": 5, "totalObjects": 2, "totalBytes": 10, **more}
    return "2026-01-01T00:00:00.5Z " + json.dumps({"progress": counts})


LIFE: list[dict[str, Any] | None] = [
    status("Pending", message="waits for a node"),
    status("Downloading", "Downloading"),
    status("Running", "Downloading", "Running", message="script is running"),
    status("Completed", "Downloading", "Running", "Uploading", message="done", exitCode=0),
]


@dataclass
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    def runs(text: str, **options: Any) -> Ran:
        path = tmp_path / "job.yaml"
        path.write_text(text)
        code = run_jobs([str(path)], **{"namespace": "", "context": "", "replace": False, **options})
        return Ran(code, *capsys.readouterr())

    return runs


def test_completed(api: FakeApi, run: Callable[..., Ran]) -> None:
    api.lives["hello"] = LIFE
    api.logs = {"fetch": [[progress()]], "script": [["2026-01-01T00:00:01Z Hello", "2026-01-01T00:00:02Z  you"]]}
    ran = run(manifest())
    assert ran.code == 0
    assert ran.out == "Hello\n you\n"
    for part in (
        "hello: created in namespace work",
        "hello: Pending. waits for a node",
        "hello: Downloading\n",
        "hello: Running\n",
        "hello: Completed. done",
    ):
        assert part in ran.err
    assert f"POST {JOBS}?fieldManager=pj&fieldValidation=Strict" in api.asked


@pytest.mark.parametrize(("state", "code"), [("Failed", 1), ("Stopped", 3)])
def test_other_ends(api: FakeApi, run: Callable[..., Ran], state: str, code: int) -> None:
    api.lives["hello"] = [status(state, reason="Why", message="because")]
    ran = run(manifest())
    assert ran.code == code
    assert f"hello: {state} (Why). because" in ran.err


def test_log_goes_on_after_a_break(api: FakeApi, run: Callable[..., Ran]) -> None:
    """The connection breaks; sinceTime counts whole seconds, so the last line comes again."""
    api.lives["hello"] = LIFE
    api.logs["script"] = [
        ["2026-01-01T00:00:01.1Z one", "2026-01-01T00:00:01.25Z two"],
        ["2026-01-01T00:00:01.1Z one", "2026-01-01T00:00:01.25Z two", "2026-01-01T00:00:01.3Z three"],
    ]
    assert run(manifest()).out == "one\ntwo\nthree\n"
    assert any("sinceTime=2026-01-01T00:00:01.25Z" in asked for asked in api.asked)


def test_log_of_a_short_script(api: FakeApi, run: Callable[..., Ran]) -> None:
    """The operator has never seen it run."""
    downloaded = {"name": "Downloading", "endTime": "2026-01-01T00:00:00Z"}
    api.lives["hello"] = [status("Pending") | {"phases": [downloaded]}, status("Completed") | {"phases": [downloaded]}]
    api.logs["script"] = [["2026-01-01T00:00:01Z short"]]
    assert run(manifest()).out == "short\n"


def test_logs_may_not_be_read(api: FakeApi, run: Callable[..., Ran]) -> None:
    api.lives["hello"] = LIFE
    api.refusals["GET", f"/api/v1/namespaces/work/pods/{POD}/log"] = 403, "pods/log is forbidden"
    ran = run(manifest())
    assert ran.code == 0
    assert "hello: its logs cannot be shown: pods/log is forbidden" in ran.err


def test_warnings_of_the_agent_are_shown(api: FakeApi, run: Callable[..., Ran]) -> None:
    api.lives["hello"] = LIFE
    api.logs["fetch"] = [['2026-01-01T00:00:01Z {"level": "warning", "message": "slow"}', "2026-01-01T00:00:02Z text"]]
    assert "hello: fetch: slow" in run(manifest()).err


def test_two_jobs_and_a_configmap(api: FakeApi, run: Callable[..., Ran]) -> None:
    api.lives = {"a": [status("Completed")], "b": [status("Completed", "Running")]}
    api.logs["script"] = [["2026-01-01T00:00:01Z out"]]
    config = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}'
    ran = run("\n---\n".join([manifest("a"), config, manifest("b")]))
    assert ran.code == 0
    assert ran.out == "b | out\n"
    assert [found["path"] for found in api.applied] == ["/api/v1/namespaces/work/configmaps/c"]


def test_deleted(api: FakeApi, run: Callable[..., Ran]) -> None:
    api.lives["hello"] = [status("Pending"), None]
    ran = run(manifest())
    assert ran.code == 1
    assert "hello: was deleted" in ran.err


def test_silence_is_explained(api: FakeApi, run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_PATIENCE_SECONDS", 0.1)
    api.pause = 0.5
    api.lives["hello"] = [status("Completed")]
    assert "nobody has looked at it yet: does an operator run that serves namespace work?" in run(manifest()).err


def test_same_job_is_followed(api: FakeApi, run: Callable[..., Ran]) -> None:
    api.lives["hello"] = [status("Completed")]
    run(manifest(timeouts={"runSeconds": 86400}))  # a default, said
    api.jobs["hello"]["spec"]["stop"] = True
    ran = run(manifest())
    assert ran.code == 0
    assert "hello: is there already in namespace work" in ran.err


def test_another_job_of_the_name(api: FakeApi, run: Callable[..., Ran]) -> None:
    api.lives["hello"] = [status("Completed")]
    run(manifest())
    ran = run(manifest(image="other"))
    assert ran.code == 2
    assert "another job named hello is in namespace work, and a job cannot be changed: --replace" in ran.err
    ran = run(manifest(image="other"), replace=True)
    assert ran.code == 0
    assert api.jobs["hello"]["spec"]["image"] == "other"


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (
            (422, 'ProcessingJob "hello" is invalid: spec.image: no'),
            'ProcessingJob hello: ProcessingJob "hello" is invalid',
        ),
        ((404, "the server could not find the requested resource"), "the cluster does not know ProcessingJobs"),
        ((403, "processingjobs is forbidden"), "processingjobs is forbidden"),
    ],
)
def test_refused(api: FakeApi, run: Callable[..., Ran], refusal: tuple[int, str], message: str) -> None:
    api.refusals["POST", JOBS] = refusal
    ran = run(manifest())
    assert ran.code == 2
    assert message in ran.err


@pytest.mark.parametrize(
    ("options", "namespace"), [({"namespace": "other"}, "other"), ({"context": "there"}, "default"), ({}, "work")]
)
def test_namespace(api: FakeApi, run: Callable[..., Ran], options: dict[str, str], namespace: str) -> None:
    api.lives["hello"] = [status("Completed")]
    assert f"created in namespace {namespace}" in run(manifest(), **options).err


@pytest.mark.usefixtures("api")
def test_two_namespaces(run: Callable[..., Ran]) -> None:
    text = manifest().replace('"name": "hello"', '"name": "hello", "namespace": "own"')
    ran = run(text, namespace="other")
    assert ran.code == 2
    assert "metadata.namespace: 'own' is not the namespace asked for, 'other'" in ran.err


@pytest.mark.usefixtures("api")
def test_unknown_kind(run: Callable[..., Ran]) -> None:
    ran = run(manifest() + '\n---\n{"apiVersion": "v1", "kind": "Gadget", "metadata": {"name": "g"}}')
    assert ran.code == 2
    assert "document 2: the cluster does not serve v1 Gadget" in ran.err


@pytest.mark.usefixtures("api")
def test_no_such_context(run: Callable[..., Ran]) -> None:
    ran = run(manifest(), context="nowhere")
    assert ran.code == 2
    assert "no cluster to work with" in ran.err
    assert "nowhere" in ran.err


@pytest.mark.usefixtures("api")
def test_no_kubeconfig(run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/no/where:/no/such")
    ran = run(manifest())
    assert ran.code == 2
    assert "no cluster to work with: there is no kubeconfig at /no/where:/no/such: set KUBECONFIG" in ran.err


def test_server_is_away(api: FakeApi, run: Callable[..., Ran], tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(kubeconfig.read_text().replace("http://127.0.0.1:", "http://127.0.0.1:1#"))
    ran = run(manifest())
    assert ran.code == 2
    assert "does not answer" in ran.err
    assert not api.jobs


def test_invalid_manifest_is_not_sent(api: FakeApi, run: Callable[..., Ran]) -> None:
    ran = run(manifest(command=[]))
    assert ran.code == 2
    assert "spec.command" in ran.err
    assert not api.asked


def test_detached() -> None:
    (blank, text, stop) = detached([Started("ns", "hello", "u", found=False)])
    assert (blank, text) == ("", "Detached; the job goes on.")
    assert stop == """to stop it: kubectl patch pj hello -n ns --type=merge -p '{"spec": {"stop": true}}'"""
    assert detached([]) == [""]
