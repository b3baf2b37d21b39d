"""What an object is compared with, and the shell's copy."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from dev.s3 import ADMIN, READER
from processing_agent import copy
from processing_agent.copy import CopyFailed
from processing_agent.download import NothingFound
from processing_agent.s3.faults import Kind, StoreFault

if TYPE_CHECKING:
    from pathlib import Path

    from dev.s3 import SeaweedFS
    from processing_agent.progress import Counts

MIB = 1 << 20


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch, store: SeaweedFS) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", store.endpoint)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    use(monkeypatch, ADMIN)


def use(monkeypatch: pytest.MonkeyPatch, keys: tuple[str, str]) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys[1])


def in_parts(s3: Any, bucket: str, key: str, sizes: list[int], kind: tuple[str, str]) -> bytes:
    algorithm, form = kind
    whole = random.Random(key).randbytes(sum(sizes))  # noqa: S311 - the same each time
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, ChecksumAlgorithm=algorithm, ChecksumType=form)
    parts, at = [], 0
    for number, size in enumerate(sizes, 1):
        body, at = whole[at : at + size], at + size
        sent = s3.upload_part(
            Bucket=bucket, Key=key, UploadId=upload["UploadId"], PartNumber=number, Body=body,
            ChecksumAlgorithm=algorithm,
        )  # fmt: skip
        checksum = f"Checksum{algorithm}"
        parts.append({"PartNumber": number, "ETag": sent["ETag"], checksum: sent[checksum]})
    s3.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload["UploadId"], MultipartUpload={"Parts": parts}, ChecksumType=form
    )
    return whole


@pytest.mark.parametrize(
    ("sizes", "kind"),
    [
        ([5 * MIB, MIB], ("CRC32C", "COMPOSITE")),
        ([6 * MIB, 6 * MIB, 100], ("CRC32C", "COMPOSITE")),
        ([6 * MIB, 5 * MIB, 7 * MIB], ("SHA256", "COMPOSITE")),
        ([5 * MIB, 6 * MIB], ("CRC64NVME", "FULL_OBJECT")),
    ],
)
def test_checksums_of_objects_in_parts(
    s3: Any, bucket: str, tmp_path: Path, sizes: list[int], kind: tuple[str, str]
) -> None:
    whole = in_parts(s3, bucket, "x", sizes, kind)
    summary = copy.download(f"s3://{bucket}/x", tmp_path)
    assert (tmp_path / "x").read_bytes() == whole
    assert summary.verified == {kind[0]: 1}


def test_an_object_without_a_checksum_is_compared_by_its_md5(store: SeaweedFS, bucket: str, tmp_path: Path) -> None:
    plain = store.client(request_checksum_calculation="when_required")
    plain.put_object(Bucket=bucket, Key="plain", Body=b"no checksum")
    assert copy.download(f"s3://{bucket}/plain", tmp_path).verified == {"MD5": 1}


def test_a_tree_there_and_back(bucket: str, tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    files = {"x/y.csv": b"1", "z": bytes(9 * MIB), "é \n%": b"", "x/w": b"2"}
    for name, content in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    (source / "link").symlink_to("/etc/passwd")
    seen: list[Counts] = []
    up = copy.upload(source, f"s3://{bucket}/tree/", progress=seen.append)
    assert (up.objects, up.bytes, up.skipped) == (4, 9 * MIB + 2, {"symbolic link": 1})
    assert (seen[-1].objects, seen[-1].bytes) == (4, 9 * MIB + 2)
    down = copy.download(f"s3://{bucket}/tree", target)
    assert (down.objects, down.bytes, down.verified) == (4, 9 * MIB + 2, {"CRC64NVME": 4})
    assert {str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()} == files
    assert sorted(p.name for p in target.iterdir()) == ["x", "z", "é \n%"]


def test_one_file(store: SeaweedFS, bucket: str, tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_bytes(b"1,2")
    (tmp_path / "named").symlink_to(file)
    copy.upload(file, f"s3://{bucket}/d/")
    copy.upload(file, f"s3://{bucket}/d/other.csv")
    copy.upload(tmp_path / "named", f"s3://{bucket}")
    assert store.objects(bucket) == {"d/f.csv": 3, "d/other.csv": 3, "named": 3}
    copy.download(f"s3://{bucket}/d/other.csv", tmp_path / "back")
    assert [p.name for p in (tmp_path / "back").iterdir()] == ["other.csv"]


def test_what_goes_wrong_in_a_shell(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NothingFound, match="nothing"):
        copy.download(f"s3://{bucket}/nothing", tmp_path)
    with pytest.raises(StoreFault) as fault:
        copy.download("s3://Not_A_Bucket/x", tmp_path)
    assert fault.value.kind is Kind.NO_BUCKET
    with pytest.raises(FileNotFoundError):
        copy.upload(tmp_path / "missing", f"s3://{bucket}/")
    (tmp_path / "f").write_bytes(b"1")
    use(monkeypatch, READER)
    with pytest.raises(CopyFailed, match="HTTP 403, AccessDenied") as failed:
        copy.upload(tmp_path / "f", f"s3://{bucket}/")
    assert failed.value.summary.objects == 0
