"""Certificates that vouch for themselves, made by openssl: an authority of one's own."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make(folder: Path, *names: str) -> tuple[Path, Path]:
    """Make a key and a certificate for names and addresses; give both files."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subject = ",".join(f"{'IP' if name[-1].isdigit() else 'DNS'}:{name}" for name in names)
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={subject}",
            "-addext", "keyUsage=critical,digitalSignature,keyCertSign", "-keyout", key, "-out", certificate,
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return key, certificate
