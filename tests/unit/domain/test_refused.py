"""Jobs that cannot have a Pod."""

# ruff: noqa: E501 - a row is a line

from __future__ import annotations

import pytest

from processing_operator.domain.decide import decide
from processing_operator.domain.defaults import OperatorDefaults
from processing_operator.domain.facts import Refusal
from tests.unit.domain.builders import Obj, at, begun, facts, job, reconciling, running

QUOTA = Refusal("Quota", "exceeded quota: compute, requested: cpu=2, used: cpu=1, limited: cpu=2")
POLICY = Refusal("Policy", 'violates PodSecurity "restricted:latest"')
ACCOUNT = Refusal("Account", 'error looking up service account ns/reader: serviceaccount "reader" not found')
FINAL = [
    (Refusal("Conflict", "Pod 'census-1a2b3c4d-1-0' exists and is owned by nobody"), "NameConflict", "owned by nobody"),
    (Refusal("Invalid", "spec.nodeName: Forbidden"), "InvalidPod", "spec.nodeName: Forbidden"),
]  # fmt: skip


@pytest.mark.parametrize(("refusal", "reason", "word"), FINAL, ids=["conflict", "invalid"])
def test_refused_for_good(refusal: Refusal, reason: str, word: str) -> None:
    census = job()
    actions = decide(census, facts(census, refusal=refusal), at(10))
    assert actions.create is None
    assert actions.status is not None
    assert (actions.status.state, actions.status.reason, actions.status.attempts) == ("Failed", reason, 0)
    assert word in (actions.status.message or "")


WAITING = [
    # why the Pod is refused, the reason meanwhile, the reason in the end, words of both messages
    (QUOTA, "QuotaExceeded", "PendingTimeout", "exceeded quota: compute"),
    (POLICY, "InvalidPod", "InvalidPod", 'cannot be created: violates PodSecurity "restricted:latest"'),
    (ACCOUNT, "ServiceAccountNotFound", "ServiceAccountNotFound", "spec.serviceAccountName: there is no ServiceAccount reader"),
]  # fmt: skip


@pytest.mark.parametrize(("refusal", "reason", "final", "words"), WAITING, ids=["quota", "policy", "account"])
def test_waited_for_and_then_given_up(refusal: Refusal, reason: str, final: str, words: str) -> None:
    spec: Obj = {"timeouts": {"pendingSeconds": 60}, "serviceAccountName": "reader"}
    census = job(**spec)
    first = decide(census, facts(census, refusal=refusal), at(100))
    assert first.status is not None
    assert (first.status.state, first.status.reason, first.status.completion_time) == ("Waiting", reason, None)
    assert (reconciling(first.status), first.status.pending_since) == (reason, at(100))
    assert words in (first.status.message or "")
    assert first.again_at == at(130)
    assert [event.reason for event in first.events] == [reason]
    waiting = job(**spec, status=first.status.dump())
    assert decide(waiting, facts(waiting), at(130)).create is not None
    assert decide(waiting, facts(waiting, refusal=refusal), at(130)).status is None
    last = decide(waiting, facts(waiting, refusal=refusal), at(160)).status
    assert last is not None
    assert (last.state, last.reason) == ("Failed", final)
    assert words in (last.message or "")
    assert "Next: " in (last.message or "")


ROOT = [
    # the job's securityContext, the operator's settings, what the message says
    ({"runAsUser": 0}, {}, "spec.securityContext.runAsUser: must not be 0 (root)"),
    ({"runAsGroup": 0}, {}, "spec.securityContext.runAsGroup: must not be 0 (root's group)"),
    ({"fsGroup": 0}, {}, "spec.securityContext.fsGroup: must not be 0 (root's group)"),
    ({"runAsUser": 1, "runAsGroup": 0, "fsGroup": 0}, {}, "spec.securityContext.runAsGroup: must not be 0 (root's group); spec.securityContext.fsGroup: must not be 0 (root's group)"),
    ({"runAsGroup": 0.0}, {}, "spec.securityContext.runAsGroup: must not be 0 (root's group)"),
    ({}, {"run_as_user": 0}, "the operator's setting PROCESSING_RUN_AS_USER (chart: jobs.runAsUser): must not be 0 (root)"),
    ({"runAsUser": 7}, {"run_as_group": 0}, "the operator's setting PROCESSING_RUN_AS_GROUP (chart: jobs.runAsGroup): must not be 0 (root's group)"),
    ({}, {"fs_group": 0}, "the operator's setting PROCESSING_FS_GROUP (chart: jobs.fsGroup): must not be 0 (root's group)"),
]  # fmt: skip


@pytest.mark.parametrize(("own", "settings", "words"), ROOT)
def test_root_is_refused_unless_allowed(own: Obj, settings: Obj, words: str) -> None:
    census = job(securityContext=own)
    actions = decide(census, facts(census, defaults=OperatorDefaults(**settings)), at(10))
    assert actions.create is None
    assert actions.status is not None
    assert (actions.status.state, actions.status.reason) == ("Failed", "InvalidPod")
    assert (actions.status.message or "").startswith(words + ": ")
    assert "security.allowRoot" in (actions.status.message or "")
    allowed = decide(census, facts(census, defaults=OperatorDefaults(allow_root=True, **settings)), at(10))
    assert allowed.create is not None


def test_root_is_root_where_it_is_allowed() -> None:
    census = job(securityContext={"runAsUser": 0, "runAsGroup": 0, "fsGroup": 0})
    actions = decide(census, facts(census, defaults=OperatorDefaults(allow_root=True)), at(10))
    assert actions.create is not None
    security = actions.create["spec"]["securityContext"]
    assert security["runAsNonRoot"] is False
    assert "supplementalGroupsPolicy" not in security


def test_settings_do_not_touch_what_runs() -> None:
    census = job(status=begun(state="Running"), securityContext={"runAsUser": 0})
    actions = decide(census, facts(census, running()), at(10))
    assert actions.status is None or actions.status.state == "Running"


def test_plan_that_does_not_fit_is_refused() -> None:
    outputs = [
        {"name": f"o{n}", "path": f"/opt/ml/processing/{n}{'p' * 400}", "s3": {"uri": f"s3://data/{n}{'u' * 990}"}}
        for n in range(50)
    ]
    census = job(outputs=outputs)
    actions = decide(census, facts(census), at(10))
    assert actions.status is not None
    assert actions.status.reason == "InvalidPod"
    assert "131072 bytes" in (actions.status.message or "")


def test_large_environment_is_left_out_of_the_config_file() -> None:
    census = job(
        env=[{"name": f"E{n}", "value": "\u00e9" * 30000} for n in range(2)],
        inputs=[{"name": f"i{n}", "path": f"/opt/ml/processing/{n}", "inline": {"a": "y" * 30000}} for n in range(2)],
    )
    actions = decide(census, facts(census), at(10))
    assert actions.create is not None
    assert "Environment" not in actions.create["metadata"]["annotations"]["processing-operator.dev/plan"]


ABOVE = (
    'Pod "census-1a2b3c4d-1-0" is invalid: spec.containers[1].resources.requests: '
    'Invalid value: "1Gi": must be less than or equal to ephemeral-storage limit of 50Mi'
)


def test_a_namespace_with_less_disk_than_is_asked_for_gets_a_pod_that_asks_for_none() -> None:
    """The limit is a LimitRange's default. What the operator asks for on its own is left out, once."""
    census = job()
    whole = decide(census, facts(census), at(0)).create
    assert whole is not None
    slim = decide(census, facts(census, refusal=Refusal("Invalid", ABOVE, whole)), at(0)).create
    assert slim is not None
    containers = [*slim["spec"]["initContainers"], *slim["spec"]["containers"]]
    assert ["ephemeral-storage" in one["resources"].get("requests", {}) for one in containers] == [False] * 3
    again = decide(census, facts(census, refusal=Refusal("Invalid", ABOVE, slim)), at(0))
    assert (again.create, again.status and again.status.reason) == (None, "InvalidPod")


@pytest.mark.parametrize(
    "spec",
    [{"workspace": {"request": "2Gi"}}, {"resources": {"requests": {"ephemeral-storage": "2Gi"}}}],
    ids=["workspace", "resources"],
)
def test_what_the_job_asks_for_is_never_left_out(spec: Obj) -> None:
    census = job(**spec)
    whole = decide(census, facts(census), at(0)).create
    slim = decide(census, facts(census, refusal=Refusal("Invalid", ABOVE, whole)), at(0)).create
    assert slim is not None
    assert slim["spec"]["containers"][1]["resources"]["requests"]["ephemeral-storage"] == "2Gi"


# Source: Kubernetes, the admission plugins ResourceQuota and LimitRanger.
RESOURCES = [
    'pods "census-1a2b3c4d-1-0" is forbidden: failed quota: team: must specify limits.cpu for: fetch,upload',
    'pods "census-1a2b3c4d-1-0" is forbidden: minimum memory usage per Container is 256Mi, but request is 64Mi',
    'pods "census-1a2b3c4d-1-0" is forbidden: cpu max limit to request ratio per Container is 1, but provided ratio is 40.000000',
    'pods "census-1a2b3c4d-1-0" is forbidden: maximum cpu usage per Pod is 1, but limit is 2',
]


@pytest.mark.parametrize("words", RESOURCES)
def test_who_can_mend_what_a_namespace_asks_of_every_container(words: str) -> None:
    census = job()
    status = decide(census, facts(census, refusal=Refusal("Policy", words)), at(10)).status
    assert status is not None
    assert (status.state, status.reason) == ("Waiting", "InvalidPod")
    assert words in (status.message or "")
    assert "agent.fetch.resources and agent.upload.resources" in (status.message or "")
