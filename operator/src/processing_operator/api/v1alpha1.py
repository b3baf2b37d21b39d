"""ProcessingJob, version v1alpha1: what users write and read. The CRD is generated from these models (`crd.py`)."""

import re
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from processing_operator.api.container import (
    EnvSource,
    EnvVar,
    ImagePullPolicy,
    ImagePullSecret,
    KeyRef,
    Resources,
    SecurityContext,
)
from processing_operator.api.data import (
    Addressing,
    Archive,
    CaBundle,
    CaKey,
    ConfigMapSource,
    Input,
    JobSource,
    Output,
    S3Settings,
    S3Source,
    S3Target,
    UploadOn,
)
from processing_operator.api.limits import MEMORY_RULES, Timeouts, Workspace
from processing_operator.api.model import ApiModel, SeenModel, Time
from processing_operator.api.paths import LAYOUT_RULES
from processing_operator.api.placement import Affinity, Placement, Toleration
from processing_operator.api.quantity import Size
from processing_operator.api.rules import KeyedBy, Rule
from processing_operator.api.scalars import Bool, ImageName, LongText, ObjectName, WorkingDir
from processing_operator.api.status import JobStatus

__all__ = [
    "Addressing",
    "Affinity",
    "Archive",
    "CaBundle",
    "CaKey",
    "ConfigMapSource",
    "EnvSource",
    "EnvVar",
    "ImagePullPolicy",
    "ImagePullSecret",
    "Input",
    "JobSource",
    "JobStatus",
    "KeyRef",
    "Metadata",
    "Output",
    "Placement",
    "ProcessingJob",
    "ProcessingJobSpec",
    "Resources",
    "S3Settings",
    "S3Source",
    "S3Target",
    "SecurityContext",
    "Timeouts",
    "Toleration",
    "UploadOn",
    "Workspace",
]


def _role_without_account(spec: Any) -> str | None:
    return None if spec.service_account_name is not None else spec.s3.role_arn


def _two_identities(spec: Any) -> str | None:
    return None if spec.s3.secret_name is None else spec.service_account_name


IDENTITY_RULES = (
    Rule(
        message="at most one of s3.secretName and serviceAccountName may be given",
        cel="!has(self.serviceAccountName) || !has(self.s3) || !has(self.s3.secretName)",
        offender=_two_identities,
        cel_offender="self.serviceAccountName",
        field=".serviceAccountName",
    ),
    Rule(
        message="a role is assumed with a ServiceAccount's token: serviceAccountName must be given too",
        cel="!has(self.s3) || !has(self.s3.roleArn) || has(self.serviceAccountName)",
        offender=_role_without_account,
        cel_offender="self.s3.roleArn",
        field=".s3.roleArn",
    ),
)


def _inline_characters(spec: Any) -> int:
    return sum(len(text) for item in spec.inputs for text in (item.inline or {}).values())


def _command_characters(spec: Any) -> int:
    values = [variable.value or "" for variable in spec.env]
    return sum(len(text) for text in (*spec.command, *spec.args, *values))


_INLINE_CEL = "self.inputs.map(i, has(i.inline) ? i.inline.map(k, size(i.inline[k])).sum() : 0).sum()"
_COMMAND_CEL = (
    "self.command.map(c, size(c)).sum()"
    " + (has(self.args) ? self.args.map(a, size(a)).sum() : 0)"
    " + (has(self.env) ? self.env.map(e, has(e.value) ? size(e.value) : 0).sum() : 0)"
)
MAX_INLINE = 65536
MAX_COMMAND = 65536


def _more_than(limit: int, count: Callable[[Any], int]) -> Callable[[Any], str | None]:
    return lambda spec: f"{found}" if (found := count(spec)) > limit else None


SIZE_RULES = (
    Rule(
        message=f"inline files must not hold more than {MAX_INLINE} characters together",
        cel=f"!has(self.inputs) || {_INLINE_CEL} <= {MAX_INLINE}",
        offender=_more_than(MAX_INLINE, _inline_characters),
        cel_offender=_INLINE_CEL,
        field=".inputs",
    ),
    Rule(
        message=f"command, args and env must not hold more than {MAX_COMMAND} characters together",
        cel=f"{_COMMAND_CEL} <= {MAX_COMMAND}",
        offender=_more_than(MAX_COMMAND, _command_characters),
        cel_offender=_COMMAND_CEL,
        field=".command",
    ),
)


class ProcessingJobSpec(Placement):
    """What to run, on which data, and where its results go."""

    RULES: ClassVar = (*LAYOUT_RULES, *SIZE_RULES, *IDENTITY_RULES, *MEMORY_RULES)

    image: ImageName
    """The image that the script runs in."""
    image_pull_policy: ImagePullPolicy | None = None
    """Always, IfNotPresent or Never, as in a Pod. Absent: Kubernetes' own rule."""
    image_pull_secrets: Annotated[tuple[ImagePullSecret, ...], Field(max_length=10), KeyedBy("name")] = ()
    """Secrets with the credentials of the image's registry."""
    command: Annotated[tuple[LongText, ...], Field(min_length=1, max_length=100)]
    """The program and its first arguments, taken literally; replaces the image's ENTRYPOINT and CMD."""
    args: Annotated[tuple[LongText, ...], Field(max_length=100)] = ()
    """Arguments that follow `command`, taken literally."""
    working_dir: WorkingDir | None = None
    """The directory that the script starts in. Absent: the image's."""
    env: Annotated[tuple[EnvVar, ...], Field(max_length=100), KeyedBy("name")] = ()
    """Environment variables of the script."""
    resources: Resources | None = None
    """Compute resources of the script, as in a Pod. Absent: what the operator was installed with, by default none."""
    shared_memory_size: Size | None = None
    """The size of /dev/shm in the script's container, by which PyTorch's DataLoader, Ray and others pass data between
    processes. What lies there counts as the script's memory. Absent: the container runtime's, usually 64Mi."""
    security_context: SecurityContext | None = None
    """The user that all the job's containers run as."""
    workspace: Workspace = Workspace()
    """The disk space of inputs and outputs."""
    s3: S3Settings = S3Settings()
    """The object store that inputs and outputs are in."""
    service_account_name: ObjectName | None = None
    """The ServiceAccount of the job's namespace that the Pod runs under, in place of s3.secretName: by it AWS (EKS Pod
    Identity, IRSA) or any store with an STS knows fetch and upload. The script gets neither its token nor its keys.
    Absent: default."""
    inputs: Annotated[tuple[Input, ...], Field(max_length=50), KeyedBy("name")] = ()
    """Data that is in place when the script starts."""
    outputs: Annotated[tuple[Output, ...], Field(max_length=50), KeyedBy("name")] = ()
    """Data that the script leaves behind and that is uploaded at its end."""
    timeouts: Timeouts = Timeouts()
    """How long each part of the job may take."""
    stop: Bool = False
    """True: end the job. A script that runs is stopped (timeouts.stopGraceSeconds), and its outputs are uploaded. Once
    seen, setting it back changes nothing. Default: false."""


class Metadata(SeenModel):
    """The part of Kubernetes' ObjectMeta that the operator reads."""

    name: Annotated[str, Field(max_length=63)] = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: Time | None = None
    deletion_timestamp: Time | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


_NAME = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _bad_name(job: Any) -> str | None:
    metadata = job.metadata
    # the API server puts five letters and digits behind a generateName
    name = metadata.name or metadata.generate_name + "x" * 5
    return None if _NAME.fullmatch(name) else metadata.name or metadata.generate_name


def _own_output(job: Any) -> str | None:
    sources = [item.name for item in job.spec.inputs if item.from_ and item.from_.job == job.metadata.name]
    return next(iter(sources), None)


_OWN = "has(i.from) && i.from.job == self.metadata.name"


class ProcessingJob(ApiModel):
    """Fetches inputs from S3, runs a script in a container of one's choice, uploads its outputs to S3."""

    RULES: ClassVar = (
        Rule(
            message="must be a DNS label of at most 63 lower case letters, digits and dashes, no dash at either end",
            cel=f"self.metadata.name.matches('^{_NAME.pattern}$')",
            offender=_bad_name,
            cel_offender="self.metadata.name",
            field=".metadata.name",
        ),
        Rule(
            message="an input cannot be the job's own output",
            cel=f"!has(self.spec.inputs) || !self.spec.inputs.exists(i, {_OWN})",
            offender=_own_output,
            cel_offender=f"self.spec.inputs.filter(i, {_OWN})[0].name",
            field=".spec.inputs",
        ),
    )

    api_version: Literal["processing-operator.dev/v1alpha1"]
    kind: Literal["ProcessingJob"]
    metadata: Metadata
    spec: ProcessingJobSpec
    """What to run, on which data, and where its results go. Nothing but `stop` can be changed once the job is created:
    kubectl replace --force runs it anew."""
    status: JobStatus = JobStatus()
    """What the operator reports."""
