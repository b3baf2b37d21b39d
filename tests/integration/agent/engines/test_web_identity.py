"""The exchange of a web identity with a real STS, SeaweedFS's: a token of a service account for the keys of a role."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.s3 import REGION, SeaweedFS
from processing_agent import copy
from processing_agent.s3.faults import Kind, StoreFault
from tests.integration.agent.pod import Pod
from tests.support.oidc import AUDIENCE, Issuer

SUBJECT = "system:serviceaccount:team:mover"
ROLE = "arn:aws:iam::111122223333:role/mover"
BUCKET, OTHER = "data", "other"
OF_THE_BUCKET = ["s3:ListBucket", "s3:ListBucketMultipartUploads"]
OF_ITS_OBJECTS = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]


def allow(actions: list[str], **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, **more}]}


def configuration(issuer: Issuer) -> dict[str, Any]:
    """SeaweedFS's `-s3.iam.config`: who vouches for tokens, and which role a subject may take."""
    rights = allow(OF_THE_BUCKET, Resource=[f"arn:aws:s3:::{BUCKET}"])
    rights["Statement"] += allow(OF_ITS_OBJECTS, Resource=[f"arn:aws:s3:::{BUCKET}/*"])["Statement"]
    trust = allow(
        ["sts:AssumeRoleWithWebIdentity"],
        Principal={"Federated": "cluster"},
        Condition={"StringEquals": {"oidc:sub": SUBJECT}},
    )
    role = {"roleName": "mover", "roleArn": ROLE, "attachedPolicies": ["data"], "trustPolicy": trust}
    return {
        "sts": {"tokenDuration": "1h", "issuer": "seaweedfs-sts", "signingKey": base64.b64encode(bytes(32)).decode()},
        "policy": {"defaultEffect": "Deny", "storeType": "memory"},
        "providers": [
            {
                "name": "cluster",
                "type": "oidc",
                "enabled": True,
                "config": {"issuer": issuer.url, "clientId": AUDIENCE},
            }
        ],
        "policies": [{"name": "data", "document": rights}],
        "roles": [role],
    }


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with Issuer(tmp_path_factory.mktemp("issuer")) as made:
        yield made


@pytest.fixture(scope="module")
def sts(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    directory = tmp_path_factory.mktemp("sts")
    path = directory / "iam.json"
    path.write_text(json.dumps(configuration(issuer)))
    with SeaweedFS(directory, options=(f"-s3.iam.config={path}",)) as server:
        for name in (BUCKET, OTHER):
            server.client().create_bucket(Bucket=name)
        yield server


@pytest.fixture
def settings(sts: SeaweedFS, issuer: Issuer, tmp_path: Path) -> dict[str, str]:
    token = tmp_path / "token"
    token.write_text(issuer.token(SUBJECT))
    return {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_ROLE_ARN": ROLE,
        "AWS_ENDPOINT_URL_STS": sts.endpoint,
        "AWS_REGION": REGION,
    }


@pytest.fixture
def role(settings: dict[str, str], no_keys: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The variables as a Pod's container has them."""
    for name, value in settings.items():
        no_keys.setenv(name, value)
    return no_keys


@pytest.mark.usefixtures("role")
def test_there_and_back(sts: SeaweedFS, tmp_path: Path) -> None:
    source, target, prefix = tmp_path / "source", tmp_path / "target", uuid.uuid4().hex
    source.mkdir()
    files = {"a": b"1", "b": bytes(70_000), "large": bytes(20 << 20)}
    for name, content in files.items():
        (source / name).write_bytes(content)
    sent = copy.upload(source, f"s3://{BUCKET}/{prefix}/", endpoint=sts.endpoint, addressing="Path")
    got = copy.download(f"s3://{BUCKET}/{prefix}/", target, endpoint=sts.endpoint, addressing="Path")
    assert sent.objects == got.objects == len(files)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == files


@pytest.mark.usefixtures("role", "impatience")
def test_what_the_role_may_not(sts: SeaweedFS, tmp_path: Path) -> None:
    with pytest.raises(StoreFault, match="AccessDenied") as fault:
        copy.download(f"s3://{OTHER}/", tmp_path, endpoint=sts.endpoint, addressing="Path")
    assert (fault.value.kind, fault.value.bucket) == (Kind.DENIED, OTHER)


@pytest.mark.usefixtures("role", "impatience")
def test_whom_the_role_does_not_trust(sts: SeaweedFS, issuer: Issuer, settings: dict[str, str], tmp_path: Path) -> None:
    token = issuer.token(f"{SUBJECT}s")
    Path(settings["AWS_WEB_IDENTITY_TOKEN_FILE"]).write_text(token)
    with pytest.raises(StoreFault, match="HTTP 403, AccessDenied") as fault:
        copy.download(f"s3://{BUCKET}/", tmp_path, endpoint=sts.endpoint, addressing="Path")
    assert fault.value.kind is Kind.DENIED
    assert token not in repr(fault.value)


@pytest.mark.usefixtures("role", "impatience")
def test_a_token_for_somebody_else(sts: SeaweedFS, issuer: Issuer, settings: dict[str, str], tmp_path: Path) -> None:
    Path(settings["AWS_WEB_IDENTITY_TOKEN_FILE"]).write_text(issuer.token(SUBJECT, "somebody.else"))
    with pytest.raises(StoreFault, match="HTTP 400, InvalidParameterValue"):
        copy.download(f"s3://{BUCKET}/", tmp_path, endpoint=sts.endpoint, addressing="Path")


@pytest.mark.parametrize(("bucket", "reason"), [(BUCKET, ""), (OTHER, "InputAccessDenied")])
def test_inputs_of_a_pod(sts: SeaweedFS, settings: dict[str, str], tmp_path: Path, bucket: str, reason: str) -> None:
    sts.client().put_object(Bucket=bucket, Key="in/x", Body=b"1")
    pod = Pod(tmp_path / "pod", sts.endpoint, environment=settings)
    token = pod.write("/run/processing/web-identity/token", Path(settings["AWS_WEB_IDENTITY_TOKEN_FILE"]).read_bytes())
    settings["AWS_WEB_IDENTITY_TOKEN_FILE"] = str(token)
    del pod.plan["s3"]["secretName"]
    pod.input(f"s3://{bucket}/in/")
    ended = pod.run("fetch")
    assert ended.reason == reason, ended.text
    assert f"s3://{OTHER}/" in ended.message or not reason
