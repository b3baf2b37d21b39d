"""A CA made on the spot and a certificate of it for one address."""

from __future__ import annotations

from pathlib import Path

from dev.cluster.commands import run

_DAYS = "2"


def make(folder: Path, address: str = "127.0.0.1") -> Path:
    """Write cert.pem and key.pem of a server on that address; give the CA's path.

    Raises:
        ClusterError: openssl failed.
    """
    folder.mkdir(parents=True)
    ca, ca_key, key, request = (folder / name for name in ("ca.pem", "ca.key", "key.pem", "request.pem"))
    usage = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    run(
        "openssl",
        "req",
        "-x509",
        *curve,
        "-keyout",
        ca_key,
        "-out",
        ca,
        "-subj",
        "/CN=test CA",
        "-days",
        _DAYS,
        *usage,
    )
    run("openssl", "req", *curve, "-keyout", key, "-out", request, "-subj", f"/CN={address}")
    names = folder / "names"
    names.write_text(f"subjectAltName=IP:{address},DNS:localhost\nextendedKeyUsage=serverAuth\n")
    sign = ("openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial")
    run(*sign, "-days", _DAYS, "-extfile", names, "-out", folder / "cert.pem")
    return ca
