from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import certifi
import pytest

from processing_agent import staging
from processing_agent.layout import Layout, below_workspace
from processing_agent.notify import Directories, Sigterm, StopWatch
from processing_agent.paths import Beneath
from processing_agent.plan import ConfigMapSource, Input, parse_plan
from processing_agent.s3.collisions import KeyCollision
from processing_agent.s3.names import UnsafeKey
from tests.integration.agent.pod import STOP
from tests.unit.agent.test_plan import WHOLE

if TYPE_CHECKING:
    from pathlib import Path


def config_map(**more: Any) -> Input:
    return Input("code", "/opt/ml/x", "x", config_map=ConfigMapSource("scripts", "/run/cm"), **more)


def test_only_the_keys_of_the_kubelet_s_tree(tmp_path: Path) -> None:
    tree = tmp_path / "run/cm/..2026"
    tree.mkdir(parents=True)
    (tree / "run.py").write_text("x")
    (tmp_path / "run/cm/..data").symlink_to("..2026")
    (tmp_path / "run/cm/run.py").symlink_to("..data/run.py")
    assert [key for key, _ in staging.config_map_keys(Layout(tmp_path), config_map())] == ["run.py"]


@pytest.mark.parametrize("exists", [True, False])
def test_no_keys_means_not_there_yet(tmp_path: Path, exists: bool) -> None:
    if exists:
        (tmp_path / "run/cm").mkdir(parents=True)
    with pytest.raises(staging.MissingConfigMap, match="'scripts'"):
        staging.config_map_keys(Layout(tmp_path), config_map())


STORE = {**WHOLE["s3"], "caBundle": {"configMap": "store-ca", "key": "ca.crt"}}
PLAN = parse_plan(json.dumps({**WHOLE, "s3": STORE}))
BUNDLES = [
    # the ConfigMap's keys, what is raised, a word of it
    ({}, staging.MissingConfigMap, "'store-ca' of s3.caBundle is not there"),
    ({"tls.crt": b"x", "a.pem": b"x"}, staging.MissingConfigMap, r"no key 'ca.crt' \(it has: a.pem, tls.crt\)"),
    ({"ca.crt": b""}, staging.NoCertificate, "'ca.crt' of ConfigMap 'store-ca'"),
    ({"ca.crt": b"-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n"}, staging.NoCertificate, "PEM"),
    ({"ca.crt": b"0\x82\x01\x0a"}, staging.NoCertificate, "PEM"),
]


@pytest.mark.parametrize(("keys", "error", "word"), BUNDLES)
def test_ca_bundle_that_is_none(tmp_path: Path, keys: dict[str, bytes], error: type[Exception], word: str) -> None:
    layout = Layout(tmp_path)
    layout.ca_bundle.mkdir(parents=True)
    for key, content in keys.items():
        (layout.ca_bundle / key).write_bytes(content)
    with pytest.raises(error, match=word):
        staging.check_ca_bundle(layout, PLAN)


def test_ca_bundle_that_is_one(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.ca_bundle.mkdir(parents=True)
    shutil.copy(certifi.where(), layout.ca_bundle / "ca.crt")
    staging.check_ca_bundle(layout, PLAN)


@pytest.mark.parametrize("name", ["../x", "/x", "", "a//b"])
def test_inline_names_are_checked(name: str) -> None:
    with pytest.raises(UnsafeKey, match="'cfg'"):
        staging.inline_files(Input("cfg", "/opt/ml/cfg", "cfg", inline={name: ""}))


@pytest.mark.parametrize("obstacle", ["file", "link", "pipe"])
def test_what_is_mounted_is_a_directory(tmp_path: Path, obstacle: str) -> None:
    plan = parse_plan(json.dumps({**WHOLE, "directories": ["config", "input/data", "processing"]}))
    workspace = Beneath(tmp_path)
    staging.make_directories(plan, workspace)
    assert (tmp_path / "input/data").stat().st_mode & 0o7777 == 0o2775
    (tmp_path / "input/data").rmdir()
    if obstacle == "file":
        (tmp_path / "input/data").write_text("x")
    elif obstacle == "link":
        (tmp_path / "input/data").symlink_to(tmp_path / "config")
    else:
        os.mkfifo(tmp_path / "input/data")
    with pytest.raises(KeyCollision, match="/opt/ml/input/data is to be a directory"):
        staging.make_directories(plan, workspace)


def test_paths_below_the_workspace() -> None:
    assert below_workspace("/opt/ml/processing/x/") == "processing/x"
    for path in ("/opt/ml", "/opt/mlx/a", "x"):
        with pytest.raises(ValueError, match="not below"):
            below_workspace(path)


def test_a_renamed_link_is_noticed_at_once(tmp_path: Path) -> None:
    stopped = threading.Event()
    with StopWatch(tmp_path, stopped.set):
        (tmp_path / "new").write_text(STOP)
        time.sleep(0.1)
        assert not stopped.is_set()
        (tmp_path / "new").rename(tmp_path / "signal")
        assert stopped.wait(5)


def test_a_watch_ends_with_its_phase(tmp_path: Path) -> None:
    stopped = threading.Event()
    before = threading.active_count()
    with StopWatch(tmp_path, stopped.set):
        pass
    assert threading.active_count() == before
    assert not stopped.is_set()


def test_a_sigterm_is_handled_while_its_lock_is_held() -> None:
    handled = threading.Event()
    lock = threading.Lock()

    def handle() -> None:
        with lock:
            handled.set()

    before = signal.getsignal(signal.SIGTERM)
    with Sigterm(handle):
        with lock:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.05)
            assert not handled.is_set()
        assert handled.wait(5)
    assert signal.getsignal(signal.SIGTERM) is before


def test_waiting_has_an_end(tmp_path: Path) -> None:
    directories = Directories([tmp_path, tmp_path / "missing"])
    assert not directories.until(lambda: False, time.time() + 0.05)
    assert directories.until(lambda: True, 0.0)
    directories.close()
