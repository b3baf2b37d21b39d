import gzip
import io
import json
import re
import tarfile
from pathlib import Path

import pytest
import yaml

from containers.build import archives, building, debian
from containers.build.catalog import IMAGES, ROOT
from containers.build.parts import Folder, tree_hash


@pytest.mark.parametrize("key", IMAGES)
def test_every_image_has_its_dockerfile(key: str) -> None:
    text = (ROOT / IMAGES[key].dockerfile).read_text()
    base = re.findall(r"^FROM (\S+)", text, re.MULTILINE)[0]
    assert base == (IMAGES[IMAGES[key].base].name if IMAGES[key].base else debian.BASE)


def test_examples_use_images_that_are_built() -> None:
    built = {image.name for image in IMAGES.values()}
    used = {yaml.safe_load((ROOT / "examples" / "helm" / "values.yaml").read_text())["image"]}
    for path in (ROOT / "examples").rglob("*.yaml"):
        if "templates" in path.parts:  # of a chart: no YAML yet
            continue
        for document in yaml.safe_load_all(path.read_text()):
            if isinstance(document, dict) and document.get("kind") == "ProcessingJob":
                used.add(document["spec"]["image"])
    assert used <= built


def test_an_image_follows_the_one_it_is_built_from() -> None:
    assert [image.key for image in building.with_bases(["census", "agent", "sklearn"])] == [
        "sklearn",
        "census",
        "agent",
    ]


def test_the_machines_package_source_is_found(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(
        "# deb http://commented.test/debian bookworm main\n"
        "deb-src http://source.test/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://one.test/debian bookworm main contrib # why\n"
    )
    (tmp_path / "sources.list.d" / "debian.sources").write_text(
        "Types: deb\n# Suites: old\nURIs: http://two.test/debian\nSuites: trixie trixie-updates\nComponents: main\n\n"
        "Types: deb\nEnabled: no\nURIs: http://three.test/debian\nSuites: trixie\nComponents: main\n"
    )
    assert list(debian.machine_sources(tmp_path)) == [
        debian.Source("http://one.test/debian", ("bookworm",), ("main", "contrib")),
        debian.Source("http://two.test/debian", ("trixie", "trixie-updates"), ("main",)),
    ]


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("deb http://debian.test/debian bookworm main", "http://debian.test/debian"),
        ("deb http://vendor.test/apt vendor-bookworm main", ""),
        ("deb http://ubuntu.test/ubuntu noble main", ""),
        ("deb http://vendor.test/apt stable stable", ""),
    ],
)
def test_only_debians_own_archive_is_taken(
    line: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "_APT", tmp_path)
    (tmp_path / "sources.list").write_text(line + "\n")
    assert debian.mirror() == address


def test_layers_are_measured_compressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PJ_CACHE", str(tmp_path / "cache"))
    plain, packed = b"a" * 100_000, gzip.compress(b"b" * 100_000)
    archive = tmp_path / "image.tar"
    with tarfile.open(archive, "w") as tar:
        _add(tar, "manifest.json", json.dumps([{"Layers": ["1.tar", "2.tar", "again/layer.tar"]}]).encode())
        _add(tar, "1.tar", plain)
        _add(tar, "2.tar", packed)
        link = tarfile.TarInfo("again/layer.tar")
        link.type, link.linkname = tarfile.SYMTYPE, "../1.tar"
        tar.addfile(link)
    size = archives.compressed_size(archive)
    assert len(packed) < size < len(packed) + 1000
    assert archives.compressed_size(archive) == size


def test_a_part_changes_with_its_files(tmp_path: Path) -> None:
    script = tmp_path / "scripts" / "train.py"
    script.parent.mkdir()
    script.write_text("print(1)")
    part = Folder(script.parent, "scripts")
    before = part.key()
    script.chmod(0o755)
    executable = part.key()
    script.write_text("print(2)")
    assert len({before, executable, part.key()}) == 3


def test_what_python_leaves_behind_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    before = tree_hash(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("")
    assert tree_hash(tmp_path) == before


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
