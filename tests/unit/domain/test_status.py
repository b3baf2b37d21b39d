"""The status: states, phases, counts, conditions and Events of jobs that go on and that end."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

from typing import Any

import pytest

from processing_operator.api.status import JobStatus
from processing_operator.domain.actions import Actions
from processing_operator.domain.decide import decide
from tests.unit.domain.builders import (
    FETCHED,
    UPLOADED,
    Obj,
    at,
    begun,
    completed,
    condition,
    created,
    disrupted,
    downloading,
    ended,
    facts,
    failed,
    job,
    pod,
    record,
    result,
    running,
    runs,
    text,
    uploading,
    waiting,
)

SPEC: Obj = {
    "inputs": [
        {"name": "data", "path": "/opt/ml/processing/data", "s3": {"uri": "s3://data/in"}},
        {"name": "code", "path": "/opt/ml/processing/code", "inline": {"a.py": ""}},
    ],
    "outputs": [
        {"name": "out", "path": "/opt/ml/processing/out", "s3": {"uri": "s3://data/out"}},
        {
            "name": "model",
            "path": "/opt/ml/model",
            "s3": {"uri": "s3://data/model/"},
            "archive": {"format": "TarGz", "name": "model.tar.gz"},
        },
    ],
}
LANDED = result(items=[[1, 2000, 620, "C"], [1, 0, 1, "C"]])
SENT = result(items=[[2, 300, 400, "C"], [0, 0, 0, "S"]], exit={"code": 0, "reason": "Exited"})


def look(seen: Obj, now: float = 30, status: Obj | None = None, **meta: Any) -> Actions:
    census = job(status=status or begun(), meta=meta, **SPEC)
    return decide(census, facts(census, seen), at(now))


def status_of(actions: Actions) -> JobStatus:
    assert actions.status is not None
    return actions.status


STATES: list[tuple[str, Obj, str, str]] = [
    ("created", created(), "Pending", "being started"),
    ("downloading", downloading(), "Downloading", "downloading (attempt 1)"),
    ("fetched", pod(phase="Pending", fetch=FETCHED, upload=waiting(), script=waiting()), "Pending", "inputs are in place"),
    ("running", running(), "Running", "script is running (attempt 1)"),
    ("uploading", uploading(), "Uploading", "uploading (attempt 1)"),
    ("deleted", pod(fetch=FETCHED, upload=runs(4), script=runs(4), deleting=9), "Stopping", "census-1a2b3c4d-1-0 is being deleted"),
    ("evicted", pod(fetch=FETCHED, upload=runs(4), script=runs(4), deleting=9, conditions=[disrupted("EvictionByEvictionAPI")]), "Stopping", "is being deleted; by EvictionByEvictionAPI"),
    ("evicted by the kubelet", pod(fetch=FETCHED, upload=runs(4), script=runs(4), deleting=9, status={"message": "low on memory"}), "Stopping", "is being deleted; low on memory"),
    ("fetch crashed", pod(phase="Pending", fetch=waiting(last=ended(137), restarts=1)), "Downloading", "137 (SIGKILL)"),
    ("upload crashed", pod(fetch=FETCHED, upload=runs(8, last=ended(1), restarts=2), script=ended()), "Uploading", "restarted, 2 in all, after exit code 1"),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "state", "word"), [row[1:] for row in STATES], ids=[row[0] for row in STATES])
def test_state(seen: Obj, state: str, word: str) -> None:
    status = status_of(look(seen))
    assert status.state == state
    assert word in (status.message or "")
    assert [(entry.type, entry.reason, entry.message) for entry in status.conditions] == [
        ("Reconciling", state, status.message)
    ]
    assert status.observed_generation == 1
    assert (status.reason, status.completion_time, status.duration) == (None, None, None)


def test_counts() -> None:
    seen = pod(
        fetch=ended(0, 1, 3, message=LANDED),
        upload=ended(0, 4, 9, message=SENT),
        script=ended(0, 4, 7, message="accuracy 0.95\n"),
        phase="Succeeded",
    )
    status = status_of(look(seen))
    assert [entry.model_dump(exclude_none=True) for entry in status.inputs] == [
        {"name": "data", "objects": 1, "bytes": 2000, "seconds": 0.62},
        {"name": "code", "objects": 1, "bytes": 0, "seconds": 0.001},
    ]
    assert [(entry.name, entry.objects, entry.bytes, entry.upload, entry.uri) for entry in status.outputs] == [
        ("out", 2, 300, "Complete", "s3://data/out/"),
        ("model", 0, 0, "Skipped", "s3://data/model/model.tar.gz"),
    ]
    assert (status.exit_code, status.exit_message) == (0, "accuracy 0.95\n")


UNREADABLE = ["", "?", "[]", '{"v": 2}', '{"v": 1, "items": "?"}', '{"v": 1, "items": [[1, 2, 3]]}', '{"v":1,"items":[[1,2,3,"C"]]}']  # fmt: skip


@pytest.mark.parametrize("message", UNREADABLE)
def test_unreadable_result_means_counts_unknown_and_no_failure(message: str) -> None:
    """The last one has fewer items than the job has inputs: nobody knows which they are."""
    sent = ended(0, 4, 9, message=message if "v" not in message else record())
    status = status_of(look(pod(fetch=ended(0, 1, 3, message=message), upload=sent, script=ended(0, 4, 7))))
    assert (status.state, status.inputs, status.outputs) == ("Completed", (), ())


UPLOADS: list[tuple[str, str]] = [("C", "Complete"), ("E", "Complete"), ("F", "Failed"), ("S", "Skipped"), ("W", "NotReached"), ("?", "")]  # fmt: skip


@pytest.mark.parametrize(("letter", "state"), UPLOADS)
def test_what_became_of_an_output(letter: str, state: str) -> None:
    sent = result(items=[[1, 1, 1, letter], [1, 1, 1, "C"]], exit={"code": 0, "reason": "Exited"})
    status = status_of(look(pod(fetch=FETCHED, upload=ended(0, 4, 9, message=sent), script=ended(0, 4, 7))))
    assert (status.outputs[0].upload or "") == state


def test_exit_message_is_cut_on_a_character() -> None:
    seen = pod(fetch=FETCHED, upload=UPLOADED, script=ended(0, 4, 7, message="é" * 600))
    assert status_of(look(seen)).exit_message == "é" * 512


# the script's container; its exit code and its message in the status
SCRIPTS: list[tuple[str, Obj, int | None, str | None]] = [
    ("runs", runs(4), None, None),
    ("ended", ended(3, 4, 7, message="m"), 3, "m"),
    ("ended without a message", ended(0, 4, 7), 0, None),
    ("could not be started", ended(128, None, 5, reason="StartError", message="exec: no such file"), 128, None),
    ("nobody knows", ended(137, None, 6, reason="ContainerStatusUnknown", message="lost"), None, None),
]


@pytest.mark.parametrize(("script", "code", "message"), [row[1:] for row in SCRIPTS], ids=[row[0] for row in SCRIPTS])
def test_exit_code_and_message_are_the_scripts(script: Obj, code: int | None, message: str | None) -> None:
    status = status_of(look(pod(fetch=FETCHED, upload=runs(4), script=script)))
    assert (status.exit_code, status.exit_message) == (code, message)


RESTARTS: list[tuple[str, Obj, tuple[int, int] | None]] = [
    ("none", downloading(), None),
    ("fetch", pod(phase="Pending", fetch=waiting(last=ended(137), restarts=2)), (2, 0)),
    ("upload", pod(fetch=FETCHED, upload=runs(8, last=ended(1), restarts=3), script=ended()), (0, 3)),
    ("at the end", pod(fetch=FETCHED, upload=ended(0, 8, 9, message=record(), restarts=3), script=ended()), (0, 3)),
]


@pytest.mark.parametrize(("seen", "expected"), [row[1:] for row in RESTARTS], ids=[row[0] for row in RESTARTS])
def test_restarts(seen: Obj, expected: tuple[int, int] | None) -> None:
    restarts = status_of(look(seen)).restarts
    assert (restarts and (restarts.fetch, restarts.upload)) == expected


CONDITIONS: list[tuple[str, Obj, list[str]]] = [
    ("completed", completed(), ["Complete"]),
    ("failed", failed(1), ["Failed", "Stalled"]),
    ("stopped", failed(143, ended(0, 4, 9, message=record("MaxRuntimeExceeded", 143))), ["Stopped"]),
]


@pytest.mark.parametrize(("seen", "expected"), [row[1:] for row in CONDITIONS], ids=[row[0] for row in CONDITIONS])
def test_conditions_at_the_end(seen: Obj, expected: list[str]) -> None:
    status = status_of(look(seen))
    assert [entry.type for entry in status.conditions] == expected
    assert {entry.reason for entry in status.conditions} == {"Completed" if status.reason is None else status.reason}
    assert {entry.last_transition_time for entry in status.conditions} == {at(30)}
    assert (status.completion_time, status.duration) == (at(9), "9s")


# how the Pod ended; when the job did, and how long it took from its start at 0
TIMES: list[tuple[str, Obj, float, str]] = [
    ("as its last container", completed(), 9, "9s"),
    ("as its fetch", pod(phase="Failed", fetch=ended(64, 1, 3, message=result("InputNotFound"))), 3, "3s"),
    ("its script could not start", pod(fetch=FETCHED, upload=ended(64, 4, 9), script=ended(128, None, 5, reason="StartError")), 30, "30s"),
    ("the Pod does not tell", pod(fetch=FETCHED, upload=runs(4), script=runs(4), phase="Failed", status={"reason": "Evicted"}), 30, "30s"),
    ("before the job, by the node's clock", pod(fetch=ended(0, -99, -98), upload=ended(0, -97, -90, message=record()), script=ended(0, -97, -92)), -90, "0s"),
    ("hours later", pod(fetch=FETCHED, upload=ended(0, 4, 18432, message=record()), script=ended(0, 4, 7)), 18432, "5h7m"),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "end", "duration"), [row[1:] for row in TIMES], ids=[row[0] for row in TIMES])
def test_when_the_job_ended(seen: Obj, end: float, duration: str) -> None:
    status = status_of(look(seen))
    assert (status.completion_time, status.duration) == (at(end), duration)


def test_time_of_a_job_is_from_its_first_pod_on() -> None:
    assert status_of(look(completed(), status=begun(startTime=text(5)))).duration == "4s"


def test_job_that_never_had_a_pod_has_taken_its_time_from_its_creation() -> None:
    census = job(stop=True)
    status = status_of(decide(census, facts(census), at(95)))
    assert (status.start_time, status.completion_time, status.duration) == (None, at(95), "95s")


def test_dropped_restart_rules_are_told_of() -> None:
    seen = pod(phase="Pending", fetch=runs(1), rules=False)
    actions = look(seen)
    entry = status_of(actions).conditions[0]
    assert (entry.type, entry.status, entry.reason) == ("RestartRules", "False", "Dropped")
    assert [event.reason for event in actions.events] == ["RestartRulesDropped"]
    again = look(seen, status=status_of(actions).dump())
    assert (again.status, again.events) == (None, ())


# the generation, the digest of the spec that the Pod was built from (none: as it is now); whether the change is told of
CHANGES: list[tuple[str, int, str, bool]] = [
    ("as it was", 1, "", False),
    ("another generation of the same", 2, "", False),
    ("changed", 2, "0123456789abcdef", True),
    ("another version's digest of the first spec", 1, "0123456789abcdef", False),
]


@pytest.mark.parametrize(
    ("generation", "digest", "told"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES]
)
def test_spec_that_was_changed_after_the_start_is_told_of_once(generation: int, digest: str, told: bool) -> None:
    """The change is ignored."""
    census = job(status=begun(), meta={"generation": generation})
    seen = pod(fetch=FETCHED, upload=runs(4), script=runs(4), digest=digest)
    actions = decide(census, facts(census, seen), at(30))
    status = status_of(actions)
    assert (status.state, status.observed_generation) == ("Running", generation)
    assert [entry.status for entry in status.conditions if entry.type == "SpecChanged"] == (["True"] if told else [])
    assert [event.reason for event in actions.events] == (["SpecChanged"] if told else [])
    again = job(status=status.dump(), meta={"generation": generation})
    assert decide(again, facts(again, seen), at(31)) == Actions()


def test_pod_without_a_digest_is_not_compared() -> None:
    census = job(status=begun(), meta={"generation": 2})
    seen = running()
    del seen["metadata"]["annotations"]["processing-operator.dev/spec-digest"]
    assert [entry.type for entry in status_of(decide(census, facts(census, seen), at(30))).conditions] == [
        "Reconciling"
    ]


def test_stalled_goes_when_the_job_can_be_read_again() -> None:
    status = begun(conditions=[condition("Reconciling", reason="Pending"), condition("Stalled", reason="InvalidPod")])
    assert [entry.type for entry in status_of(look(running(), status=status)).conditions] == ["Reconciling"]


def test_words_of_a_newer_operator_are_no_obstacle() -> None:
    """They are read as they are, and written anew as this one has them."""
    odd: Obj = {"phases": [{"name": "Rehearsing", "startTime": text(1)}], "progress": {"phase": "Rehearsing", "objects": 1, "bytes": 1}}  # fmt: skip
    instances = [{"index": 0, "pod": "census-1a2b3c4d-1-0", "podUid": "pod-1", "state": "Held"}]
    conditions = [condition("Reconciling", reason="Rehearsing"), condition("Held", status="Perhaps")]
    before = begun(state="Holding", instances=instances, conditions=conditions, **odd)
    status = status_of(look(running(), status=before))
    assert (status.state, status.instances[0].state, status.progress) == ("Running", "Running", None)
    assert [(entry.type, entry.status) for entry in status.conditions] == [("Held", "Perhaps"), ("Reconciling", "True")]
    census = job(status=before)
    vanished = status_of(decide(census, facts(census), at(30)))
    assert (vanished.state, vanished.reason) == ("Pending", "PodDeleted")
