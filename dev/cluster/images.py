"""Images in the embedded cluster: the pause image, and importing archives."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterable
from pathlib import Path

from dev.cluster.commands import run
from dev.cluster.errors import ClusterError
from dev.cluster.places import BIN, CONTAINERD_SOCKET, PAUSE_IMAGE, STATE
from dev.cluster.steps import step

_CTR = (f"{BIN}/ctr", "--address", str(CONTAINERD_SOCKET), "--namespace", "k8s.io")
_EPOCH = "1970-01-01T00:00:00Z"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def ctr(*arguments: str | Path, check: bool = True) -> str:
    return run(*_CTR, *arguments, check=check).stdout


def answers() -> bool:
    return run(*_CTR, "version", check=False).returncode == 0


def present() -> set[str]:
    return set(ctr("images", "list", "--quiet").split())


def load(archive: Path) -> None:
    """Import an archive as `docker save` writes it, unless exactly this file has been imported before."""
    names = {full_name(name) for name in archive_names(archive)}
    stamp = STATE / "loaded" / f"{archive.name}.stamp"
    key = f"{archive.stat().st_size} {archive.stat().st_mtime_ns} {sorted(names)}"
    if stamp.exists() and stamp.read_text() == key and names <= present():
        return
    with step(f"loaded {', '.join(sorted(names))}"):
        ctr("images", "import", archive)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(key)


def load_pause(program: Path) -> None:
    if PAUSE_IMAGE in present():
        return
    archive = STATE / "pause.tar"
    archive.write_bytes(pause_archive(program.read_bytes()))
    load(archive)


def archive_names(archive: Path) -> list[str]:
    """The names that an archive gives its images."""
    try:
        with tarfile.open(archive) as tar, tar.extractfile("manifest.json") or io.BytesIO(b"[]") as manifest:
            return [name for image in json.load(manifest) for name in image["RepoTags"] or []]
    except (OSError, tarfile.TarError, KeyError) as error:
        raise ClusterError(f"{archive} is no image archive as `docker save` writes it: {error}") from error


def full_name(name: str) -> str:
    """The name under which a container runtime looks for an image: `docker.io/library/` is left out by users."""
    first, slash, _ = name.partition("/")
    if not slash:
        return f"docker.io/library/{name}"
    return name if "." in first or ":" in first or first == "localhost" else f"docker.io/{name}"


def pause_archive(program: bytes) -> bytes:
    """An image of one static program."""
    layer = _tar([("pause", program, 0o755)])
    config = {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "created": _EPOCH,
        "config": {"Entrypoint": ["/pause"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created": _EPOCH}],
    }
    manifest = [{"Config": "config.json", "RepoTags": [PAUSE_IMAGE], "Layers": ["layer.tar"]}]
    files = {"config.json": json.dumps(config).encode(), "manifest.json": json.dumps(manifest).encode()}
    return _tar([*((name, data, 0o644) for name, data in files.items()), ("layer.tar", layer, 0o644)])


def _tar(files: Iterable[tuple[str, bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data, mode in files:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), mode
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
