from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.cli.fake_api import FakeApi, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_configure(config: pytest.Config) -> None:
    """Import the whole client before the command line takes a part of it (lean_imports.py), if others may need it."""
    if not all("unit" in Path(arg).parts for arg in config.args):
        import_module("kubernetes")


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    """A fake API server that the kubeconfig in use points to."""
    fake = FakeApi()
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("processing_operator_cli.podlogs._PAUSE_SECONDS", 0.05)
    with serving(fake, tmp_path / "kubeconfig"):
        yield fake
