"""One server of faults and one rig for each test; the engine's waits are shortened."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.loaders import create_loader

from processing_agent.credentials import Environment
from tests.integration.agent.engines.kinds import KINDS
from tests.integration.agent.engines.rig import Rig
from tests.integration.agent.pod import Pod
from tests.support.engines import shorten
from tests.support.fault_server import FaultServer
from tests.support.key_services import TOKEN, KeyServices


@pytest.fixture(scope="session", autouse=True)
def one_description_of_s3() -> Iterator[None]:
    """Let boto3 read its description of S3 once a process, and not for each client: it costs more than most tests."""
    loader = create_loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", lambda _=None: loader)
        yield


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as made:
        yield made


@pytest.fixture
def impatience(engine_name: str) -> Iterator[pytest.MonkeyPatch]:
    """The shortened waits; `undo` gives the engine its own back."""
    with pytest.MonkeyPatch.context() as patch:
        shorten(engine_name, patch)
        yield patch


@pytest.fixture
def rig(server: FaultServer, tmp_path: Path, impatience: pytest.MonkeyPatch) -> Rig:
    return Rig(server, tmp_path / "rig", impatience)


@pytest.fixture
def services() -> Iterator[KeyServices]:
    with KeyServices() as made:
        yield made


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without keys, profiles and proxies."""
    for name in os.environ:
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    return monkeypatch


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    return path


@pytest.fixture(params=KINDS)
def identity(
    request: pytest.FixtureRequest, services: KeyServices, token_file: Path, no_keys: pytest.MonkeyPatch, rig: Rig
) -> str:
    """A kind of credentials, set up; the rig's engine looks for its keys in the environment."""
    for name, value in services.settings(request.param, str(token_file)).items():
        no_keys.setenv(name, value)
    rig.keys = Environment()
    return str(request.param)


@pytest.fixture
def pod(server: FaultServer, tmp_path: Path) -> Iterator[Pod]:
    """A Pod whose store is the server of faults."""
    with contextlib.closing(Pod(tmp_path / "pod", server.endpoint)) as made:
        yield made
