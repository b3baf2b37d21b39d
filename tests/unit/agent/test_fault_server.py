"""The server of faults is as strict as S3 where the engines rely on it; what it lets pass would prove nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.fault_server import FaultServer, Pattern
from tests.support.fault_server.content import checksum
from tests.support.s3_proxy import Gate

MIB = 1 << 20
WHERE = {"Bucket": "b", "Key": "k"}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultServer]:
    with FaultServer() as made:
        yield made


@pytest.fixture(scope="module")
def s3(server: FaultServer) -> Any:
    config = Config(
        s3={"addressing_style": "path"},
        retries={"total_max_attempts": 1},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "s", "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=server.endpoint, config=config, **keys)


def refusal(call: Any, **arguments: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as error:
        call(**WHERE, **arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def begin(s3: Any, *bodies: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Begin an upload and send its parts."""
    upload = {"UploadId": s3.create_multipart_upload(**WHERE)["UploadId"]}
    parts = []
    for number, body in enumerate(bodies, 1):
        crc = {"ChecksumCRC32C": checksum("crc32c", body)}
        sent = s3.upload_part(**WHERE, **upload, PartNumber=number, Body=body, **crc)
        parts.append({"PartNumber": number, "ETag": sent["ETag"], **crc})
    return upload, parts


def test_bodies_are_compared_with_their_checksums(s3: Any) -> None:
    assert refusal(s3.put_object, Body=b"1", ChecksumCRC32C=checksum("crc32c", b"2")) == (400, "BadDigest")
    assert refusal(s3.put_object, Body=b"1") == (400, "MissingChecksum")
    upload, _ = begin(s3)
    wrong = {"ChecksumSHA256": checksum("sha256", b"2")}
    assert refusal(s3.upload_part, Body=b"1", PartNumber=1, **upload, **wrong) == (400, "BadDigest")


@pytest.mark.parametrize("algorithm", ["crc64nvme", "crc32c", "crc32", "sha256", "sha1"])
def test_what_was_put_is_given_with_its_checksum(s3: Any, algorithm: str) -> None:
    header = f"Checksum{algorithm.upper()}"
    s3.put_object(**WHERE, Body=b"content", **{header: checksum(algorithm, b"content")})
    answer = s3.get_object(**WHERE, ChecksumMode="ENABLED")
    assert (answer["Body"].read(), answer[header]) == (b"content", checksum(algorithm, b"content"))
    assert header not in s3.get_object(**WHERE, Range="bytes=1-2", ChecksumMode="ENABLED")


def test_conditions_and_ranges(s3: Any, server: FaultServer) -> None:
    server.store.put("k", b"0123456789")
    assert s3.get_object(**WHERE, Range="bytes=8-20")["ContentRange"] == "bytes 8-9/10"
    assert s3.get_object(**WHERE, Range="bytes=3-")["Body"].read() == b"3456789"
    assert refusal(s3.get_object, Range="bytes=10-11") == (416, "InvalidRange")
    assert refusal(s3.get_object, IfMatch='"other"') == (412, "PreconditionFailed")
    assert refusal(s3.head_object, IfMatch='"other"')[0] == 412
    server.store.delete("k")
    assert refusal(s3.get_object) == (404, "NoSuchKey")


def test_an_upload_in_parts(s3: Any, server: FaultServer) -> None:
    bodies = bytes(5 * MIB), b"the last one is short"
    upload, parts = begin(s3, *bodies)
    whole = {"ChecksumCRC64NVME": checksum("crc64nvme", b"".join(bodies)), "ChecksumType": "FULL_OBJECT"}
    assert [part["Size"] for part in s3.list_parts(**WHERE, **upload)["Parts"]] == [len(body) for body in bodies]
    s3.complete_multipart_upload(**WHERE, **upload, MultipartUpload={"Parts": parts}, **whole)
    assert server.store.objects["k"].content == b"".join(bodies)
    assert server.store.objects["k"].etag.endswith('-2"')
    assert s3.head_object(**WHERE, PartNumber=1)["ContentLength"] == 5 * MIB
    again = {"MultipartUpload": {"Parts": parts}, **upload}
    assert refusal(s3.complete_multipart_upload, **again) == (404, "NoSuchUpload")


def test_an_upload_that_does_not_add_up(s3: Any, server: FaultServer) -> None:
    upload, parts = begin(s3, b"short", b"last")

    def complete(*chosen: dict[str, Any], **more: Any) -> str:
        return refusal(s3.complete_multipart_upload, MultipartUpload={"Parts": chosen}, **upload, **more)[1]

    first, last = parts
    assert complete(first, last) == "EntityTooSmall"
    assert complete(last, first) == "InvalidPartOrder"
    assert complete() == "InvalidPartOrder"
    assert complete(first, {**last, "ETag": first["ETag"]}) == "InvalidPart"
    assert complete({**first, "ChecksumCRC32C": last["ChecksumCRC32C"]}) == "InvalidPart"
    assert complete({**first, "PartNumber": 7}) == "InvalidPart"
    wrong = {"ChecksumCRC64NVME": checksum("crc64nvme", b"other"), "ChecksumType": "FULL_OBJECT"}
    assert complete(first, **wrong) == "BadDigest"
    s3.abort_multipart_upload(**WHERE, **upload)
    assert refusal(s3.list_parts, **upload) == (404, "NoSuchUpload")
    assert upload["UploadId"] not in server.uploads.open


def test_an_object_larger_than_memory(s3: Any, server: FaultServer) -> None:
    content = Pattern(20 << 30)
    server.store.put("k", content)
    at = (17 << 30) + 12345
    assert s3.head_object(**WHERE)["ContentLength"] == 20 << 30
    body = s3.get_object(**WHERE, Range=f"bytes={at}-{at + 3 * MIB - 1}")["Body"].read()
    assert body == content[at : at + 3 * MIB]
    assert body[:1000] == content[at : at + 1000]
    assert body[-1000:] == content[at + 3 * MIB - 1000 : at + 3 * MIB]


def test_every_request_is_recorded(s3: Any, server: FaultServer) -> None:
    server.store.put("k", bytes(1000))
    before = len(server.seen())
    s3.get_object(**WHERE, Range="bytes=10-19")["Body"].read()
    s3.head_object(**WHERE)  # on the same connection: what came before it is dealt with to the last line of its record
    seen, _ = server.seen()[before:]
    assert (seen.operation, seen.key, seen.range, seen.sent) == ("GetObject", "k", "bytes=10-19", 10)
    assert (seen.status, seen.whole, seen.request.scope[0]) == (206, True, "a")


def test_a_gate_holds_a_transfer(s3: Any, server: FaultServer) -> None:
    server.store.put("k", bytes(MIB))
    server.down_gate = gate = Gate(100_000)
    body = s3.get_object(**WHERE)["Body"]
    assert len(body.read(60_000)) == 60_000
    assert gate.reached.wait(5)
    gate.release()
    server.down_gate = None
    assert len(body.read()) == MIB - 60_000
