"""The library obstore as one would use it: python with_obstore.py down|up ENDPOINT BUCKET PREFIX FOLDER."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import obstore
from obstore import Bytes
from obstore.store import S3Store

AT_ONCE = 64
RANGE = 16 << 20


def connect(endpoint: str, bucket: str) -> S3Store:
    settings: dict[str, Any] = {"allow_http": True}
    if endpoint.startswith("https:"):
        settings["root_certificate"] = Path(os.environ["AWS_CA_BUNDLE"]).read_text()
    return S3Store(bucket, endpoint=endpoint, virtual_hosted_style_request=False, client_options=settings)


async def fetch_small(store: S3Store, key: str, path: Path, gate: asyncio.Semaphore) -> None:
    async with gate:
        answer = await obstore.get_async(store, key)
        keep(path, await answer.bytes_async())


def keep(path: Path, data: Bytes) -> None:
    """Write in the loop's own thread: to memory that is quicker than to hand it to another."""
    path.write_bytes(data)


async def fetch_large(store: S3Store, key: str, path: Path, size: int, gate: asyncio.Semaphore) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.ftruncate(file, size)

    async def piece(start: int) -> None:
        async with gate:
            length = min(RANGE, size - start)
            os.pwrite(file, await obstore.get_range_async(store, key, start=start, length=length), start)

    async with asyncio.TaskGroup() as tasks:
        for start in range(0, size, RANGE):
            tasks.create_task(piece(start))
    os.close(file)


async def download(store: S3Store, prefix: str, folder: Path) -> None:
    small, large = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(8)
    async with asyncio.TaskGroup() as tasks:
        async for page in obstore.list(store, f"{prefix}/"):
            for found in page:
                key, size = found["path"], found["size"]
                path = folder / key.removeprefix(f"{prefix}/")
                if size <= RANGE:
                    tasks.create_task(fetch_small(store, key, path, small))
                else:
                    tasks.create_task(fetch_large(store, key, path, size, large))


async def upload(store: S3Store, prefix: str, folder: Path) -> None:
    paths = [Path(entry) for entry in os.scandir(folder)]
    gate = asyncio.Semaphore(AT_ONCE)

    async def put(path: Path) -> None:
        async with gate:
            await obstore.put_async(store, f"{prefix}/{path.name}", path, chunk_size=RANGE)

    async with asyncio.TaskGroup() as tasks:
        for path in paths:
            tasks.create_task(put(path))


def main() -> None:
    direction, endpoint, bucket, prefix, folder = sys.argv[1:]
    move = download if direction == "down" else upload
    asyncio.run(move(connect(endpoint, bucket), prefix, Path(folder)))
    # obstore's threads outlive the loop; one run in twelve was aborted by them (SIGABRT) when Python ended in order
    os._exit(0)


main()
