"""Jobs that have ended: never written again; what would run for nothing is taken away."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

import pytest

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
    ended,
    facts,
    job,
    pod,
    running,
    runs,
    waiting,
)


def look(*seen: Obj, status: Obj, own: set[str] | None = None, stop: bool = False) -> Actions:
    census = job(status=status, stop=stop)
    return decide(census, facts(census, *seen, created=own or set()), at(40))


def over(kind: str = "Complete") -> Obj:
    return begun(state="Completed" if kind == "Complete" else kind, conditions=[condition(kind)])


# by its conditions alone, whatever its state says
@pytest.mark.parametrize("kind", ["Complete", "Failed", "Stopped"])
@pytest.mark.parametrize("state", ["Completed", "Running", "Word of a newer operator"])
def test_finished_job_is_left_alone(kind: str, state: str) -> None:
    status = begun(state=state, conditions=[condition(kind)])
    assert look(completed(), status=status, stop=True) == Actions()


@pytest.mark.parametrize("status", ["False", "Unknown"])
def test_job_whose_end_is_not_true_goes_on(status: str) -> None:
    assert look(running(), status=begun(conditions=[condition("Failed", status=status)])).status is not None


PROXY = [{"name": "proxy", **runs()}]
LEFTOVERS: list[tuple[str, Obj, bool]] = [
    ("late Pod", pod(gated=True, uid="late", since=39), True),
    ("late Pod of this process", pod(gated=True, uid="own", since=39), True),
    ("late next Pod", pod(2, gated=True, since=39), True),
    ("injected container", completed(others=PROXY), False),
    ("ended, the kubelet tells of the Pod later", pod(fetch=FETCHED, upload=UPLOADED, script=ended()), False),
    ("fetch failed, the kubelet tells of the Pod later", pod(phase="Pending", fetch=ended(64), script=waiting()), False),
    ("not started", created(), True),
    ("script runs on", running(), False),
    ("script runs on, beside an injected container", pod(fetch=FETCHED, upload=ended(64), script=runs(4), others=PROXY), False),
    ("fetch runs again, beside an injected container", pod(fetch=runs(9, restarts=1), upload=waiting(), script=ended(0, 4, 7), others=PROXY), False),
    ("could not be started, its uploader ends", pod(fetch=FETCHED, upload=runs(4), script=ended(128, None, reason="StartError")), False),
    ("being deleted", pod(phase="Pending", fetch=runs(), deleting=3), False),
    ("a running one of somebody's", pod(uid="forged", fetch=runs()), False),
    ("a predecessor's", pod(uid="old", owner="another", fetch=runs()), False),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "deletes"), [row[1:] for row in LEFTOVERS], ids=[row[0] for row in LEFTOVERS])
def test_what_a_finished_job_leaves_running_for_nothing_is_deleted(seen: Obj, deletes: bool) -> None:
    actions = look(seen, status=over("Failed"), own={"own"})
    assert [target.uid for target in actions.delete] == ([seen["metadata"]["uid"]] if deletes else [])
    assert (actions.status, actions.claim, actions.create) == (None, None, None)


def test_pod_with_an_injected_container_is_deleted_once_ours_have_ended() -> None:
    still = pod(fetch=FETCHED, upload=UPLOADED, script=ended(), others=PROXY)
    assert len(look(still, status=over()).delete) == 1
    uploads = pod(fetch=FETCHED, upload=runs(4), script=ended(), others=PROXY)
    assert look(uploads, status=over("Failed")).delete == ()


def test_what_may_be_left_is_looked_for_after_the_end() -> None:
    """The kubelet tells of the Pod's end a moment after that of its containers, and an injected one may go on."""
    assert look(pod(fetch=FETCHED, upload=UPLOADED, script=ended()), status=begun()).again_at == at(50)
    assert look(completed(), status=begun()).again_at is None
