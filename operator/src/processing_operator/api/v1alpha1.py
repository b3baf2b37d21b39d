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
from processing_operator.api.model import ApiModel, SeenModel, SpecModel, Time
from processing_operator.api.paths import LAYOUT_RULES
from processing_operator.api.quantity import Size
from processing_operator.api.rules import KeyedBy, Rule
from processing_operator.api.scalars import WHOLE, Bool, ImageName, LongText, WorkingDir
from processing_operator.api.status import JobStatus

__all__ = [
    "Addressing",
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
    "ProcessingJob",
    "ProcessingJobSpec",
    "Resources",
    "S3Settings",
    "S3Source",
    "S3Target",
    "SecurityContext",
    "Upload",
    "UploadOn",
    "Workspace",
]

WEEK = 7 * 86400


class Workspace(SpecModel):
    """The disk space under /opt/ml."""

    size: Size = "30Gi"
    """How much the script may fill. At 95 % the script is stopped (WorkspaceFull)."""


class Upload(SpecModel):
    """Limits of the upload."""

    timeout_seconds: Annotated[int, Field(ge=1, le=WEEK), WHOLE] = 3600
    """How long the upload may take, retries included, after the script's end."""
    termination_seconds: Annotated[int, Field(ge=1, le=86400), WHOLE] = 480
    """How long the upload may take when the Pod is being deleted."""


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


class ProcessingJobSpec(SpecModel):
    """The job. Nothing but `stop` can be changed once it is created."""

    RULES: ClassVar = (*LAYOUT_RULES, *SIZE_RULES)

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
    """Compute resources of the script. Absent: the operator's setting."""
    security_context: SecurityContext | None = None
    """The user that all the job's containers run as."""
    workspace: Workspace = Workspace()
    """The disk space under /opt/ml."""
    s3: S3Settings = S3Settings()
    """The object store."""
    inputs: Annotated[tuple[Input, ...], Field(max_length=50), KeyedBy("name")] = ()
    """Data that is in place when the script starts."""
    outputs: Annotated[tuple[Output, ...], Field(max_length=50), KeyedBy("name")] = ()
    """Data that is uploaded at the script's end."""
    pending_timeout_seconds: Annotated[int, Field(ge=1, le=WEEK), WHOLE] = 3600
    """How long the Pod may wait: for a node, an image, a Secret; and the job for the jobs named by `from`."""
    download_timeout_seconds: Annotated[int, Field(ge=1, le=WEEK), WHOLE] = 86400
    """How long the download may take, retries and restarts included."""
    max_runtime_seconds: Annotated[int, Field(ge=1, le=777600), WHOLE] = 86400
    """How long the script may run; then it is stopped, its outputs are uploaded and the job ends in Stopped."""
    stop_grace_seconds: Annotated[int, Field(ge=0, le=86400), WHOLE] = 120
    """How long the script has from SIGTERM to SIGKILL when it is stopped."""
    upload: Upload = Upload()
    """Limits of the upload."""
    stop: Bool = False
    """True: stop the script gracefully and upload its outputs. Once seen, setting it back changes nothing."""


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
    """What to run, on what, to where."""
    status: JobStatus = JobStatus()
    """What the operator reports."""
