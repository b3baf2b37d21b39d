import io
import json
import tarfile
from pathlib import Path

import pytest

from dev.cluster import images
from dev.cluster.errors import ClusterError
from dev.cluster.places import PAUSE_IMAGE


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("processing-agent:0.1.0", "docker.io/library/processing-agent:0.1.0"),
        ("someone/image:1", "docker.io/someone/image:1"),
        ("localhost/pause:1", "localhost/pause:1"),
        ("ghcr.io/someone/image:1", "ghcr.io/someone/image:1"),
        ("registry:5000/image:1", "registry:5000/image:1"),
    ],
)
def test_full_name(name: str, full: str) -> None:
    assert images.full_name(name) == full


def test_pause_archive_holds_the_program(tmp_path: Path) -> None:
    archive = tmp_path / "pause.tar"
    archive.write_bytes(images.pause_archive(b"program"))
    assert images.archive_names(archive) == [PAUSE_IMAGE]
    with tarfile.open(archive) as tar:
        manifest = json.loads(_member(tar, "manifest.json"))
        layer = _member(tar, manifest[0]["Layers"][0])
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        assert tar.getmember("pause").mode == 0o755
        assert _member(tar, "pause") == b"program"


def test_what_is_no_archive_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_text("no archive")
    with pytest.raises(ClusterError, match=r"image\.tar is no image archive"):
        images.archive_names(path)


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file
    return file.read()
