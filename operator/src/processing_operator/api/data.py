"""The job's data: where inputs come from, where outputs go."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from processing_operator.api.endpoint import Endpoint
from processing_operator.api.model import SpecModel
from processing_operator.api.paths import DataPath
from processing_operator.api.rules import Rule, exactly_one, keys_matching
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
    Region,
    RoleArn,
    S3Uri,
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
    """The key of a ConfigMap that holds them."""


_PLAIN = "http://"


def _bundle_for_plain_http(s3: Any) -> str | None:
    plain = s3.endpoint is not None and s3.endpoint.startswith(_PLAIN)
    return s3.endpoint if plain and s3.ca_bundle is not None else None


class S3Settings(SpecModel):
    """The object store that inputs and outputs are in."""

    RULES: ClassVar = (
        Rule(
            message="certificates are for https: the endpoint must not begin with http://",
            cel=f"!has(self.caBundle) || !has(self.endpoint) || !self.endpoint.startsWith('{_PLAIN}')",
            offender=_bundle_for_plain_http,
            cel_offender="self.endpoint",
            field=".caBundle",
        ),
    )

    endpoint: Endpoint | None = None
    """The store's address, http[s]://HOST[:PORT][/PATH]. No loopback or link-local address. Absent: AWS."""
    region: Region | None = None
    """The store's region. Absent: us-east-1."""
    addressing: Addressing = Addressing.AUTO
    """Path (http://host/bucket/key), VirtualHost (http://bucket.host/key) or Auto, the default: Path where an endpoint
    is set, else VirtualHost."""
    secret_name: ObjectName | None = None
    """A Secret with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY[, AWS_SESSION_TOKEN]. The script never sees it."""
    role_arn: RoleArn | None = None
    """The role that fetch and upload assume with a token of spec.serviceAccountName (AssumeRoleWithWebIdentity), at
    AWS's STS or, where an endpoint is set that is not AWS's, at that endpoint. Absent: what the platform gives."""
    ca_bundle: CaBundle | None = None
    """The certificate authorities of an https store, instead of those of the agent's image. Not for http://."""


class S3Source(SpecModel):
    """Objects of S3."""

    uri: S3Uri
    """s3://bucket/key or s3://bucket/prefix: every object whose key begins so lands in `path`. A slash at the end
    leaves out what only shares the beginning of a name."""


class ConfigMapSource(SpecModel):
    """A ConfigMap by its name."""

    name: ObjectName
    """The ConfigMap's name, in the job's namespace."""


class JobSource(SpecModel):
    """The S3 output of another job of the namespace."""

    job: DnsLabel
    """The other job's name, in the same namespace. It need not exist yet."""
    output: DataName
    """The name of one of its outputs."""


InlineFiles = Annotated[
    dict[str, LongText],
    Field(min_length=1, max_length=16),
    keys_matching(FILE_NAME, f"a file's name {FILE_NAME_MESSAGE}"),
]


class Input(SpecModel):
    """Exactly one of s3, configMap, inline and from says where it comes from."""

    RULES: ClassVar = (exactly_one("s3", "configMap", "inline", "from"),)

    name: DataName
    """The input's name, unique among the inputs."""
    path: DataPath
    """The directory that the data lands in: absolute, normalised, below /opt/ml/. Inputs may nest."""
    s3: S3Source | None = None
    """Objects of S3."""
    config_map: ConfigMapSource | None = None
    """The keys of a ConfigMap, each as a regular, writable file."""
    inline: InlineFiles | None = None
    """Files written out here, by name: for scripts in the manifest itself. At most 16, those of all inputs together of
    at most 65536 characters."""
    from_: Annotated[JobSource | None, Field(alias="from")] = None
    """What another job has uploaded; this job waits until that one has completed."""


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
    """The object's name below `s3.uri`: model.tar.gz."""


class S3Target(SpecModel):
    """Where an output goes."""

    uri: S3Uri
    """s3://bucket/prefix that the files go below; a trailing slash makes no difference. No two outputs of a job go to
    one place, nor one below the other."""


class Output(SpecModel):
    """A directory and where it goes."""

    name: DataName
    """The output's name, unique among the outputs."""
    path: DataPath
    """The directory that is uploaded: absolute, normalised, below /opt/ml/. The script finds it there, empty. Outputs
    may not nest."""
    s3: S3Target
    """Where it goes."""
    upload_on: UploadOn = UploadOn.ALWAYS
    """Always, OnSuccess (the script exited with 0) or OnFailure (it did not). Default: Always."""
    archive: Archive | None = None
    """Upload the directory as one archive instead of file by file."""
    required: Bool = False
    """True: the job fails with OutputMissing if the directory is empty. Default: false."""
