"""The job's data: where inputs come from, where outputs go."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from processing_operator.api.model import SpecModel
from processing_operator.api.paths import DataPath
from processing_operator.api.rules import Rule, at_most_one, exactly_one, keys_matching
from processing_operator.api.scalars import (
    FILE_NAME,
    FILE_NAME_MESSAGE,
    Bool,
    DataKey,
    DataName,
    DnsLabel,
    FileName,
    LongText,
    ObjectName,
    RoleArn,
    S3Uri,
    Url,
)


class Addressing(StrEnum):
    """Where the bucket's name stands in a request."""

    AUTO = "Auto"
    PATH = "Path"
    VIRTUAL_HOST = "VirtualHost"


class CaKey(SpecModel):
    """A key of a ConfigMap that holds certificates."""

    name: ObjectName
    """The ConfigMap's name, in the job's namespace."""
    key: DataKey
    """The key whose value is one or more certificates in PEM form, as trust-manager writes them."""


class CaBundle(SpecModel):
    """The certificate authorities that the store's certificate is checked against."""

    config_map_key_ref: CaKey
    """A key of a ConfigMap: what is in it is public."""


def _role_without_account(s3: Any) -> str | None:
    return None if s3.service_account_name is not None else s3.role_arn


_PLAIN = "http://"


def _bundle_for_plain_http(s3: Any) -> str | None:
    plain = s3.endpoint is not None and s3.endpoint.startswith(_PLAIN)
    return s3.endpoint if plain and s3.ca_bundle is not None else None


class S3Settings(SpecModel):
    """The object store that inputs and outputs are in."""

    RULES: ClassVar = (
        at_most_one("secretName", "serviceAccountName"),
        Rule(
            message="a role is assumed with a ServiceAccount's token: serviceAccountName must be given too",
            cel="!has(self.roleArn) || has(self.serviceAccountName)",
            offender=_role_without_account,
            cel_offender="self.roleArn",
            field=".roleArn",
        ),
        Rule(
            message="certificates are for https: the endpoint must not begin with http://",
            cel=f"!has(self.caBundle) || !has(self.endpoint) || !self.endpoint.startsWith('{_PLAIN}')",
            offender=_bundle_for_plain_http,
            cel_offender="self.endpoint",
            field=".caBundle",
        ),
    )

    endpoint: Url | None = None
    """The store's address, http:// or https://. Absent: AWS."""
    region: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    """The store's region. Absent: us-east-1."""
    addressing: Addressing = Addressing.AUTO
    """Path (http://host/bucket/key), VirtualHost (http://bucket.host/key) or Auto: Path where an endpoint is set."""
    secret_name: ObjectName | None = None
    """A Secret with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY[, AWS_SESSION_TOKEN]. The script never sees it."""
    service_account_name: ObjectName | None = None
    """A ServiceAccount of the job's namespace that the Pod runs under, instead of secretName: by it, AWS (EKS Pod
    Identity, IRSA) or any store with an STS knows fetch and upload. The script gets neither its token nor its keys."""
    role_arn: RoleArn | None = None
    """The role that fetch and upload assume with a token of serviceAccountName (AssumeRoleWithWebIdentity), at AWS's
    STS or, where an endpoint is set that is not AWS's, at that endpoint. Absent: what the platform injects."""
    ca_bundle: CaBundle | None = None
    """The certificate authorities of an https store, instead of those of the agent's image. Not for http://."""


class S3Source(SpecModel):
    """Objects of S3."""

    uri: S3Uri
    """s3://bucket/key or s3://bucket/prefix: every object below it lands in `path`."""


class ConfigMapSource(SpecModel):
    """The keys of a ConfigMap, each as a regular, writable file."""

    name: ObjectName
    """The ConfigMap's name, in the job's namespace."""


class JobSource(SpecModel):
    """The S3 output of another job of the namespace. The job waits until that one has completed."""

    job: DnsLabel
    """The other job's name. It need not exist yet."""
    output: DataName
    """The name of one of its outputs."""


InlineFiles = Annotated[
    dict[str, LongText],
    Field(min_length=1, max_length=16),
    keys_matching(FILE_NAME, f"a file's name {FILE_NAME_MESSAGE}"),
]


class Input(SpecModel):
    """Data that is in place when the script starts: exactly one of s3, configMap, inline and from."""

    RULES: ClassVar = (exactly_one("s3", "configMap", "inline", "from"),)

    name: DataName
    """The input's name, unique among the inputs."""
    path: DataPath
    """The directory that the data lands in: absolute, normalised, below /opt/ml/. Inputs may nest."""
    s3: S3Source | None = None
    """Objects of S3."""
    config_map: ConfigMapSource | None = None
    """The keys of a ConfigMap as files."""
    inline: InlineFiles | None = None
    """Files written out here, by name: for scripts in the manifest itself."""
    from_: Annotated[JobSource | None, Field(alias="from")] = None
    """An output of another job, which this job waits for."""


class UploadOn(StrEnum):
    """When an output is uploaded."""

    ALWAYS = "Always"
    ON_SUCCESS = "OnSuccess"
    ON_FAILURE = "OnFailure"


class Archive(SpecModel):
    """The output's directory as one object."""

    format: Literal["TarGz"]
    """TarGz: a tar archive, compressed with gzip; the same content gives the same bytes."""
    name: FileName
    """The object's name below `uri`: model.tar.gz."""


class S3Target(SpecModel):
    """Where an output goes."""

    uri: S3Uri
    """s3://bucket/prefix that the files go below; a trailing slash makes no difference."""
    upload_on: UploadOn = UploadOn.ALWAYS
    """Always (the default), OnSuccess (the script exited with 0) or OnFailure (it did not)."""
    archive: Archive | None = None
    """Upload the directory as one archive instead of file by file."""


class Output(SpecModel):
    """Data that the script leaves behind and that is uploaded at its end."""

    name: DataName
    """The output's name, unique among the outputs."""
    path: DataPath
    """The directory that is uploaded: absolute, normalised, below /opt/ml/. The script finds it empty."""
    s3: S3Target
    """Where it goes."""
    required: Bool = False
    """True: the job fails with OutputMissing if the directory is empty. Default: false."""
