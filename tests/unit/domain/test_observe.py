"""What is read out of raw Pods."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

import pytest

from processing_operator.api.protocol import pod_name
from processing_operator.domain.container import ContainerEnd, ContainerFacts
from processing_operator.domain.facts import PodCondition, Seen
from processing_operator.domain.pods.env import escape
from processing_operator.domain.reading import read_container, read_pod, read_time
from tests.unit.domain.builders import FETCHED, Obj, at, begun, ended, facts, job, pod, runs, waiting


@pytest.mark.parametrize(
    ("raw", "time"),
    [("2026-01-01T00:00:05Z", at(5)), ("2026-01-01T00:00:05.25Z", at(5.25)), ("1970-01-01T00:00:00Z", None), (None, None), ("", None)],
)  # fmt: skip
def test_times(raw: str | None, time: object) -> None:
    assert read_time(raw) == time


STARTED: list[tuple[str, Obj, bool]] = [
    ("waiting", waiting(), False),
    ("running", runs(), True),
    ("ended", ended(), True),
    ("start error", ended(128, None, reason="StartError"), False),
    ("cannot run", ended(127, 1, reason="ContainerCannotRun"), False),
    ("never seen by the kubelet", ended(137, None, reason="ContainerStatusUnknown"), False),
    ("restarted", waiting(last=ended(1), restarts=1), True),
]


@pytest.mark.parametrize(("raw", "started"), [row[1:] for row in STARTED], ids=[row[0] for row in STARTED])
def test_started(raw: Obj, started: bool) -> None:
    assert read_container(raw).started is started


def test_empty_pod_is_read() -> None:
    read = read_pod({"metadata": {"name": "p", "uid": "u", "resourceVersion": "1"}})
    assert (read.name, read.owner, read.phase, read.attempt) == ("p", "", "Pending", 0)
    assert (read.script.state, read.restart_rules, read.gated, read.grace) == ("Absent", True, False, 30)


# what the kubelet may leave out, or give as null
SPARSE: list[tuple[str, Obj, ContainerFacts]] = [
    ("nothing", {}, ContainerFacts("Waiting")),
    ("nulls", {"state": None, "lastState": None, "restartCount": None}, ContainerFacts("Waiting")),
    ("waits", {"state": {"waiting": {"reason": None}}}, ContainerFacts("Waiting")),
    ("runs", {"state": {"running": {}}}, ContainerFacts("Running")),
    ("ended", {"state": {"terminated": {}}}, ContainerFacts("Terminated", end=ContainerEnd(0, "", "", None, None))),
]


@pytest.mark.parametrize(("raw", "facts_"), [row[1:] for row in SPARSE], ids=[row[0] for row in SPARSE])
def test_what_is_left_out_is_empty(raw: Obj, facts_: ContainerFacts) -> None:
    assert read_container(raw) == facts_


def test_pod_of_nulls_is_read() -> None:
    meta = {
        "name": "p",
        "uid": "u",
        "resourceVersion": "1",
        "labels": None,
        "annotations": None,
        "creationTimestamp": None,
    }
    conditions = [{"type": "PodScheduled"}, {"type": "DisruptionTarget", "status": "False", "reason": "X"}, {}]
    status = {
        "phase": None,
        "reason": None,
        "message": None,
        "conditions": conditions,
        "containerStatuses": [{"name": "x"}],
    }
    read = read_pod({"metadata": meta, "spec": {"nodeName": None, "schedulingGates": [{}]}, "status": status})
    assert (read.node, read.phase, read.reason, read.message, read.signal, read.spec_digest) == (
        "",
        "Pending",
        "",
        "",
        "",
        "",
    )
    assert (read.scheduled, read.disruption, read.others_running) == (PodCondition("", "", ""), None, False)
    assert (read.gated, read.foreign_gates, read.taken_away) == (False, ("",), False)


# the containers' restart rules as the API server has kept them
RULES = [{"action": "Restart"}]
DROPS: list[tuple[str, Obj, Obj, bool]] = [
    ("both there", {"restartPolicyRules": RULES}, {"restartPolicyRules": RULES}, True),
    ("fetch's dropped", {}, {"restartPolicyRules": RULES}, False),
    ("upload's dropped", {"restartPolicyRules": RULES}, {"restartPolicyRules": []}, False),
]


@pytest.mark.parametrize(("fetch", "upload", "kept"), [row[1:] for row in DROPS], ids=[row[0] for row in DROPS])
def test_restart_rules(fetch: Obj, upload: Obj, kept: bool) -> None:
    raw = pod()
    raw["spec"]["initContainers"] = [{"name": "fetch", **fetch}]
    raw["spec"]["containers"] = [{"name": "upload", **upload}, {"name": "script"}, {"name": "proxy"}]
    assert read_pod(raw).restart_rules is kept


OWNERS: list[tuple[str, list[Obj] | None, str]] = [
    ("nobody", None, ""),
    ("a job", [{"kind": "ProcessingJob", "uid": "u", "controller": True}], "u"),
    ("a job that does not control it", [{"kind": "ProcessingJob", "uid": "u"}], ""),
    ("something else", [{"kind": "ReplicaSet", "uid": "r", "controller": True}], ""),
    ("both", [{"kind": "Node", "uid": "n"}, {"kind": "ProcessingJob", "uid": "u", "controller": True}], "u"),
]


@pytest.mark.parametrize(("owners", "uid"), [row[1:] for row in OWNERS], ids=[row[0] for row in OWNERS])
def test_owners(owners: list[Obj] | None, uid: str) -> None:
    raw = pod()
    raw["metadata"]["ownerReferences"] = owners
    assert read_pod(raw).owner == uid


# the Pod's scheduling gates: whether ours is among them, and the others
GATES: list[tuple[str, Obj, bool, tuple[str, ...]]] = [
    ("none", pod(), False, ()),
    ("ours", pod(gated=True), True, ()),
    ("another's", pod(gates=("q",)), False, ("q",)),
    ("both", pod(gated=True, gates=("q", "r")), True, ("q", "r")),
]


@pytest.mark.parametrize(("raw", "gated", "others"), [row[1:] for row in GATES], ids=[row[0] for row in GATES])
def test_gates(raw: Obj, gated: bool, others: tuple[str, ...]) -> None:
    assert (read_pod(raw).gated, read_pod(raw).foreign_gates) == (gated, others)


@pytest.mark.parametrize(
    ("label", "attempt"), [("3", 3), ("", 0), ("x", 0), ("-1", 0), ("1.0", 0), ("\u0661", 0), (None, 0)]
)
def test_attempt_by_the_label(label: str | None, attempt: int) -> None:
    raw = pod()
    raw["metadata"]["labels"] = None if label is None else {"processing-operator.dev/attempt": label}
    assert read_pod(raw).attempt == attempt


def test_pods_are_told_apart() -> None:
    """By the uid of whoever controls them, by what the status knows, and by who has made them."""
    census = job(status=begun(2))
    seen = facts(census, pod(2), pod(1, uid="late", gated=True), pod(owner="another", uid="old", script=runs()))
    assert seen.attempt is not None
    assert [(one.index, one.seen, one.pod and one.pod.uid) for one in seen.attempt.instances] == [
        (0, Seen.LIVE, "pod-2")
    ]
    assert [one.uid for one in seen.orphans] == ["late"]
    assert [one.uid for one in seen.predecessors] == ["old"]
    assert (seen.unclaimed, seen.leaving, seen.refusal) == ((), (), None)


# the attempt's Pod in the status, what exists and what was seen to go; what is known of it then
SEEN: list[tuple[str, tuple[Obj, ...], Obj | None, Seen, bool]] = [
    ("there", (pod(),), None, Seen.LIVE, True),
    ("there, though it was told to be gone", (pod(),), pod(phase="Failed"), Seen.LIVE, True),
    ("gone", (), pod(), Seen.GONE, True),
    ("not there", (), None, Seen.UNSEEN, False),
    ("another of its name", (pod(uid="other", gated=True),), None, Seen.UNSEEN, False),
    ("of its uid, but another owner's", (pod(owner="another"),), None, Seen.UNSEEN, False),
]


@pytest.mark.parametrize(("pods", "gone", "seen", "known"), [row[1:] for row in SEEN], ids=[row[0] for row in SEEN])
def test_what_is_known_of_the_attempt(pods: tuple[Obj, ...], gone: Obj | None, seen: Seen, known: bool) -> None:
    census = job(status=begun())
    attempt = facts(census, *pods, gone=gone).attempt
    assert attempt is not None
    (instance,) = attempt.instances
    assert (attempt.number, instance.seen, instance.pod is not None) == (1, seen, known)
    assert len(attempt.live) == (seen is Seen.LIVE)


def test_attempt_that_was_given_up_is_none() -> None:
    lost = begun(attemptHistory=[{"attempt": 1, "reason": "Evicted"}])
    seen = facts(job(status=lost), pod(deleting=9), pod(2, gated=True, uid="own"), created={"own"})
    assert (seen.attempt, [one.uid for one in seen.leaving], [one.uid for one in seen.unclaimed]) == (
        None,
        ["pod-1"],
        ["own"],
    )


def test_attempt_after_one_that_was_given_up_is_open() -> None:
    again = begun(2, attemptHistory=[{"attempt": 1, "reason": "Evicted"}])
    attempt = facts(job(status=again), pod(2)).attempt
    assert attempt is not None
    assert attempt.number == 2


def test_containers_of_others() -> None:
    read = read_pod(pod(fetch=FETCHED, others=[{"name": "proxy", **runs()}]))
    assert read.others_running
    assert read.fetch.exit_code == 0
    assert not read_pod(pod(fetch=FETCHED, others=[{"name": "proxy", **ended()}])).others_running


SANDBOX: list[tuple[str, Obj, bool]] = [
    ("usual", pod(fetch=ended(0, 1, 3), script=runs(4)), False),
    ("fetch restarted before", pod(fetch=ended(0, 2, 3, restarts=1), script=runs(4)), False),
    ("fetch again", pod(fetch=ended(0, 9, 10, restarts=1), script=ended(137, 4, 8)), True),
    ("fetch again, running", pod(fetch=runs(9, restarts=1), script=ended(137, 4, 8)), True),
]


@pytest.mark.parametrize(("raw", "lost"), [row[1:] for row in SANDBOX], ids=[row[0] for row in SANDBOX])
def test_sandbox_lost(raw: Obj, lost: bool) -> None:
    assert read_pod(raw).sandbox_lost is lost


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("census", "census-1a2b3c4d-2-0"),
        ("a" * 63, f"{'a' * 40}-1a2b3c4d-2-0"),
        (f"{'a' * 39}-{'b' * 23}", f"{'a' * 39}-1a2b3c4d-2-0"),
    ],
)
def test_pod_names(name: str, expected: str) -> None:
    assert pod_name(job(name), 2) == expected


def expand(text: str) -> str:
    """Kubernetes' own expansion (k8s.io/kubernetes/third_party/forked/golang/expansion) with no variable defined."""
    out, at = "", 0
    while at < len(text):
        if text[at] == "$" and at + 1 < len(text):
            if text[at + 1] == "$":
                out, at = out + "$", at + 2
                continue
            if text[at + 1] == "(" and ")" in text[at:]:
                out, at = out + "EXPANDED", text.index(")", at) + 1
                continue
        out, at = out + text[at], at + 1
    return out


@pytest.mark.parametrize(
    "word", ["a", "$", "$$", "$$$", "$HOME", "$(HOME)", "$$(HOME)", "$$$(HOME)", "a$", "$()", "$(", "$)$("]
)
def test_strings_of_users_are_literal(word: str) -> None:
    assert expand(escape(word)) == word
