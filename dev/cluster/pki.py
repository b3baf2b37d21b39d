"""Certificates and kubeconfigs of the embedded cluster, made once (0.3 s) and kept with its state.

Python 3.13 and newer check certificates strictly (RFC 5280): an authority must say what its key is for, and every
certificate must name its own key and its authority's.
"""

import base64
import hashlib
import json
from pathlib import Path

from dev.cluster.commands import output, run
from dev.cluster.places import API, CONF, NODE, NODE_ADDRESS, PKI, SERVICE_API

_DAYS = "3650"
_SERVER_NAMES = (
    f"subjectAltName=IP:127.0.0.1,IP:{NODE_ADDRESS},IP:{SERVICE_API},DNS:localhost,DNS:kubernetes,"
    "DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"
)
_CLIENT = "extendedKeyUsage=clientAuth"
_AUTHORITY = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign", "subjectKeyIdentifier=hash")
_LEAF = (
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
    "subjectKeyIdentifier=hash",
    "authorityKeyIdentifier=keyid",
)
# name of the file: subject, extensions
_CERTIFICATES = {
    "apiserver": ("/CN=kube-apiserver", f"{_SERVER_NAMES}\nextendedKeyUsage=serverAuth"),
    "apiserver-kubelet": ("/O=system:masters/CN=kube-apiserver-kubelet-client", _CLIENT),
    "admin": ("/O=system:masters/CN=admin", _CLIENT),
    "kube-controller-manager": ("/CN=system:kube-controller-manager", _CLIENT),
    "kube-scheduler": ("/CN=system:kube-scheduler", _CLIENT),
    "kube-proxy": ("/CN=system:kube-proxy", _CLIENT),
    "kubelet": (f"/O=system:nodes/CN=system:node:{NODE}", _CLIENT),
}
_USERS = ("admin", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet")


def ensure() -> None:
    """Make what is missing or was made by another recipe than the present one."""
    recipe = hashlib.sha256(repr((_CERTIFICATES, _AUTHORITY, _LEAF)).encode()).hexdigest()
    done = PKI / "done"
    if done.exists() and done.read_text() == recipe:
        return
    PKI.mkdir(mode=0o700, parents=True, exist_ok=True)
    _make_authority("ca")
    # No aggregated API is served, but without this authority controllers log "missing content for CA bundle" for ever.
    _make_authority("front-ca")
    _make_key("sa")
    run("openssl", "ec", "-in", PKI / "sa.key", "-pubout", "-out", PKI / "sa.pub")
    for name, (subject, extensions) in _CERTIFICATES.items():
        _make_certificate(name, subject, extensions)
    CONF.mkdir(parents=True, exist_ok=True)
    for name in _USERS:
        write_private(CONF / f"{name}.kubeconfig", kubeconfig(name))
    done.write_text(recipe)


def kubeconfig(name: str) -> str:
    """A kubeconfig for one user that holds its certificates itself, so that it can be copied."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "processing-operator",
            "clusters": [
                {
                    "name": "processing-operator",
                    "cluster": {"server": API, "certificate-authority-data": _base64(PKI / "ca.crt")},
                }
            ],
            "users": [
                {
                    "name": name,
                    "user": {
                        "client-certificate-data": _base64(PKI / f"{name}.crt"),
                        "client-key-data": _base64(PKI / f"{name}.key"),
                    },
                }
            ],
            "contexts": [{"name": "processing-operator", "context": {"cluster": "processing-operator", "user": name}}],
        },
        indent=1,
    )


def write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _make_key(name: str) -> None:
    run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", PKI / f"{name}.key")


def _make_authority(name: str) -> None:
    _make_key(name)
    key, out = PKI / f"{name}.key", PKI / f"{name}.crt"
    configuration = PKI / f"{name}.cnf"
    configuration.write_text("\n".join(["[req]", "distinguished_name=none", "[none]", "[authority]", *_AUTHORITY, ""]))
    what = ("-config", configuration, "-extensions", "authority", "-subj", f"/CN=processing-operator-{name}")
    run("openssl", "req", "-x509", "-new", "-key", key, "-sha256", "-days", _DAYS, *what, "-out", out)


def _make_certificate(name: str, subject: str, extensions: str) -> None:
    _make_key(name)
    request = output("openssl", "req", "-new", "-key", PKI / f"{name}.key", "-subj", subject)
    extensions_file = PKI / f"{name}.ext"
    extensions_file.write_text("\n".join([*_LEAF, extensions, ""]))
    sign = ("openssl", "x509", "-req", "-CA", PKI / "ca.crt", "-CAkey", PKI / "ca.key", "-CAcreateserial")
    out = ("-days", _DAYS, "-sha256", "-extfile", extensions_file, "-out", PKI / f"{name}.crt")
    run(*sign, *out, text=request)
