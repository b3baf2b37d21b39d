"""Jobs and Pods for the tables: a row is one line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from processing_operator.api.v1alpha1 import ProcessingJob
from processing_operator.domain.facts import CreateFailure, Facts, OperatorDefaults, Progress
from processing_operator.domain.names import FETCH, GATE, SCRIPT, UPLOAD, pod_name
from processing_operator.domain.observe import observe
from processing_operator.domain.pods.build import pod_labels

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
    """The status of a job whose attempt has begun."""
    instance = {"index": 0, "pod": f"census-1a2b3c4d-{attempt}-0", "podUid": f"pod-{attempt}", "state": "Pending"}
    return {
        "observedGeneration": 1,
        "state": state,
        "message": "",
        "startTime": text(0),
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
    gated: bool = False,
    node: str = "n1",
    phase: str = "Running",
    signal: str = "",
    deleting: float | None = None,
    rules: bool = True,
    status: Obj | None = None,
    conditions: list[Obj] | None = None,
    others: list[Obj] | None = None,
    owner: str = UID,
) -> Obj:
    """A Pod of the job `census`, as the API server gives it."""
    census = job()
    meta: Obj = {
        "name": pod_name(census, attempt),
        "uid": uid or f"pod-{attempt}",
        "resourceVersion": "100",
        "creationTimestamp": text(0),
        "labels": pod_labels(census, attempt, 0),
        "annotations": {"processing-operator.dev/signal": signal},
        "ownerReferences": [{"kind": "ProcessingJob", "name": "census", "uid": owner, "controller": True}],
    }
    if deleting is not None:
        meta["deletionTimestamp"] = text(deleting)
    restart = {"restartPolicyRules": RULES} if rules else {}
    spec: Obj = {
        "initContainers": [{"name": FETCH, **restart}],
        "containers": [{"name": UPLOAD, **restart}, {"name": SCRIPT}],
    }
    if gated:
        spec["schedulingGates"] = [{"name": GATE}]
    elif node:
        spec["nodeName"] = node
    main = {UPLOAD: upload, SCRIPT: script}
    return {
        "metadata": meta,
        "spec": spec,
        "status": {
            "phase": "Pending" if gated else phase,
            "conditions": conditions or [],
            "initContainerStatuses": [] if fetch is None else [{"name": FETCH, **fetch}],
            "containerStatuses": [
                *({"name": name, **entry} for name, entry in main.items() if entry is not None),
                *(others or []),
            ],
            **(status or {}),
        },
    }


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


# -- facts


def facts(
    of: ProcessingJob,
    *pods: Obj,
    gone: Obj | None = None,
    awaited: dict[str, ProcessingJob | None] | None = None,
    failure: CreateFailure | None = None,
    progress: Progress | None = None,
    defaults: OperatorDefaults | None = None,
) -> Facts:
    """What `observe` makes of raw Pods; `gone` is one that was seen to go."""
    return observe(
        of,
        pods,
        awaited=awaited or {},
        defaults=defaults or OperatorDefaults(),
        create_failure=failure,
        progress=progress,
        tombstones=() if gone is None else (gone,),
    )
