"""What a Pod waits for before its script starts: what the status says, and when the job is given up."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

import pytest

from processing_operator.domain.actions import Actions
from processing_operator.domain.decide import decide
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
    reconciling,
    result,
    runs,
    waiting,
    written,
)

SPEC: Obj = {"timeouts": {"pendingSeconds": 600}}
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
    # what is seen, the reason meanwhile, the reason in the end (none: it is waited for without end), a word of the message
    ("nothing yet", created(), "", "PendingTimeout", "started"),
    ("unschedulable", pod(phase="Pending", node="", conditions=[UNSCHEDULABLE]), "Unschedulable", "PendingTimeout", "Insufficient cpu"),
    ("just released", pod(phase="Pending", node="", conditions=[pod_condition("PodScheduled", "False", "SchedulingGated")]), "", "PendingTimeout", "started"),
    ("behind a queue's gate", pod(node="", gates=("kueue.x-k8s.io/admission",)), "SchedulingGated", "", "kueue.x-k8s.io/admission"),
    ("volumes", fetch(waiting("ContainerCreating")), "", "PendingTimeout", "started"),
    ("agent's image", fetch(waiting("ErrImagePull", SLOW)), "ImagePullFailed", "PendingTimeout", "container fetch"),
    ("script's image", script("ImagePullBackOff", back_off(SLOW)), "ImagePullFailed", "PendingTimeout", "container script"),
    ("uploader's image", pod(phase="Pending", fetch=FETCHED, upload=waiting("ErrImagePull", SLOW), script=waiting()), "ImagePullFailed", "PendingTimeout", "container upload"),
    ("no Secret", fetch(waiting("CrashLoopBackOff", last=CRASHED, restarts=1)), "SecretNotFound", "SecretNotFound", '"absent"'),
    ("no Secret, just now", fetch(CRASHED), "SecretNotFound", "SecretNotFound", '"absent"'),
    ("no ConfigMap", fetch(ended(75, message=NO_MAP)), "ConfigMapNotFound", "ConfigMapNotFound", '"absent"'),
    ("75 without words", fetch(ended(75)), "ContainerNotStarting", "PendingTimeout", "container fetch waits: for something that is not there"),
    ("no Secret for env", script("CreateContainerConfigError", 'secret "absent" not found'), "SecretNotFound", "SecretNotFound", '"absent"'),
    ("no key for env", script("CreateContainerConfigError", "couldn't find key k in Secret ns/keys"), "SecretNotFound", "SecretNotFound", "keys"),
    ("no ConfigMap for env", script("CreateContainerConfigError", 'configmap "absent" not found'), "ConfigMapNotFound", "ConfigMapNotFound", '"absent"'),
    ("odd configuration", script("CreateContainerConfigError", "runAsNonRoot and root"), "ContainerNotStarting", "PendingTimeout", "runAsNonRoot"),
    ("cannot be created", script("CreateContainerError", "no such device"), "ContainerNotStarting", "PendingTimeout", "no such device"),
]  # fmt: skip
IDS = [row[0] for row in PROBLEMS]
BOUNDED = [row for row in PROBLEMS if row[3]]


def look(seen: Obj, now: float, status: Obj | None = None) -> Actions:
    census = job(status=status or begun(), **SPEC)
    return decide(census, facts(census, seen), at(now))


@pytest.mark.parametrize(("seen", "reason", "word"), [(row[1], row[2], row[4]) for row in PROBLEMS], ids=IDS)
def test_problem_is_named(seen: Obj, reason: str, word: str) -> None:
    """In the status and, for kstatus, in the condition that says that it goes on."""
    actions = look(seen, 10)
    assert actions.status is not None
    assert (actions.status.state, actions.status.reason or "") == ("Pending", reason)
    assert reconciling(actions.status) == (reason or "Pending")
    assert word in (actions.status.message or "")
    assert [entry.message for entry in actions.status.conditions] == [actions.status.message]
    assert actions.delete == ()
    assert [event.reason for event in actions.events] == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("seen", "final", "word"), [(row[1], row[3], row[4]) for row in BOUNDED], ids=[row[0] for row in BOUNDED]
)
def test_given_up_after_the_pending_timeout(seen: Obj, final: str, word: str) -> None:
    """The end is written first, then the Pod is deleted; when it is gone, the job has failed."""
    fetched = seen["status"]["initContainerStatuses"] == [{"name": "fetch", **FETCHED}]
    end = 602 if fetched else 600  # downloading does not count
    assert look(seen, 10).again_at == at(end)
    assert look(seen, end - 1).claim is None
    actions = look(seen, end)
    assert actions.claim is not None
    assert (actions.claim.state, actions.claim.reason, actions.claim.completion_time) == ("Failing", final, None)
    assert "spec.timeouts.pendingSeconds, 600" in (actions.claim.message or "")
    assert word == "started" or word in (actions.claim.message or "")
    assert [target.resource_version for target in actions.delete] == ["100"]
    after = job(status=actions.claim.dump(), **SPEC)
    again = decide(after, facts(after, seen), at(603))
    assert (len(again.delete), again.status, again.claim) == (1, None, None)
    last = decide(after, facts(after), at(604)).status
    assert last is not None
    assert (last.state, last.reason, last.message) == ("Failed", final, actions.claim.message)


@pytest.mark.parametrize("message", [PULL, back_off(PULL), "401 Unauthorized", "pull access denied"])
def test_image_that_is_refused_is_given_up_after_two_minutes(message: str) -> None:
    seen = script("ImagePullBackOff", message)
    first = look(seen, 10)
    assert first.status is not None
    assert first.again_at == at(130)
    assert look(seen, 129, first.status.dump()).claim is None
    actions = look(seen, 130, first.status.dump())
    assert actions.claim is not None
    assert actions.claim.reason == "ImagePullFailed"


def test_image_message_does_not_change_with_the_kubelets_turns() -> None:
    first, second = look(script("ErrImagePull", PULL), 10), look(script("ImagePullBackOff", back_off(PULL)), 11)
    assert written(first).message == written(second).message


def test_invalid_image_name_is_given_up_at_once() -> None:
    actions = look(script("InvalidImageName", 'couldn\'t parse image name "A:B:C"'), 10)
    assert actions.claim is not None
    assert actions.claim.reason == "ImagePullFailed"
    assert "A:B:C" in (actions.claim.message or "")


def test_fetch_that_looks_again_does_not_flicker() -> None:
    """Started again after 75, it is given five seconds to say the same again."""
    status = written(look(fetch(CRASHED), 10)).dump()
    again = fetch(runs(20, last=CRASHED, restarts=1))
    assert look(again, 21, status).status is None
    assert written(look(again, 26, status)).state == "Downloading"


def test_uploader_that_gave_up_waiting_ends_the_job() -> None:
    gave_up = ended(64, 4, 604, message=result("ScriptNotStarted", "the script did not start"))
    actions = look(pod(phase="Pending", fetch=FETCHED, upload=gave_up, script=waiting("ErrImagePull", SLOW)), 500)
    assert actions.claim is not None
    assert actions.claim.reason == "PendingTimeout"
    assert "localhost/x:1" in (actions.claim.message or "")
    assert "the script did not start" in (actions.claim.message or "")
    assert len(actions.delete) == 1


def test_uploader_that_gave_up_without_a_known_reason_ends_the_job() -> None:
    actions = look(pod(phase="Pending", fetch=FETCHED, upload=ended(64), script=waiting()), 500)
    assert actions.claim is not None
    assert actions.claim.reason == "ScriptNotStarted"


NAMELESS: list[tuple[str, Obj, str]] = [
    ("fetch", fetch(waiting("ContainerCreating")), "container fetch waits for its volumes, its image or its sandbox: ContainerCreating"),
    ("script", script("ContainerCreating", ""), "container script waits for its volumes, its image or its sandbox: ContainerCreating"),
    ("nobody says", pod(phase="Pending"), "container fetch waits for its volumes, its image or its sandbox: no status"),
]  # fmt: skip


@pytest.mark.parametrize(("seen", "words"), [row[1:] for row in NAMELESS], ids=[row[0] for row in NAMELESS])
def test_what_has_no_name_is_told_in_the_end(seen: Obj, words: str) -> None:
    assert words in (written(look(seen, 700)).message or "")


# Pods that wait for nothing any more
OVER: list[tuple[str, Obj]] = [
    ("being deleted, its script perhaps started", pod(phase="Pending", fetch=FETCHED, upload=runs(4), script=waiting(), deleting=9)),
    ("the runtime could not start it, and the uploader knows", pod(phase="Pending", fetch=FETCHED, upload=runs(4), script=ended(128, None, reason="StartError"), signal='{"stop":"now"}')),
]  # fmt: skip


@pytest.mark.parametrize("seen", [row[1] for row in OVER], ids=[row[0] for row in OVER])
def test_what_waits_for_nothing_is_not_given_up(seen: Obj) -> None:
    actions = look(seen, 700)
    assert (actions.claim, actions.delete) == (None, ())


def test_warning_is_told_once() -> None:
    seen = script("CreateContainerConfigError", 'secret "absent" not found')
    first = look(seen, 10)
    assert [(event.type, event.reason) for event in first.events] == [("Warning", "SecretNotFound")]
    again = look(seen, 20, status=written(first).dump())
    assert (again.status, again.events) == (None, ())


def test_reconciling_tells_since_when() -> None:
    status = begun(conditions=[condition("Reconciling", reason="Pending", since=0)])
    (entry,) = written(look(script("ErrImagePull", SLOW), 10, status)).conditions
    assert (entry.reason, entry.last_transition_time) == ("ImagePullFailed", at(10))


def test_an_image_that_has_a_file_for_a_directory_is_not_waited_for() -> None:
    """A runtime that finds out when it makes the container would try for ever."""
    words = 'container create failed: error mounting "/x" to rootfs at "/opt/ml/model": mount: not a directory'
    actions = look(script("CreateContainerError", words), 10)
    assert actions.claim is not None
    assert (actions.claim.state, actions.claim.reason, len(actions.delete)) == ("Failing", "ImagePathConflict", 1)
    assert "at /opt/ml/model the image has something else than a directory" in (actions.claim.message or "")
