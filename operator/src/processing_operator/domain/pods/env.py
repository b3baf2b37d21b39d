"""The environment of the containers. Strings of users are literal: `$(NAME)` is escaped away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from processing_operator.api import protocol
from processing_operator.api.endpoint import is_aws

if TYPE_CHECKING:
    from collections.abc import Iterable

    from processing_operator.api.v1alpha1 import EnvVar, ProcessingJob

DEFAULT_REGION = "us-east-1"
USER = "processing"
"""The name of the user 1000 in processing-sklearn, too."""

# Kubernetes reads "$(" as the beginning of a reference and "$$" as an escaped "$"; any other "$" stays as it is.
_EXPANDED = re.compile(r"\$(?=[$(])")


def escape(text: str) -> str:
    """The text that Kubernetes' expansion turns into this one: `echo $(date)` becomes `echo $$(date)`."""
    return _EXPANDED.sub("$$", text)


def region_of(job: ProcessingJob) -> str:
    """The region of the job's store."""
    return job.spec.s3.region or DEFAULT_REGION


def script_env(job: ProcessingJob) -> list[dict[str, Any]]:
    """What SageMaker's containers find, HOME in a place that is always writable, and the job's own, which wins.

    A name of the user: few images have an entry for its number, and much software asks who it is.
    """
    given = {
        "AWS_REGION": {"value": region_of(job)},
        "AWS_DEFAULT_REGION": {"value": region_of(job)},
        "HOME": {"value": "/tmp"},  # noqa: S108 - the container's own
        "USER": {"value": USER},
        "LOGNAME": {"value": USER},
    }
    own = {variable.name: _source(variable) for variable in job.spec.env}
    return [{"name": name, **source} for name, source in {**given, **own}.items()]


def staging_env(job: ProcessingJob, own: Iterable[EnvVar] = ()) -> list[dict[str, Any]]:
    """The environment of fetch and upload: the operator's own for them, and what the AWS libraries look for.

    Everything else is in the plan.
    """
    s3 = job.spec.s3
    given: dict[str, dict[str, Any]] = {variable.name: _source(variable) for variable in own}
    given["HOME"] = {"value": "/tmp"}  # noqa: S108 - the container's own
    if job.spec.service_account_name is not None:
        # whose STS is asked, also where a webhook of the platform brings the other variables
        given |= {name: {"value": region_of(job)} for name in ("AWS_REGION", "AWS_DEFAULT_REGION")}
    if s3.role_arn is not None:
        given |= _role_env(s3.role_arn, s3.endpoint)
    if s3.ca_bundle is not None:
        given["AWS_CA_BUNDLE"] = {"value": f"{protocol.CA_BUNDLE_DIR}/{s3.ca_bundle.config_map_key_ref.key}"}
    return [{"name": name, **source} for name, source in given.items()]


def _role_env(role: str, endpoint: str | None) -> dict[str, dict[str, Any]]:
    """AssumeRoleWithWebIdentity: which role, by which token, under which name in the store's audit log, and where."""
    return {
        "AWS_ROLE_ARN": {"value": role},
        "AWS_WEB_IDENTITY_TOKEN_FILE": {"value": f"{protocol.WEB_IDENTITY_DIR}/{protocol.TOKEN_FILE}"},
        "AWS_ROLE_SESSION_NAME": {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        **_sts_env(endpoint),
    }


def _sts_env(endpoint: str | None) -> dict[str, dict[str, Any]]:
    """A store of one's own has its STS at its own address (SeaweedFS, MinIO, Ceph); AWS has one in each region."""
    if endpoint is None or is_aws(endpoint):
        return {"AWS_STS_REGIONAL_ENDPOINTS": {"value": "regional"}}
    return {"AWS_ENDPOINT_URL_STS": {"value": escape(endpoint)}}


def _source(variable: EnvVar) -> dict[str, Any]:
    if variable.value_from is None:
        return {"value": escape(variable.value or "")}
    return {"valueFrom": variable.value_from.dump()}
