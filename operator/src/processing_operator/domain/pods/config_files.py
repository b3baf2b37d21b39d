"""The two files of /opt/ml/config, as SageMaker Processing writes them: keys, their order, and null for what is absent.

Source: the Amazon SageMaker developer guide, "How Amazon SageMaker Processing Configures Your Processing Container",
    and recorded files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from processing_operator.domain import names
from processing_operator.domain.pods.env import region_of
from processing_operator.domain.pods.sources import input_uri
from processing_operator.domain.pods.volumes import workspace_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from processing_operator.api.v1alpha1 import Input, Output, ProcessingJob

_GIB = 1024**3
_ACCOUNT = "0" * 12
"""There is no AWS account; the SDK wants twelve digits."""


def config_files(
    job: ProcessingJob, index: int, awaited: Mapping[str, ProcessingJob | None], *, with_environment: bool = True
) -> dict[str, dict[str, Any]]:
    """Name and content of each file."""
    return {
        "processingjobconfig.json": job_config(job, awaited, with_environment=with_environment),
        "resourceconfig.json": {"current_host": names.host_name(index), "hosts": [names.host_name(0)]},
    }


def job_config(
    job: ProcessingJob, awaited: Mapping[str, ProcessingJob | None], *, with_environment: bool = True
) -> dict[str, Any]:
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
    return config | {
        "ProcessingInputs": [_input(source, input_uri(source, awaited)) for source in spec.inputs],
        "ProcessingOutputConfig": {"Outputs": [_output(output) for output in spec.outputs], "KmsKeyId": None},
        "ProcessingResources": {"ClusterConfig": _cluster(job)},
        "RoleArn": spec.s3.role_arn,
        "StoppingCondition": {"MaxRuntimeInSeconds": spec.max_runtime_seconds},
    }


def _input(source: Input, uri: str | None) -> dict[str, Any]:
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


def _output(output: Output) -> dict[str, Any]:
    s3 = {"LocalPath": output.path, "S3Uri": output.s3.uri, "S3UploadMode": "EndOfJob"}
    return {"OutputName": output.name, "AppManaged": False, "S3Output": s3, "FeatureStoreOutput": None}


def _cluster(job: ProcessingJob) -> dict[str, Any]:
    return {
        "InstanceCount": 1,
        "InstanceType": None,
        "VolumeSizeInGB": -(-workspace_bytes(job) // _GIB),
        "VolumeKmsKeyId": None,
    }
