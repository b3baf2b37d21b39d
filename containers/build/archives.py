"""Measuring the layers of an image archive."""

import json
import tarfile
import zlib
from pathlib import Path
from typing import IO

from dev.cluster.places import cache

_CHUNK = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP = 16 + zlib.MAX_WBITS


def compressed_size(archive: Path) -> int:
    """The bytes of an image's layers as a registry would keep them, compressed by gzip."""
    with tarfile.open(archive) as tar:
        files = {_target(tar, layer) for image in _manifest(tar) for layer in image["Layers"]}
        return sum(_layer_size(tar, name) for name in files)


def _manifest(tar: tarfile.TarFile) -> list[dict[str, list[str]]]:
    manifest: list[dict[str, list[str]]] = json.load(_open(tar, "manifest.json"))
    return manifest


def _target(tar: tarfile.TarFile, name: str) -> str:
    """The file of a layer: some engines write a link for a layer that another image has too."""
    member = tar.getmember(name)
    if not member.issym():
        return name
    return str((Path("/") / name).parent.joinpath(member.linkname).resolve()).removeprefix("/")


def _layer_size(tar: tarfile.TarFile, name: str) -> int:
    """The size of one layer. Its file is named by its hash: what most images share is measured once and remembered."""
    known = cache() / "layers" / name.replace("/", "-")
    if known.exists():
        return int(known.read_text())
    size = _gzip_size(_open(tar, name))
    known.parent.mkdir(parents=True, exist_ok=True)
    known.write_text(str(size))
    return size


def _open(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    file = tar.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is no file")
    return file


def _gzip_size(file: IO[bytes]) -> int:
    first = file.read(_CHUNK)
    if first.startswith(_GZIP_MAGIC):  # compressed already
        return len(first) + sum(len(chunk) for chunk in iter(lambda: file.read(_CHUNK), b""))
    packer = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
    size = len(packer.compress(first))
    for chunk in iter(lambda: file.read(_CHUNK), b""):
        size += len(packer.compress(chunk))
    return size + len(packer.flush())
