"""A store of one's own beside the cluster: https with an authority of its own, and an STS that trusts the cluster.

The cluster's API server issues the ServiceAccounts' tokens; the store fetches its keys from there (OpenID Connect
discovery), as AWS does from EKS.
"""

from __future__ import annotations

import base64
import json
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev import authority
from dev.cluster.client import Cluster
from dev.cluster.places import NODE_ADDRESS
from dev.s3 import REGION, SeaweedFS, free_ports
from tests.e2e.space import BUCKET, Space

BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
ROLE_NAME = "mover"
ROLE = f"arn:aws:iam::111122223333:role/{ROLE_NAME}"
TRUSTED = "mover"  # the ServiceAccount that may assume the role, in whatever namespace


@dataclass
class OwnStore:
    """One store with a namespace's Space that uses it."""

    space: Space
    https: str
    ca: str

    def settings(self, **more: Any) -> dict[str, Any]:
        """A job's `s3` block."""
        return {"endpoint": self.space.endpoint, "region": REGION, "addressing": "Path", **more}

    def account(self, name: str) -> None:
        """Make a ServiceAccount."""
        path = f"/api/v1/namespaces/{self.space.namespace}/serviceaccounts"
        self.space.cluster.create(path, {"metadata": {"name": name}})


@contextmanager
def start(cluster: Cluster, folder: Path, access: dict[str, str]) -> Iterator[OwnStore]:
    """Run it where Pods reach it."""
    (https,) = free_ports(1)
    ca = authority.make(folder / "tls", NODE_ADDRESS)
    settings = folder / "iam.json"
    settings.write_text(json.dumps(_iam(cluster)))
    options = (
        f"-s3.iam.config={settings}",
        f"-s3.port.https={https}",
        f"-s3.cert.file={ca.with_name('cert.pem')}",
        f"-s3.key.file={ca.with_name('key.pem')}",
    )
    with _readable_keys(cluster), SeaweedFS(folder, host=NODE_ADDRESS, options=options) as store:
        client = store.client()
        client.create_bucket(Bucket=BUCKET)
        space = Space(cluster, store.endpoint, s3=client)
        space.open(access)
        yield OwnStore(space, f"https://{NODE_ADDRESS}:{https}", ca.read_text())
        space.close()


@contextmanager
def _readable_keys(cluster: Cluster) -> Iterator[None]:
    """Let anybody read the keys that tokens are checked with, as every cluster does that a store or cloud trusts."""
    name = f"e2e-issuer-{uuid.uuid4().hex[:8]}"
    group = "rbac.authorization.k8s.io"
    role = {"apiGroup": group, "kind": "ClusterRole", "name": "system:service-account-issuer-discovery"}
    subjects = [{"apiGroup": group, "kind": "Group", "name": "system:unauthenticated"}]
    cluster.create(BINDINGS, {"metadata": {"name": name}, "roleRef": role, "subjects": subjects})
    yield
    cluster.delete(f"{BINDINGS}/{name}")


def _iam(cluster: Cluster) -> dict[str, Any]:
    """SeaweedFS's roles: one that a ServiceAccount may assume, and what it may do then."""
    issuer = cluster.get("/.well-known/openid-configuration")["issuer"]
    provider = {"issuer": issuer, "clientId": "sts.amazonaws.com", "tlsCaCert": str(cluster.session.verify)}
    subject = {"StringLike": {"oidc:sub": f"system:serviceaccount:*:{TRUSTED}"}}
    trust = _allow(["sts:AssumeRoleWithWebIdentity"], Principal={"Federated": "cluster"}, Condition=subject)
    rights = _allow(["s3:*"], Resource=[f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"])
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    return {
        "sts": {"tokenDuration": "1h", "maxSessionLength": "12h", "issuer": "seaweedfs-sts", "signingKey": key},
        "policy": {"defaultEffect": "Deny", "storeType": "memory"},
        "providers": [{"name": "cluster", "type": "oidc", "enabled": True, "config": provider}],
        "policies": [{"name": "data", "document": rights}],
        "roles": [{"roleName": ROLE_NAME, "roleArn": ROLE, "attachedPolicies": ["data"], "trustPolicy": trust}],
    }


def _allow(actions: list[str], **more: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, **more}]}
