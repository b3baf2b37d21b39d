"""Jobs and Pods for the tables: a row is one line."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from processing_operator.api.names import ANNOTATION_SIGNAL, ANNOTATION_SPEC_DIGEST
from processing_operator.api.protocol import FETCH, GATE, SCRIPT, UPLOAD, pod_name
from processing_operator.api.status import JobStatus, TransferProgress
from processing_operator.api.v1alpha1 import ProcessingJob
from processing_operator.domain.actions import Actions
from processing_operator.domain.defaults import OperatorDefaults
from processing_operator.domain.facts import Facts, PodFacts, Refusal
from processing_operator.domain.observe import observe
from processing_operator.domain.pods.build import pod_labels, spec_digest
from processing_operator.domain.reading import read_pod

Obj = dict[str, Any]
T0 = datetime(2026, 1, 1, tzinfo=UTC)
UID = "1a2b3c4d-0000-4000-8000-000000000000"
RULES = [{"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [0, 64]}}]


def at(seconds: float) -> datetime:
    """A time, counted from the job's creation."""
    return T0 + timedelta(seconds=seconds)


def text(seconds: float | None) -> str | None:
    return None if seconds is None else at(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


# -- jobs


def job(name: str = "census", *, status: Obj | None = None, meta: Obj | None = None, **spec: Any) -> ProcessingJob:
    """A job; keyword arguments are fields of the spec, as users write them."""
    body = {"image": "processing-sklearn:1.9", "command": ["python3", "a.py"], **spec}
    metadata = {
        "name": name,
        "namespace": "default",
        "uid": UID,
        "generation": 1,
        "resourceVersion": "7",
        "creationTimestamp": text(0),
    }
    return ProcessingJob.model_validate(
        {
            "apiVersion": "processing-operator.dev/v1alpha1",
            "kind": "ProcessingJob",
            "metadata": {**metadata, **(meta or {})},
            "spec": body,
            "status": status or {},
        }
    )


def begun(attempt: int = 1, *, state: str = "Pending", **status: Any) -> Obj:
    """The status of a job whose attempt has begun, at 0; until its script runs, the job has waited since then."""
    instance = {"index": 0, "pod": f"census-1a2b3c4d-{attempt}-0", "podUid": f"pod-{attempt}", "state": "Pending"}
    return {
        "observedGeneration": 1,
        "state": state,
        "message": "",
        "startTime": text(0),
        "pendingSince": text(0) if state in ("Pending", "Downloading") else None,
        "attempts": attempt,
        "instances": [instance],
        "conditions": [condition("Reconciling", reason=state)],
        **status,
    }


def condition(kind: str, *, status: str = "True", reason: str = "Reason", since: float = 0, message: str = "") -> Obj:
    return {"type": kind, "status": status, "reason": reason, "lastTransitionTime": text(since), "message": message}


def stop_latched(attempt: int = 1, **status: Any) -> Obj:
    conditions = [condition("Reconciling", reason="Stopping"), condition("StopRequested", reason="StopRequested")]
    return begun(attempt, conditions=conditions, **status)


# -- containers


def waiting(reason: str = "PodInitializing", message: str = "", *, last: Obj | None = None, restarts: int = 0) -> Obj:
    return _status({"waiting": {"reason": reason, "message": message}}, last, restarts)


def runs(start: float = 1, *, last: Obj | None = None, restarts: int = 0) -> Obj:
    return _status({"running": {"startedAt": text(start)}}, last, restarts)


def ended(
    code: int = 0,
    start: float | None = 1,
    end: float = 2,
    *,
    reason: str = "",
    message: str = "",
    last: Obj | None = None,
    restarts: int = 0,
) -> Obj:
    terminated = {
        "exitCode": code,
        "reason": reason or ("Completed" if code == 0 else "Error"),
        "message": message,
        "startedAt": text(start),
        "finishedAt": text(end),
    }
    return _status({"terminated": terminated}, last, restarts)


def _status(state: Obj, last: Obj | None, restarts: int) -> Obj:
    return {"state": state, "lastState": {} if last is None else last["state"], "restartCount": restarts}


def result(reason: str = "", message: str = "", *, items: list[Any] | None = None, **more: Any) -> str:
    """A termination message of fetch or upload; `exit` as keyword argument is the launcher's record."""
    return json.dumps({"v": 1, "reason": reason, "message": message, "items": items or [], "errors": [], **more})


def record(reason: str = "Exited", code: int = 0, **more: Any) -> str:
    """Upload's termination message with the launcher's record in it."""
    return result(exit={"code": code, "signal": 0, "reason": reason, "ms": 1000, **more})


FETCHED = ended(0, 1, 3)
UPLOADED = ended(0, 4, 9, message=record())


# -- Pods


def pod(
    attempt: int = 1,
    *,
    fetch: Obj | None = None,
    upload: Obj | None = None,
    script: Obj | None = None,
    uid: str = "",
    name: str = "",
    gated: bool = False,
    gates: tuple[str, ...] = (),
    node: str = "n1",
    phase: str = "Running",
    signal: str = "",
    deleting: float | None = None,
    grace: int = 600,
    since: float = 0,
    digest: str = "",
    rules: bool = True,
    status: Obj | None = None,
    conditions: list[Obj] | None = None,
    others: list[Obj] | None = None,
    owner: str = UID,
    storage: str = "",
) -> Obj:
    """A Pod of the job `census`, as the API server gives it; `gates` are those of others.

    `storage`: its script's limit for ephemeral-storage.
    """
    census = job()
    meta: Obj = {
        "name": name or pod_name(census, attempt),
        "uid": uid or f"pod-{attempt}",
        "resourceVersion": "100",
        "creationTimestamp": text(since),
        "labels": pod_labels(census, attempt, 0),
        "annotations": {ANNOTATION_SIGNAL: signal, ANNOTATION_SPEC_DIGEST: digest or spec_digest(census)},
        "ownerReferences": _owners(owner),
    }
    meta |= {} if deleting is None else {"deletionTimestamp": text(deleting)}
    all_gates = (*((GATE,) if gated else ()), *gates)
    main = {UPLOAD: upload, SCRIPT: script}
    return {
        "metadata": meta,
        "spec": {
            "terminationGracePeriodSeconds": grace,
            **_containers(storage, rules=rules),
            **_place(all_gates, node),
        },
        "status": {
            "phase": "Pending" if all_gates else phase,
            "conditions": conditions or [],
            "initContainerStatuses": [] if fetch is None else [{"name": FETCH, **fetch}],
            "containerStatuses": [
                *({"name": name, **entry} for name, entry in main.items() if entry is not None),
                *(others or []),
            ],
            **(status or {}),
        },
    }


def _containers(storage: str, *, rules: bool) -> Obj:
    restart = {"restartPolicyRules": RULES} if rules else {}
    script = {"resources": {"limits": {"ephemeral-storage": storage}}} if storage else {}
    return {
        "initContainers": [{"name": FETCH, **restart}],
        "containers": [{"name": UPLOAD, **restart}, {"name": SCRIPT, **script}],
    }


def _place(gates: tuple[str, ...], node: str) -> Obj:
    """Who is held by a gate has no node yet."""
    if gates:
        return {"schedulingGates": [{"name": gate} for gate in gates]}
    return {"nodeName": node} if node else {}


def _owners(uid: str) -> list[Obj]:
    return [{"kind": "ProcessingJob", "name": "census", "uid": uid, "controller": True}] if uid else []


def pod_condition(kind: str, status: str, reason: str, message: str = "") -> Obj:
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": text(0)}


UNSCHEDULABLE = pod_condition("PodScheduled", "False", "Unschedulable", "0/3 nodes: Insufficient cpu")


def disrupted(reason: str) -> Obj:
    return pod_condition("DisruptionTarget", "True", reason, f"by {reason}")


def created() -> Obj:
    """A Pod nothing of which has started."""
    return pod(phase="Pending", fetch=waiting(), upload=waiting(), script=waiting())


def downloading() -> Obj:
    return pod(phase="Pending", fetch=runs(1), upload=waiting(), script=waiting())


def running() -> Obj:
    return pod(fetch=FETCHED, upload=runs(4), script=runs(4))


def uploading(code: int = 0) -> Obj:
    return pod(fetch=FETCHED, upload=runs(4), script=ended(code, 4, 7))


def completed(**more: Any) -> Obj:
    return pod(fetch=FETCHED, upload=UPLOADED, script=ended(0, 4, 7), phase="Succeeded", **more)


def failed(code: int, upload: Obj | None = None, *, reason: str = "", **more: Any) -> Obj:
    """The script ended with that code, and all was uploaded."""
    sent = upload or ended(0, 4, 9, message=record(code=code))
    return pod(fetch=FETCHED, upload=sent, script=ended(code, 4, 7, reason=reason), phase="Failed", **more)


# -- facts, and what is decided by them


def read(*pods: Obj) -> tuple[PodFacts, ...]:
    return tuple(read_pod(raw) for raw in pods)


def facts(
    of: ProcessingJob,
    *pods: Obj,
    gone: Obj | None = None,
    created: Collection[str] = (),
    awaited: dict[str, ProcessingJob | None] | None = None,
    refusal: Refusal | None = None,
    progress: TransferProgress | None = None,
    defaults: OperatorDefaults | None = None,
    written_at: datetime | None = None,
) -> Facts:
    """What `observe` makes of raw Pods; `gone` is one that was seen to go, `created` are uids of this process's own."""
    return observe(
        of,
        read(*pods),
        gone=() if gone is None else read(gone),
        created=created,
        refusal=refusal,
        awaited=awaited or {},
        defaults=defaults or OperatorDefaults(),
        progress=progress,
        written_at=written_at,
    )


def written(actions: Actions) -> JobStatus:
    """The status that is written, before the Pods are touched or after."""
    status = actions.claim or actions.status
    assert status is not None, actions
    return status


def reconciling(status: JobStatus) -> str:
    """The reason of the condition that says what the job is doing or waiting for."""
    return next(entry.reason for entry in status.conditions if entry.type == "Reconciling")
