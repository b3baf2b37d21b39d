"""The library awscrt as one would use it: python with_awscrt.py down|up ENDPOINT BUCKET PREFIX FOLDER."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Semaphore
from typing import Any
from urllib.parse import quote

from awscrt import auth, http, io, s3

AT_ONCE = 64
KEY, NEXT = re.compile(rb"<Key>(.*?)</Key>"), re.compile(rb"<NextContinuationToken>(.*?)<")


class Store:
    """One client and the bucket it talks to."""

    def __init__(self, endpoint: str, bucket: str) -> None:
        scheme, self._host = endpoint.split("://")
        self._bucket = bucket
        bootstrap = io.ClientBootstrap(io.EventLoopGroup(), io.DefaultHostResolver(io.EventLoopGroup(1)))
        keys = auth.AwsCredentialsProvider.new_environment()
        signing = s3.create_default_s3_signing_config(region=os.environ["AWS_REGION"], credential_provider=keys)
        settings: dict[str, Any] = {"tls_mode": s3.S3RequestTlsMode.DISABLED}
        if scheme == "https":
            context = io.TlsContextOptions()
            context.override_default_trust_store_from_path(None, os.environ["AWS_CA_BUNDLE"])
            connection = io.ClientTlsContext(context).new_connection_options()
            settings = {"tls_mode": s3.S3RequestTlsMode.ENABLED, "tls_connection_options": connection}
        region = os.environ["AWS_REGION"]
        self._client = s3.S3Client(bootstrap=bootstrap, region=region, signing_config=signing, **settings)
        self._gate = Semaphore(AT_ONCE)

    def request(self, method: str, target: str, headers: list[tuple[str, str]], **what: Any) -> Any:
        """Begin a request; its result comes by `finished_future`."""
        self._gate.acquire()
        words = http.HttpRequest(method, f"/{self._bucket}{target}", http.HttpHeaders([("Host", self._host), *headers]))
        begun = self._client.make_request(request=words, on_done=lambda **_: self._gate.release(), **what)
        return begun.finished_future

    def keys(self, prefix: str) -> Iterator[str]:
        """List a prefix, page by page."""
        token = ""
        while True:
            body = bytearray()
            query = f"/?{token}list-type=2&prefix={quote(prefix, safe='')}"
            kind = {"type": s3.S3RequestType.DEFAULT, "operation_name": "ListObjectsV2"}
            self.request("GET", query, [], on_body=lambda chunk, body=body, **_: body.extend(chunk), **kind).result()
            yield from (key.decode() for key in KEY.findall(body))
            further = NEXT.search(body)
            if not further:
                return
            token = f"continuation-token={quote(further[1].decode(), safe='')}&"


def download(store: Store, prefix: str, folder: Path) -> None:
    begun = []
    for key in store.keys(f"{prefix}/"):
        path = str(folder / key.removeprefix(f"{prefix}/"))
        begun.append(store.request("GET", f"/{key}", [], type=s3.S3RequestType.GET_OBJECT, recv_filepath=path))
    for future in begun:
        future.result()


def upload(store: Store, prefix: str, folder: Path) -> None:
    where = s3.S3ChecksumLocation.TRAILER
    checksum = s3.S3ChecksumConfig(algorithm=s3.S3ChecksumAlgorithm.CRC64NVME, location=where)
    begun = []
    for path in sorted(folder.iterdir()):
        headers = [("Content-Length", str(path.stat().st_size)), ("Content-Type", "application/octet-stream")]
        what = {"type": s3.S3RequestType.PUT_OBJECT, "send_filepath": str(path), "checksum_config": checksum}
        begun.append(store.request("PUT", f"/{prefix}/{path.name}", headers, **what))
    for future in begun:
        future.result()


def main() -> None:
    direction, endpoint, bucket, prefix, folder = sys.argv[1:]
    move = download if direction == "down" else upload
    move(Store(endpoint, bucket), prefix, Path(folder))


main()
