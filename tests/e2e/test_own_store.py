"""A store of one's own: keys by a ServiceAccount's token, https by an authority of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.cluster.client import ROOT, Cluster
from dev.install import CREDENTIALS
from dev.s3 import ADMIN
from tests.e2e import own_store
from tests.e2e.own_store import ROLE, TRUSTED, OwnStore
from tests.e2e.space import BUCKET, KUBELET_SAYS
from tests.e2e.test_docs import blocks

OUT = "/opt/ml/processing/out"
# what the script finds of credentials: variables, files, and the token that Kubernetes would mount by itself
LOOK = f"""
env | grep ^AWS_ | cut -d= -f1 | sort > {OUT}/variables
ls /run/processing > {OUT}/directories
cat /run/processing/*/token /var/run/secrets/*/*/token > {OUT}/tokens 2> {OUT}/errors || true
cat /opt/ml/processing/in/a > {OUT}/a
"""
DIRECTORIES = ["bin", "control", "signal"]
KEYS = dict(zip(CREDENTIALS, ADMIN, strict=True))
BUNDLE = {"configMapKeyRef": {"name": "store-ca", "key": "root.pem"}}


@pytest.fixture
def store(cluster: Cluster, tmp_path: Path) -> Iterator[OwnStore]:
    with own_store.start(cluster, tmp_path, KEYS) as started:
        yield started


def test_keys_of_a_role_by_the_clusters_own_token(store: OwnStore) -> None:
    space = store.space
    store.account(TRUSTED)
    space.put("in/a", "1")
    s3 = store.settings(roleArn=ROLE)
    inputs = [space.input("in", "in", space.uri("in"))]
    space.apply("role", LOOK, serviceAccountName=TRUSTED, s3=s3, inputs=inputs, outputs=[space.output("out")])
    space.ended("role", "Completed")
    found = {name: space.read(f"out/out/{name}").decode().split() for name in ("a", "variables", "directories")}
    assert found == {"a": ["1"], "variables": ["AWS_DEFAULT_REGION", "AWS_REGION"], "directories": DIRECTORIES}
    assert space.read("out/out/tokens") == b""
    assert space.pod_of("role")["spec"]["serviceAccountName"] == TRUSTED


def test_a_role_that_does_not_trust_the_account(store: OwnStore) -> None:
    space = store.space
    store.account("stranger")
    s3 = store.settings(roleArn=ROLE)
    inputs = [space.input("in", "in", space.put("in/a", "1"))]
    space.apply("role", "true", serviceAccountName="stranger", s3=s3, inputs=inputs)
    status = space.ended("role", "Failed", "InputAccessDenied")
    assert ROLE in status["message"]
    assert "trust policy" in status["message"]


def test_certificates_that_come_late_are_used(store: OwnStore) -> None:
    space = store.space
    s3 = store.settings(endpoint=store.https, secretName="s3-credentials", caBundle=BUNDLE)
    inputs = [space.input("in", "in", space.put("in/a", "1"))]
    space.apply("tls", f"cp /opt/ml/processing/in/a {OUT}", s3=s3, inputs=inputs, outputs=[space.output("out")])
    space.wait_for("tls", lambda job: "store-ca" in job.get("status", {}).get("message", ""), "message naming it")
    assert space.job("tls")["status"]["state"] == "Pending"
    space.config_map("store-ca", {"root.pem": store.ca})
    space.ended("tls", "Completed")
    assert space.read("out/out/a") == b"1"


def test_the_job_of_the_docs(store: OwnStore) -> None:
    """A role over https, whose STS is behind the same certificate; only the address is the store's of this test."""
    space = store.space
    store.account(TRUSTED)
    space.config_map("store-ca", {"ca.crt": store.ca})
    space.s3.put_object(Bucket=BUCKET, Key="words/a", Body=b"1")
    _, manifest = blocks(ROOT / "docs" / "jobs.md", "yaml")
    space.cluster.create(space.jobs, yaml.safe_load(manifest.replace("https://s3.example.com:9000", store.https)))
    space.ended("by-role", "Completed")
    assert space.s3.get_object(Bucket=BUCKET, Key="runs/copy/a")["Body"].read() == b"1"


def test_certificates_that_are_missing_or_wrong(store: OwnStore) -> None:
    space = store.space
    space.config_map("no-key", {"other": store.ca})
    space.config_map("no-pem", {"root.pem": "none"})
    cases = [
        # the field, the reason, what the message names
        (None, "StoreUnavailable", ["certificate", "s3.caBundle"]),
        ("no-pem", "StoreUnavailable", ["'no-pem'", "'root.pem'", "BEGIN CERTIFICATE"]),
        ("no-key", "ConfigMapNotFound", ["'no-key'", "'root.pem'", "other"]),
    ]
    inputs = [space.input("in", "in", space.put("in/a", "1"))]
    for name, reason, _ in cases:
        bundle = {} if name is None else {"caBundle": {"configMapKeyRef": {"name": name, "key": "root.pem"}}}
        s3 = store.settings(endpoint=store.https, secretName="s3-credentials", **bundle)
        limit: dict[str, Any] = {"timeouts": {"pendingSeconds": KUBELET_SAYS}} if reason == "ConfigMapNotFound" else {}
        space.apply(name or "none", "true", s3=s3, inputs=inputs, **limit)
    for name, reason, words in cases:
        status = space.ended(name or "none", "Failed", reason)
        assert [word for word in words if word not in status["message"]] == [], status["message"]
