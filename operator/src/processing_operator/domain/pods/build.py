"""The Pod of one instance of one attempt. It only builds: no decision is made here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from processing_operator.api import names as api
from processing_operator.domain import names
from processing_operator.domain.pods.containers import fetch_container, script_container, upload_container
from processing_operator.domain.pods.plan_annotation import plan_annotation
from processing_operator.domain.pods.security import pod_security, user_of
from processing_operator.domain.pods.volumes import pod_volumes

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.facts import Facts
    from processing_operator.domain.plan import PodManifest


def build(job: ProcessingJob, attempt: int, facts: Facts, index: int = 0) -> PodManifest:
    """The Pod, gated: it may not be scheduled before the job's status knows its uid.

    Raises:
        PlanTooLargeError: the plan does not fit into its annotation.
    """
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": names.pod_name(job, attempt, index),
            "namespace": job.metadata.namespace,
            "labels": pod_labels(job, attempt, index),
            "annotations": _annotations(job, attempt, index, facts),
            "ownerReferences": [_owner(job)],
        },
        "spec": _spec(job, facts, index),
    }


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
        # the only copy of the outputs is in this Pod
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        "karpenter.sh/do-not-disrupt": "true",
        # a mesh's sidecar would outlive the job
        "sidecar.istio.io/inject": "false",
        "linkerd.io/inject": "disabled",
        # EKS's webhook gives AWS credentials to every container of an account that has a role: not to the script
        "eks.amazonaws.com/skip-containers": names.SCRIPT,
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
    defaults = facts.defaults
    spec = {
        "schedulingGates": [{"name": names.GATE}],
        # a lost sandbox is made anew under OnFailure; with Never the Pod would end, and the outputs with it
        "restartPolicy": "OnFailure",
        "terminationGracePeriodSeconds": job.spec.stop_grace_seconds + job.spec.upload.termination_seconds,
        # whatever the account may do in the cluster: no container of the job has its token for the API server
        "automountServiceAccountToken": False,
        "serviceAccountName": job.spec.s3.service_account_name,
        "enableServiceLinks": False,
        "hostname": names.host_name(index),
        "securityContext": pod_security(user_of(job, defaults)),
        "imagePullSecrets": [{"name": secret.name} for secret in job.spec.image_pull_secrets],
        "initContainers": [fetch_container(job, defaults)],
        "containers": [upload_container(job, defaults), script_container(job, defaults)],
        "volumes": pod_volumes(job),
    }
    return {key: value for key, value in spec.items() if value not in (None, [])}
