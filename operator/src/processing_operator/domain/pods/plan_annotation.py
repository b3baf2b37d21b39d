"""The plan: what fetch and upload are told, as an annotation of the Pod (docs/internals/protocol.md, "The plan")."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from processing_operator.api import protocol
from processing_operator.api.endpoint import is_aws, is_listed
from processing_operator.domain.pods.env import region_of
from processing_operator.domain.pods.resources import workspace_bytes
from processing_operator.domain.pods.volumes import directories

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processing_operator.api.v1alpha1 import Input, Output, ProcessingJob
    from processing_operator.domain.defaults import OperatorDefaults
    from processing_operator.domain.facts import Facts

PLAN_LIMIT: Final = 128 * 1024
"""Bytes. The API server allows 256 KiB for all annotations of an object together."""
_GIB: Final = 1024**3
_ACCOUNT: Final = "0" * 12
"""There is no AWS account; the SDK wants twelve digits."""


class PlanTooLargeError(ValueError):
    """The plan does not fit into its annotation; the message names the fields and the numbers."""


def plan_annotation(job: ProcessingJob, attempt: int, index: int, facts: Facts) -> str:
    """The plan as canonical JSON: no spaces, keys sorted, but for the config files, whose keys have SageMaker's order.

    An environment that is too large for it is left out of processingjobconfig.json; the script has it as its
    environment all the same.

    Raises:
        PlanTooLargeError: it is larger than 128 KiB.
    """
    uris = {source.name: _input_uri(source, facts.awaited) for source in job.spec.inputs}
    plan = _plan(job, attempt, index, uris, facts.defaults)
    plan = json.loads(json.dumps(plan, sort_keys=True))  # sorted at every depth
    text = ""
    for with_environment in (True, False):
        config = _config_files(job, index, uris, with_environment=with_environment)
        text = json.dumps({"config": config, **plan}, ensure_ascii=False, separators=(",", ":"))
        if len(text.encode()) <= PLAN_LIMIT:
            return text
    raise PlanTooLargeError(
        "spec.inputs, spec.outputs, spec.command and spec.args: "
        f"together they must fit into {PLAN_LIMIT} bytes of JSON, and are {len(text.encode())}"
    )


def find_output(job: ProcessingJob, name: str) -> Output | None:
    """The job's output of that name."""
    return next((output for output in job.spec.outputs if output.name == name), None)


def _input_uri(source: Input, awaited: Mapping[str, ProcessingJob | None]) -> str | None:
    """None for an input that is not of S3."""
    if source.s3 is not None:
        return source.s3.uri
    if source.from_ is None:
        return None
    other = awaited[source.from_.job]
    output = None if other is None else find_output(other, source.from_.output)
    return None if output is None else output_uri(output)


def output_uri(output: Output) -> str:
    """What an output is read by: its archive's one object, or everything below its prefix.

    The slash at the end keeps out siblings by name: `train/` and not `train-2/`.
    """
    prefix = output.s3.uri.rstrip("/") + "/"
    return prefix if output.archive is None else prefix + output.archive.name


def _plan(
    job: ProcessingJob, attempt: int, index: int, uris: Mapping[str, str | None], defaults: OperatorDefaults
) -> dict[str, Any]:
    spec, meta = job.spec, job.metadata
    return {
        "version": 1,
        "job": {
            "name": meta.name,
            "namespace": meta.namespace,
            "uid": meta.uid,
            "attempt": attempt,
            "index": index,
        },
        "final": True,
        "directories": list(directories(job)),
        "s3": _store(job, defaults),
        "inputs": [_input(at, source, uris[source.name]) for at, source in enumerate(spec.inputs)],
        "outputs": [_output(output) for output in spec.outputs],
        "pendingTimeoutSeconds": spec.timeouts.pending_seconds,
        "downloadTimeoutSeconds": spec.timeouts.download_seconds,
        "uploadTimeoutSeconds": spec.timeouts.upload_seconds,
        "stopGraceSeconds": spec.timeouts.stop_grace_seconds,
    }


def _store(job: ProcessingJob, defaults: OperatorDefaults) -> dict[str, Any]:
    """Where the store is; what the platform gives a Pod is AWS's, and goes nowhere else without being told to."""
    s3 = job.spec.s3
    listed = defaults.platform_credential_endpoints
    trusted = s3.endpoint is None or is_aws(s3.endpoint) or is_listed(s3.endpoint, listed)
    bundle = None if s3.ca_bundle is None else s3.ca_bundle.config_map_key_ref
    return {
        "endpoint": s3.endpoint,
        "region": region_of(job),
        "addressing": s3.addressing.value,
        "secretName": s3.secret_name,
        "platformCredentials": trusted,
        "caBundle": None if bundle is None else {"configMap": bundle.name, "key": bundle.key},
    }


def _input(position: int, source: Input, uri: str | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": source.name, "path": source.path}
    if source.config_map is not None:
        return {**entry, "configMap": {"name": source.config_map.name, "dir": protocol.config_map_dir(position)}}
    if source.inline is not None:
        return {**entry, "inline": dict(source.inline)}
    return {**entry, "s3": {"uri": uri}}


def _output(output: Output) -> dict[str, Any]:
    archive = output.archive
    return {
        "name": output.name,
        "path": output.path,
        "uri": output.s3.uri,
        "uploadOn": output.upload_on.value,
        "archive": None if archive is None else {"format": archive.format, "name": archive.name},
        "required": output.required,
    }


# -- the config files


def _config_files(
    job: ProcessingJob, index: int, uris: Mapping[str, str | None], *, with_environment: bool
) -> dict[str, dict[str, Any]]:
    """The two files of /opt/ml/config, as SageMaker Processing writes them: keys, their order, null for what is absent.

    Source: the Amazon SageMaker developer guide, "How Amazon SageMaker Processing Configures Your Processing
    Container", and recorded files.
    """
    return {
        "processingjobconfig.json": _job_config(job, uris, with_environment=with_environment),
        "resourceconfig.json": {"current_host": protocol.host_name(index), "hosts": [protocol.host_name(0)]},
    }


def _job_config(job: ProcessingJob, uris: Mapping[str, str | None], *, with_environment: bool) -> dict[str, Any]:
    """The job as SageMaker would describe it to its container."""
    spec, name = job.spec, job.metadata.name
    config: dict[str, Any] = {
        "ProcessingJobArn": f"arn:aws:sagemaker:{region_of(job)}:{_ACCOUNT}:processing-job/{name}",
        "ProcessingJobName": name,
        "AppSpecification": {
            "ImageUri": spec.image,
            "ContainerEntrypoint": list(spec.command),
            "ContainerArguments": list(spec.args) or None,
        },
    }
    environment = {variable.name: variable.value for variable in spec.env if variable.value is not None}
    if environment and with_environment:
        config["Environment"] = environment
    cluster = {
        "InstanceCount": 1,
        "InstanceType": None,
        "VolumeSizeInGB": -(-workspace_bytes(job) // _GIB),
        "VolumeKmsKeyId": None,
    }
    return config | {
        "ProcessingInputs": [_config_input(source, uris[source.name]) for source in spec.inputs],
        "ProcessingOutputConfig": {"Outputs": [_config_output(output) for output in spec.outputs], "KmsKeyId": None},
        "ProcessingResources": {"ClusterConfig": cluster},
        "RoleArn": spec.s3.role_arn,
        "StoppingCondition": {"MaxRuntimeInSeconds": spec.timeouts.run_seconds},
    }


def _config_input(source: Input, uri: str | None) -> dict[str, Any]:
    s3 = {
        "LocalPath": source.path,
        "S3Uri": uri,
        "S3DataDistributionType": "FullyReplicated",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
        "S3CompressionType": "None",
        "S3DownloadMode": "StartOfJob",
    }
    return {"InputName": source.name, "AppManaged": False, "S3Input": s3, "DatasetDefinition": None}


def _config_output(output: Output) -> dict[str, Any]:
    s3 = {"LocalPath": output.path, "S3Uri": output.s3.uri, "S3UploadMode": "EndOfJob"}
    return {"OutputName": output.name, "AppManaged": False, "S3Output": s3, "FeatureStoreOutput": None}
