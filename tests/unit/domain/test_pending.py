"""What a Pod waits for before its script starts: what the status says, and when the job is given up."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

import pytest

from processing_operator.domain.decide import decide
from processing_operator.domain.plan import Plan
from tests.unit.domain.builders import (
    FETCHED,
    UNSCHEDULABLE,
    Obj,
    at,
    begun,
    condition,
    created,
    ended,
    facts,
    job,
    pod,
    pod_condition,
    result,
    runs,
    waiting,
)

SPEC: Obj = {"pendingTimeoutSeconds": 600}
PULL = 'failed to pull and unpack image "localhost/x:1": failed to resolve reference: localhost/x:1: not found'
SLOW = 'failed to pull image "localhost/x:1": dial tcp: i/o timeout'
NO_SECRET = result("SecretNotFound", 'Secret "absent" is not there')
NO_MAP = result("ConfigMapNotFound", 'ConfigMap "absent" is not there')
CRASHED = ended(75, 1, 2, message=NO_SECRET)


def fetch(container: Obj) -> Obj:
    return pod(phase="Pending", fetch=container, upload=waiting(), script=waiting())


def script(reason: str, message: str) -> Obj:
    return pod(phase="Pending", fetch=FETCHED, upload=runs(4), script=waiting(reason, message))


def back_off(text: str) -> str:
    return f'Back-off pulling image "localhost/x:1": ErrImagePull: {text}'


PROBLEMS: list[tuple[str, Obj, str, str, str]] = [
    # what is seen, the reason meanwhile, the reason in the end, a word of the message
    ("nothing yet", created(), "Pending", "PendingTimeout", "started"),
    ("unschedulable", pod(phase="Pending", node="", conditions=[UNSCHEDULABLE]), "Unschedulable", "PendingTimeout", "Insufficient cpu"),
    ("just released", pod(phase="Pending", node="", conditions=[pod_condition("PodScheduled", "False", "SchedulingGated")]), "Pending", "PendingTimeout", "started"),
    ("volumes", fetch(waiting("ContainerCreating")), "Pending", "PendingTimeout", "started"),
    ("agent's image", fetch(waiting("ErrImagePull", SLOW)), "ImagePullFailed", "PendingTimeout", "container fetch"),
    ("script's image", script("ImagePullBackOff", back_off(SLOW)), "ImagePullFailed", "PendingTimeout", "container script"),
    ("no Secret", fetch(waiting("CrashLoopBackOff", last=CRASHED, restarts=1)), "SecretNotFound", "SecretNotFound", '"absent"'),
    ("no Secret, just now", fetch(CRASHED), "SecretNotFound", "SecretNotFound", '"absent"'),
    ("no ConfigMap", fetch(ended(75, message=NO_MAP)), "ConfigMapNotFound", "ConfigMapNotFound", '"absent"'),
    ("75 without words", fetch(ended(75)), "ContainerNotStarting", "PendingTimeout", "fetch"),
    ("no Secret for env", script("CreateContainerConfigError", 'secret "absent" not found'), "SecretNotFound", "SecretNotFound", '"absent"'),
    ("no key for env", script("CreateContainerConfigError", "couldn't find key k in Secret ns/keys"), "SecretNotFound", "SecretNotFound", "keys"),
    ("no ConfigMap for env", script("CreateContainerConfigError", 'configmap "absent" not found'), "ConfigMapNotFound", "ConfigMapNotFound", '"absent"'),
    ("odd configuration", script("CreateContainerConfigError", "runAsNonRoot and root"), "ContainerNotStarting", "PendingTimeout", "runAsNonRoot"),
    ("cannot be created", script("CreateContainerError", "no such device"), "ContainerNotStarting", "PendingTimeout", "no such device"),
]  # fmt: skip
IDS = [row[0] for row in PROBLEMS]


def look(seen: Obj, now: float, status: Obj | None = None) -> Plan:
    census = job(status=status or begun(), **SPEC)
    return decide(census, facts(census, seen), at(now))


def reconciling(plan: Plan) -> str:
    status = plan.status or plan.claim
    assert status is not None
    return next(entry.reason for entry in status.conditions if entry.type == "Reconciling")


@pytest.mark.parametrize(("seen", "reason", "word"), [(row[1], row[2], row[4]) for row in PROBLEMS], ids=IDS)
def test_problem_is_named(seen: Obj, reason: str, word: str) -> None:
    plan = look(seen, 10)
    assert plan.status is not None
    assert (plan.status.state, reconciling(plan)) == ("Pending", reason)
    assert word in (plan.status.message or "")
    assert plan.deletions == ()
    assert plan.requeue_at is not None


@pytest.mark.parametrize(("seen", "final", "word"), [(row[1], row[3], row[4]) for row in PROBLEMS], ids=IDS)
def test_given_up_after_the_pending_timeout(seen: Obj, final: str, word: str) -> None:
    """The end is written first, then the Pod is deleted; when it is gone, the job has failed."""
    plan = look(seen, 700)
    assert plan.claim is not None
    assert (plan.claim.state, plan.claim.failure_reason) == ("Stopping", final)
    assert "spec.pendingTimeoutSeconds, 600" in (plan.claim.message or "")
    assert word == "started" or word in (plan.claim.message or "")
    assert [deletion.pod.resource_version for deletion in plan.deletions] == ["100"]
    after = job(status=plan.claim.dump(), **SPEC)
    again = decide(after, facts(after, seen), at(701))
    assert (len(again.deletions), again.status) == (1, None)
    last = decide(after, facts(after), at(702)).status
    assert last is not None
    assert (last.state, last.failure_reason, last.message) == ("Failed", final, plan.claim.message)


def test_doomed_job_waits_for_its_pod() -> None:
    plan = look(pod(phase="Pending", node="", conditions=[UNSCHEDULABLE]), 700)
    assert plan.claim is not None
    census = job(status=plan.claim.dump(), **SPEC)
    going = decide(census, facts(census, pod(phase="Pending", fetch=waiting(), deleting=701)), at(702))
    assert (going.status, going.deletions, going.create) == (None, (), None)
    gone = pod(phase="Failed", fetch=ended(137), deleting=701)
    last = decide(census, facts(census, gone=gone), at(703)).status
    assert last is not None
    assert (last.state, last.failure_reason) == ("Failed", "PendingTimeout")


def test_doomed_job_whose_script_was_quicker_may_complete() -> None:
    """The deletion was refused, since the Pod had changed: the script has run, and its outputs are there."""
    plan = look(script("ErrImagePull", SLOW), 700)
    assert plan.claim is not None
    census = job(status=plan.claim.dump(), **SPEC)
    done = pod(fetch=FETCHED, upload=ended(0, 4, 9), script=ended(0, 4, 7), phase="Succeeded")
    last = decide(census, facts(census, done), at(703)).status
    assert last is not None
    assert (last.state, last.failure_reason) == ("Completed", None)


def test_time_to_fetch_does_not_count() -> None:
    """From the Pod's creation until fetch starts, and again from fetch's end."""
    late = pod(phase="Pending", fetch=ended(0, 1, 5000), upload=runs(5001), script=waiting("ErrImagePull", SLOW))
    assert look(late, 5500).claim is None
    assert look(late, 5600).claim is not None
    downloading = pod(phase="Pending", fetch=runs(1), upload=waiting(), script=waiting())
    assert look(downloading, 5000).deletions == ()


@pytest.mark.parametrize("message", [PULL, back_off(PULL), "401 Unauthorized", "pull access denied"])
def test_image_that_is_refused_is_given_up_after_two_minutes(message: str) -> None:
    seen = script("ImagePullBackOff", message)
    first = look(seen, 10)
    assert first.status is not None
    assert first.requeue_at == at(130)
    later = job(status=first.status.dump(), **SPEC)
    assert decide(later, facts(later, seen), at(129)).claim is None
    plan = decide(later, facts(later, seen), at(130))
    assert plan.claim is not None
    assert plan.claim.failure_reason == "ImagePullFailed"


def test_image_message_does_not_change_with_the_kubelets_turns() -> None:
    first, second = look(script("ErrImagePull", PULL), 10), look(script("ImagePullBackOff", back_off(PULL)), 11)
    assert first.status is not None
    assert second.status is not None
    assert first.status.message == second.status.message


def test_invalid_image_name_is_given_up_at_once() -> None:
    plan = look(script("InvalidImageName", 'couldn\'t parse image name "A:B:C"'), 10)
    assert plan.claim is not None
    assert plan.claim.failure_reason == "ImagePullFailed"
    assert "A:B:C" in (plan.claim.message or "")


def test_fetch_that_looks_again_does_not_flicker() -> None:
    """Started again after 75, it is given five seconds to say the same again."""
    first = look(fetch(CRASHED), 10)
    assert first.status is not None
    census = job(status=first.status.dump(), **SPEC)
    again = fetch(runs(20, last=CRASHED, restarts=1))
    assert decide(census, facts(census, again), at(21)).status is None
    later = decide(census, facts(census, again), at(26)).status
    assert later is not None
    assert later.state == "Downloading"


def test_uploader_that_gave_up_waiting_ends_the_job() -> None:
    gave_up = ended(64, 4, 604, message=result("ScriptNotStarted", "the script did not start"))
    seen = pod(phase="Pending", fetch=FETCHED, upload=gave_up, script=waiting("ErrImagePull", SLOW))
    plan = look(seen, 500)
    assert plan.claim is not None
    assert plan.claim.failure_reason == "PendingTimeout"
    assert "localhost/x:1" in (plan.claim.message or "")
    assert len(plan.deletions) == 1


LATE: list[tuple[str, Obj, str]] = [
    ("download", fetch(waiting("CrashLoopBackOff", last=ended(137, 1, 2), restarts=9)), "DownloadTimeout"),
    ("upload", pod(fetch=FETCHED, upload=waiting(last=ended(137), restarts=9), script=ended(0, 4, 7)), "UploadTimeout"),
]


@pytest.mark.parametrize(("seen", "reason"), [row[1:] for row in LATE], ids=[row[0] for row in LATE])
def test_container_that_cannot_keep_its_own_limit(seen: Obj, reason: str) -> None:
    census = job(status=begun(), downloadTimeoutSeconds=60, upload={"timeoutSeconds": 60})
    assert decide(census, facts(census, seen), at(600)).claim is None
    plan = decide(census, facts(census, seen), at(700))
    assert plan.claim is not None
    assert plan.claim.failure_reason == reason
    assert "137 (SIGKILL)" in (plan.claim.message or "")


def test_warning_is_told_once() -> None:
    seen = script("CreateContainerConfigError", 'secret "absent" not found')
    first = look(seen, 10)
    assert [(event.type, event.reason) for event in first.events] == [("Warning", "SecretNotFound")]
    assert first.status is not None
    again = look(seen, 20, status=first.status.dump())
    assert (again.status, again.events) == (None, ())


def test_reconciling_tells_since_when() -> None:
    status = begun(conditions=[condition("Reconciling", reason="Pending", since=0)])
    plan = look(script("ErrImagePull", SLOW), 10, status)
    assert plan.status is not None
    (entry,) = plan.status.conditions
    assert (entry.reason, entry.last_transition_time) == ("ImagePullFailed", at(10))
