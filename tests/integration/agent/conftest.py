"""One SeaweedFS a pytest worker; a bucket and a Pod of its own for each test, and each test for every engine."""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from dev.s3 import SeaweedFS
from tests.integration.agent.pod import Pod
from tests.support.engines import ENGINES, VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=ENGINES, autouse=True)
def engine_name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(VARIABLE, request.param)
    return str(request.param)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    with SeaweedFS(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture(scope="session")
def s3(store: SeaweedFS) -> Any:
    return store.client()


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"t-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def pod(store: SeaweedFS, tmp_path: Path) -> Iterator[Pod]:
    with contextlib.closing(Pod(tmp_path / "pod", store.endpoint)) as made:
        yield made
