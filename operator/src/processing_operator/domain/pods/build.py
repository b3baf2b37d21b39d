"""The Pod of one instance of one attempt. It only builds: no decision is made here."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from processing_operator.api import names as api
from processing_operator.api import protocol
from processing_operator.api.v1alpha1 import SecurityContext
from processing_operator.domain.pods.containers import fetch_container, script_container, upload_container
from processing_operator.domain.pods.plan_annotation import plan_annotation
from processing_operator.domain.pods.volumes import pod_volumes

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.actions import PodManifest
    from processing_operator.domain.facts import Facts, OperatorDefaults


def build(job: ProcessingJob, attempt: int, facts: Facts, index: int = 0) -> PodManifest:
    """The Pod, gated: it may not be scheduled before the job's status knows its uid.

    Raises:
        PlanTooLargeError: the plan does not fit into its annotation.
    """
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": protocol.pod_name(job, attempt, index),
            "namespace": job.metadata.namespace,
            "labels": pod_labels(job, attempt, index),
            "annotations": _annotations(job, attempt, index, facts),
            "ownerReferences": [_owner(job)],
        },
        "spec": _spec(job, facts, index),
    }


def spec_digest(job: ProcessingJob) -> str:
    """By which a spec that was changed after its Pod was built is known: of all but `stop` that is not the default.

    So a newer operator, whose spec has more fields, comes to the same digest.
    """
    spec = job.spec.model_dump(mode="json", by_alias=True, exclude={"stop"}, exclude_none=True, exclude_defaults=True)
    text = json.dumps(spec, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:16]


def pod_labels(job: ProcessingJob, attempt: int, index: int) -> dict[str, str]:
    """Labels that the operator finds the Pod by, and one that newer meshes look at instead of the annotation."""
    return {
        api.LABEL_MANAGED_BY: api.MANAGED_BY,
        api.LABEL_JOB: job.metadata.name,
        api.LABEL_UID: job.metadata.uid,
        api.LABEL_ATTEMPT: str(attempt),
        api.LABEL_INDEX: str(index),
        "sidecar.istio.io/inject": "false",
    }


def _annotations(job: ProcessingJob, attempt: int, index: int, facts: Facts) -> dict[str, str]:
    return {
        api.ANNOTATION_PLAN: plan_annotation(job, attempt, index, facts.awaited),
        api.ANNOTATION_SIGNAL: "",
        api.ANNOTATION_SPEC_DIGEST: spec_digest(job),
        # the only copy of the outputs is in this Pod
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        "karpenter.sh/do-not-disrupt": "true",
        # a mesh's sidecar would outlive the job
        "sidecar.istio.io/inject": "false",
        "linkerd.io/inject": "disabled",
        # EKS's webhook gives AWS credentials to every container of an account that has a role: not to the script
        "eks.amazonaws.com/skip-containers": protocol.SCRIPT,
    }


def _owner(job: ProcessingJob) -> dict[str, Any]:
    """As of batch/v1's Pods: deleting the job in the foreground waits for the Pod, and so for the upload."""
    return {
        "apiVersion": api.API_VERSION,
        "kind": api.KIND,
        "name": job.metadata.name,
        "uid": job.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _spec(job: ProcessingJob, facts: Facts, index: int) -> dict[str, Any]:
    defaults, timeouts = facts.defaults, job.spec.timeouts
    spec = {
        "schedulingGates": [{"name": protocol.GATE}],
        # a lost sandbox is made anew under OnFailure; with Never the Pod would end, and the outputs with it
        "restartPolicy": "OnFailure",
        "terminationGracePeriodSeconds": timeouts.stop_grace_seconds + timeouts.termination_upload_seconds,
        # whatever the account may do in the cluster: no container of the job has its token for the API server
        "automountServiceAccountToken": False,
        "serviceAccountName": job.spec.service_account_name,
        "enableServiceLinks": False,
        "hostname": protocol.host_name(index),
        "securityContext": _security(job, defaults),
        "imagePullSecrets": [{"name": secret.name} for secret in job.spec.image_pull_secrets],
        "initContainers": [fetch_container(job, defaults)],
        "containers": [upload_container(job, defaults), script_container(job, defaults)],
        "volumes": pod_volumes(job),
    }
    return {key: value for key, value in spec.items() if value not in (None, [])}


def run_as_user(job: ProcessingJob, defaults: OperatorDefaults) -> int:
    """Whom all containers run as: one user, so that the uploader can read what only the script's may read."""
    own = job.spec.security_context
    return defaults.run_as_user if own is None or own.run_as_user is None else own.run_as_user


def _security(job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, Any]:
    """Of Pod Security "restricted": the job's own numbers, the operator's for those that it leaves out.

    OnRootMismatch: a volume of millions of files is not walked at each start.
    """
    user, own = run_as_user(job, defaults), job.spec.security_context or SecurityContext()
    return {
        "runAsNonRoot": user != 0,
        "runAsUser": user,
        "runAsGroup": defaults.run_as_group if own.run_as_group is None else own.run_as_group,
        "fsGroup": defaults.fs_group if own.fs_group is None else own.fs_group,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
