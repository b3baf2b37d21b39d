"""Raw Pods become facts: what the kubelet, the scheduler and whoever deletes Pods have said about them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from processing_operator.api import names as api
from processing_operator.domain import names
from processing_operator.domain.containers import ContainerFacts, read_container, read_time
from processing_operator.domain.facts import CreateFailure, Facts, OperatorDefaults, Progress
from processing_operator.domain.plan import PodTarget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from processing_operator.api.v1alpha1 import ProcessingJob

    RawPod = dict[str, Any]

TERMINAL_PHASES = ("Succeeded", "Failed")


@dataclass(frozen=True)
class PodCondition:
    """A condition of the Pod."""

    status: str
    reason: str
    message: str
    since: datetime | None


@dataclass(frozen=True)
class PodFacts:
    """One Pod of the job.

    Attributes:
        signal: the value of its signal annotation.
        gated: it was not released yet: nothing of it has ever run.
        scheduled: the condition PodScheduled.
        disruption: the condition DisruptionTarget, if it is True: why Kubernetes itself takes the Pod away.
        deleting: when its deletion was asked for.
        restart_rules: False where the API server has dropped the containers' restart rules.
        others_running: a container that is none of ours (an injected one) is running.
        gone: it exists no more; this is how it was when it went.
    """

    name: str
    uid: str
    resource_version: str
    attempt: int
    index: int
    created_at: datetime | None
    node: str
    phase: str
    reason: str
    message: str
    signal: str
    gated: bool
    scheduled: PodCondition | None
    disruption: PodCondition | None
    deleting: datetime | None
    restart_rules: bool
    fetch: ContainerFacts
    upload: ContainerFacts
    script: ContainerFacts
    others_running: bool = False
    gone: bool = False

    @property
    def target(self) -> PodTarget:
        """The Pod as it was seen, for a write that must not hit a changed one."""
        return PodTarget(self.name, self.uid, self.resource_version)

    @property
    def terminal(self) -> bool:
        """The Pod's phase says that nothing of it runs or will run."""
        return self.phase in TERMINAL_PHASES

    @property
    def script_started(self) -> bool:
        """The script's container has run."""
        return self.script.started

    @property
    def taken_away(self) -> bool:
        """Somebody deletes, evicts or preempts it."""
        return self.deleting is not None or self.disruption is not None or bool(self.reason)

    @property
    def never_runs(self) -> bool:
        """The script has not started and cannot start any more.

        A Pod that is not bound to a node never ran. One that is: the kubelet tells of every container before it gives
        the Pod its last phase, but the collector of dead nodes' Pods (DeletionByPodGC) and a forced deletion do not
        wait for the kubelet's word. And the kubelet tells of fetch's end before it starts the script, and starts
        nothing in a Pod that is being deleted.
        """
        if self.script_started:
            return False
        if not self.node:
            return self.gone or self.terminal or self.deleting is not None
        if self.terminal:
            return self.disruption is None or self.disruption.reason != "DeletionByPodGC"
        return self.deleting is not None and not self.gone and self.fetch.exit_code != 0

    @cached_property
    def sandbox_lost(self) -> bool:
        """Fetch was started once more after the script had started: only a new sandbox does that."""
        fetched, ran = self.fetch.started_at, self.script.first_start
        return fetched is not None and ran is not None and self.fetch.restarts > 0 and fetched > ran


def observe(
    job: ProcessingJob,
    pods: Sequence[RawPod],
    *,
    awaited: Mapping[str, ProcessingJob | None],
    defaults: OperatorDefaults,
    create_failure: CreateFailure | None = None,
    progress: Progress | None = None,
    tombstones: Sequence[RawPod] = (),
) -> Facts:
    """Everything that a decision about the job looks at.

    Args:
        job: the job as just read.
        pods: Pods of the job's namespace as just listed; those of another controller are left out here.
        awaited: the jobs named by `from` inputs, None where there is no such job.
        defaults: the operator's settings.
        create_failure: why the API server has just refused to create the Pod.
        progress: the staging container's last progress line.
        tombstones: last states of Pods that were seen to go (the object of a watch's DELETED event). They prove that a
            script had not started, or how it ended; without them a Pod that vanished counts as having run.
    """
    live = [read_pod(pod) for pod in pods if _is_controller(job, pod)]
    uids = {pod.uid for pod in live}
    gone = [read_pod(pod, gone=True) for pod in tombstones if _is_controller(job, pod)]
    seen = [*live, *(pod for pod in gone if pod.uid not in uids)]
    return Facts(
        pods=tuple(sorted(seen, key=lambda pod: (pod.attempt, pod.index, not pod.gone))),
        awaited=awaited,
        defaults=defaults,
        create_failure=create_failure,
        progress=progress,
    )


def _is_controller(job: ProcessingJob, pod: RawPod) -> bool:
    owners = pod.get("metadata", {}).get("ownerReferences") or []
    return any(owner.get("controller") and owner.get("uid") == job.metadata.uid for owner in owners)


def read_pod(pod: RawPod, *, gone: bool = False) -> PodFacts:
    """The facts of one Pod as the API server gives it."""
    meta, spec, status = pod.get("metadata", {}), pod.get("spec", {}), pod.get("status", {})
    labels, annotations = meta.get("labels") or {}, meta.get("annotations") or {}
    conditions = {condition.get("type"): _read_condition(condition) for condition in status.get("conditions") or []}
    disruption = conditions.get("DisruptionTarget")
    own, others = _split_statuses(status)
    return PodFacts(
        name=meta.get("name", ""),
        uid=meta.get("uid", ""),
        resource_version=meta.get("resourceVersion", ""),
        attempt=_to_int(labels.get(api.LABEL_ATTEMPT)),
        index=_to_int(labels.get(api.LABEL_INDEX)),
        created_at=read_time(meta.get("creationTimestamp")),
        node=spec.get("nodeName") or "",
        phase=status.get("phase") or "Pending",
        reason=status.get("reason") or "",
        message=status.get("message") or "",
        signal=annotations.get(api.ANNOTATION_SIGNAL) or "",
        gated=any(gate.get("name") == names.GATE for gate in spec.get("schedulingGates") or []),
        scheduled=conditions.get("PodScheduled"),
        disruption=disruption if disruption is not None and disruption.status == "True" else None,
        deleting=read_time(meta.get("deletionTimestamp")),
        restart_rules=_has_restart_rules(spec),
        fetch=read_container(own.get(names.FETCH)),
        upload=read_container(own.get(names.UPLOAD)),
        script=read_container(own.get(names.SCRIPT)),
        others_running=any("running" in (status.get("state") or {}) for status in others),
        gone=gone,
    )


def _to_int(text: Any) -> int:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else 0


def _read_condition(raw: dict[str, Any]) -> PodCondition:
    return PodCondition(
        status=raw.get("status") or "",
        reason=raw.get("reason") or "",
        message=raw.get("message") or "",
        since=read_time(raw.get("lastTransitionTime")),
    )


def _split_statuses(status: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Statuses of our three containers by name, and those of all others."""
    init = {entry.get("name", ""): entry for entry in status.get("initContainerStatuses") or []}
    main = {entry.get("name", ""): entry for entry in status.get("containerStatuses") or []}
    own = {name: init[name] for name in (names.FETCH,) if name in init}
    own.update({name: main[name] for name in (names.UPLOAD, names.SCRIPT) if name in main})
    others = [entry for name, entry in [*init.items(), *main.items()] if name not in own]
    return own, others


def _has_restart_rules(spec: dict[str, Any]) -> bool:
    """Whether fetch and upload have theirs. An API server older than 1.35 drops them without a word."""
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    staging = [container for container in containers if container.get("name") in (names.FETCH, names.UPLOAD)]
    return all(container.get("restartPolicyRules") for container in staging)
