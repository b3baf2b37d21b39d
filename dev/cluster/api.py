"""Asking the embedded cluster's API server and DNS, as far as `up` has to wait for them."""

import functools
import json
import socket
import ssl
import struct
import urllib.request
from http import HTTPStatus
from typing import Any

from dev.cluster.places import API, CLUSTER_DOMAIN, NODE, NODE_ADDRESS, PKI

_SECONDS = 5.0


@functools.cache
def _opener() -> urllib.request.OpenerDirector:
    context = ssl.create_default_context(cafile=str(PKI / "ca.crt"))
    context.load_cert_chain(PKI / "admin.crt", PKI / "admin.key")
    no_proxy = urllib.request.ProxyHandler({})
    return urllib.request.build_opener(no_proxy, urllib.request.HTTPSHandler(context=context))


def get(path: str) -> bytes:
    """The answer to a GET as the cluster's admin; OSError if there is none or it is an error."""
    with _opener().open(API + path, timeout=_SECONDS) as answer:
        body: bytes = answer.read()
        return body


def get_json(path: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(get(path))
    return answer


def server_ready() -> bool:
    return get("/readyz") == b"ok"


def node_ready() -> bool:
    conditions = get_json(f"/api/v1/nodes/{NODE}")["status"]["conditions"]
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def kubelet_healthy() -> bool:
    with _opener().open("http://127.0.0.1:10248/healthz", timeout=_SECONDS) as answer:
        return bool(answer.status == HTTPStatus.OK)


def lease_renewed(since: str) -> bool:
    """Whether the kubelet has renewed its lease since a time (RFC 3339, UTC)."""
    lease = get_json(f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{NODE}")
    renewed: str = lease["spec"]["renewTime"]
    return renewed > since


def default_account_exists() -> bool:
    return bool(get("/api/v1/namespaces/default/serviceaccounts/default"))


def name_resolves(name: str = f"kubernetes.default.svc.{CLUSTER_DOMAIN}") -> bool:
    """Whether the cluster's DNS has an A record for a name (RFC 1035)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack(">6H", 1, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1.0)
        client.connect((NODE_ADDRESS, 53))
        client.send(query)
        answers: int = struct.unpack(">6H", client.recv(512)[:12])[3]
    return answers > 0
