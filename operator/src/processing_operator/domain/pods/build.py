"""The Pod of one instance of one attempt. It only builds: no decision is made here."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from processing_operator.api import names as api
from processing_operator.api import protocol
from processing_operator.api.v1alpha1 import Placement, SecurityContext
from processing_operator.domain.pods.containers import fetch_container, script_container, upload_container
from processing_operator.domain.pods.plan_annotation import plan_annotation
from processing_operator.domain.pods.volumes import pod_volumes

if TYPE_CHECKING:
    from processing_operator.api.v1alpha1 import ProcessingJob
    from processing_operator.domain.actions import PodManifest
    from processing_operator.domain.defaults import OperatorDefaults
    from processing_operator.domain.facts import Facts

_ATTRIBUTES: Final = set(Placement.model_fields) - {"pod_labels", "pod_annotations"}
"""The fields that are the Pod's by the same name."""


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
            "labels": {**_carried_labels(job, facts.defaults), **pod_labels(job, attempt, index)},
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
    """Labels that the operator finds the Pod by."""
    return {
        api.LABEL_MANAGED_BY: api.MANAGED_BY,
        api.LABEL_JOB: job.metadata.name,
        api.LABEL_UID: job.metadata.uid,
        api.LABEL_ATTEMPT: str(attempt),
        api.LABEL_INDEX: str(index),
    }


_NO_MESH = {"sidecar.istio.io/inject": "false"}
"""A mesh's sidecar would outlive the job. Newer meshes look at the label, older ones at the annotation."""


def _carried_labels(job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, str]:
    """For costs, policies, queues: whoever says something nearer to the job wins."""
    default = defaults.placement.pod_labels or {}
    return {**_NO_MESH, **default, **job.metadata.labels, **(job.spec.pod_labels or {})}


def _carried_annotations(job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, str]:
    of_job = {key: value for key, value in job.metadata.annotations.items() if key in defaults.carried_annotations}
    default = defaults.placement.pod_annotations or {}
    return {**_NO_MESH, "linkerd.io/inject": "disabled", **default, **of_job, **(job.spec.pod_annotations or {})}


def _annotations(job: ProcessingJob, attempt: int, index: int, facts: Facts) -> dict[str, str]:
    return {
        **_carried_annotations(job, facts.defaults),
        api.ANNOTATION_PLAN: plan_annotation(job, attempt, index, facts),
        api.ANNOTATION_SIGNAL: "",
        api.ANNOTATION_SPEC_DIGEST: spec_digest(job),
        # the only copy of the outputs is in this Pod
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        "karpenter.sh/do-not-disrupt": "true",
        "kubectl.kubernetes.io/default-container": protocol.SCRIPT,
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
        "imagePullSecrets": _pull_secrets(job, defaults),
        "initContainers": [fetch_container(job, defaults)],
        "containers": [upload_container(job, defaults), script_container(job, defaults)],
        "volumes": pod_volumes(job),
        **_placement(job, defaults),
    }
    return {key: value for key, value in spec.items() if value not in (None, [])}


def _pull_secrets(job: ProcessingJob, defaults: OperatorDefaults) -> list[dict[str, str]]:
    """Of the script's image and of the agent's: a Pod has one list."""
    names = (*(secret.name for secret in job.spec.image_pull_secrets), *defaults.agent_pull_secrets)
    return [{"name": name} for name in dict.fromkeys(names)]


def _placement(job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, Any]:
    """The job's own fields, each as a whole, and the operator's for those that it leaves out."""
    return {**_fields(defaults.placement), **_fields(job.spec)}


def _fields(placement: Placement) -> dict[str, Any]:
    return placement.model_dump(mode="json", by_alias=True, exclude_none=True, include=_ATTRIBUTES)


def identity(job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, int]:
    """Whom all containers run as: one user, so that the uploader can read what only the script's may read.

    The job's own numbers, the operator's for those that it leaves out; never an image's.
    """
    own = job.spec.security_context or SecurityContext()
    return {
        "runAsUser": defaults.run_as_user if own.run_as_user is None else own.run_as_user,
        "runAsGroup": defaults.run_as_group if own.run_as_group is None else own.run_as_group,
        "fsGroup": defaults.fs_group if own.fs_group is None else own.fs_group,
    }


def _security(job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, Any]:
    """Of Pod Security "restricted".

    Strict: groups that the image's /etc/group lists for the user are not the job's; root's may be among them.
    OnRootMismatch: a volume of millions of files is not walked at each start.
    """
    who = identity(job, defaults)
    return {
        "runAsNonRoot": who["runAsUser"] != 0,
        **who,
        **({} if defaults.allow_root else {"supplementalGroupsPolicy": "Strict"}),
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
