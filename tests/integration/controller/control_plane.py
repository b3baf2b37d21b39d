"""An API server of the tests' own: etcd and kube-apiserver, on free ports of the loopback device.

No kubelet, scheduler or controller touches what a test makes; the tests play them. Three users, by token: the cluster's
admin for the tests, the operator with exactly the rights of its role, and one without any.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
import yaml

from dev.cluster import build
from dev.cluster.client import ROOT, ApiError, Cluster, Object
from dev.s3 import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CRD = ROOT / "crds" / "processing-operator.dev_processingjobs.yaml"
POLICY = ROOT / "crds" / "processing-operator.dev_processingjobs_policy.yaml"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
OPERATOR = "operator"

# The operator's rights, and no more (docs/internals): a wider role in the chart would not be seen by these tests.
RULES = [
    {"apiGroups": ["processing-operator.dev"], "resources": ["processingjobs"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["processing-operator.dev"], "resources": ["processingjobs/status"], "verbs": ["patch"]},
    {"apiGroups": ["processing-operator.dev"], "resources": ["processingjobs/finalizers"], "verbs": ["update"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "create", "patch", "delete"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"]},
]
LEASE_RULE = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]}


@dataclass(frozen=True)
class ControlPlane:
    """A running API server."""

    url: str
    authority: Path
    tokens: dict[str, str]
    folder: Path

    @contextlib.contextmanager
    def cluster(self, user: str = "admin") -> Iterator[Cluster]:
        """A client."""
        with requests.Session() as session:
            session.trust_env = False
            session.verify = str(self.authority)
            session.headers["Authorization"] = f"Bearer {self.tokens[user]}"
            yield Cluster(self.url, session)

    def kubeconfig(self, user: str, server: str = "") -> Path:
        """A kubeconfig; another server's address where something stands between."""
        path = self.folder / f"{user}-{secrets.token_hex(4)}.kubeconfig"
        cluster = {"server": server or self.url, "certificate-authority": str(self.authority)}
        if server.startswith("http:"):
            del cluster["certificate-authority"]
        path.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "tests",
                    "clusters": [{"name": "tests", "cluster": cluster}],
                    "users": [{"name": user, "user": {"token": self.tokens[user]}}],
                    "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": user}}],
                }
            )
        )
        return path


@contextlib.contextmanager
def control_plane(folder: Path, *, audit: bool = False) -> Iterator[ControlPlane]:
    """Start both programs, install the CRD, its policy and the operator's role; end them by their numbers."""
    build.ensure()
    etcd_url, peer_url, port = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}", free_port()
    tokens = {user: secrets.token_hex(16) for user in ("admin", OPERATOR, "nobody")}
    plane = ControlPlane(f"https://127.0.0.1:{port}", folder / "certs" / "apiserver.crt", tokens, folder)
    with (
        _program(folder, "etcd", *_etcd(folder, etcd_url, peer_url)),
        _program(
            folder, "kube-apiserver", *_apiserver(folder, etcd_url, port, tokens), *_audit(folder, audit)
        ) as server,
    ):
        _wait_until_ready(plane, server, folder)
        with plane.cluster() as cluster:
            _install(cluster)
        yield plane


def free_port() -> int:
    """Below the ephemeral range: no connection of another test takes it before it is listened on."""
    (number,) = free_ports(1)
    return number


def _etcd(folder: Path, url: str, peer: str) -> list[str]:
    return [
        f"--data-dir={folder}/etcd",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _apiserver(folder: Path, etcd: str, port: int, tokens: dict[str, str]) -> list[str]:
    (folder / "tokens.csv").write_text(
        f'{tokens["admin"]},admin,admin,"system:masters"\n'
        f"{tokens[OPERATOR]},{OPERATOR},{OPERATOR}\n{tokens['nobody']},nobody,nobody\n"
    )
    key = folder / "sa.key"
    subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key], check=True)
    return [
        f"--etcd-servers={etcd}",
        f"--etcd-prefix=/{secrets.token_hex(4)}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder}/certs",
        f"--token-auth-file={folder}/tokens.csv",
        "--authorization-mode=RBAC",
        # nobody makes the default service accounts
        "--disable-admission-plugins=ServiceAccount",
        # as OpenShift: who makes a Pod that its job's deletion waits for needs a right on the job's finalizers
        "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
        f"--service-account-issuer=https://127.0.0.1:{port}",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--endpoint-reconciler-type=none",
        "--profiling=false",
    ]


def _audit(folder: Path, wanted: bool) -> list[str]:
    """`audit.log`: a line for every request of the operator."""
    if not wanted:
        return []
    rules = [{"level": "Metadata", "users": [OPERATOR], "omitStages": ["RequestReceived"]}, {"level": "None"}]
    policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules}
    (folder / "audit.json").write_text(json.dumps(policy))
    return [f"--audit-policy-file={folder}/audit.json", f"--audit-log-path={folder}/audit.log"]


@contextlib.contextmanager
def _program(folder: Path, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [build.bin_folder() / name, *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL, env={}
        )
        try:
            yield process
        finally:
            process.kill()  # nothing of it is kept, and asked nicely it takes its time
            process.wait()


def _wait_until_ready(plane: ControlPlane, server: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError, requests.RequestException, ApiError), plane.cluster() as cluster:
            if cluster.text("/readyz") == "ok":
                return
        time.sleep(0.1)
    raise AssertionError("kube-apiserver is not ready: " + (folder / "kube-apiserver.log").read_text()[-2000:])


def _install(cluster: Cluster) -> None:
    crd = yaml.safe_load(CRD.read_text())
    cluster.create(CRDS, crd)
    cluster.wait(CRDS, crd["metadata"]["name"], _is_established, 30, "established CRD")
    policy, binding = yaml.safe_load_all(POLICY.read_text())
    cluster.create(f"{ADMISSION}/validatingadmissionpolicies", policy)
    cluster.create(f"{ADMISSION}/validatingadmissionpolicybindings", binding)
    _grant(cluster, "operator", RULES)
    # The CRD is established a moment before its path is served.
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(ApiError):
            cluster.get("/apis/processing-operator.dev/v1alpha1/processingjobs")
            return
        time.sleep(0.05)


def _is_established(crd: Object) -> bool:
    conditions = crd.get("status", {}).get("conditions") or []
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


def _grant(cluster: Cluster, name: str, rules: list[Object]) -> None:
    meta = {"metadata": {"name": name}}
    cluster.create(f"{RBAC}/clusterroles", {**meta, "rules": rules})
    binding = {
        **meta,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": OPERATOR}],
    }
    cluster.create(f"{RBAC}/clusterrolebindings", binding)


def grant_leases(cluster: Cluster, namespace: str) -> None:
    """What the election needs besides, where the operator runs."""
    role = {"metadata": {"name": "leases"}, "rules": [LEASE_RULE]}
    cluster.create(f"{RBAC}/namespaces/{namespace}/roles", role)
    binding = {
        "metadata": {"name": "leases"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "leases"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": OPERATOR}],
    }
    cluster.create(f"{RBAC}/namespaces/{namespace}/rolebindings", binding)
