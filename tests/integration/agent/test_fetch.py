"""Fetch against a real store: what lands where, what waits, what is refused."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

import pytest

from dev.s3 import NOBODY
from tests.integration.agent.pod import STOP
from tests.support.s3_proxy import S3Proxy

if TYPE_CHECKING:
    from dev.s3 import SeaweedFS
    from tests.integration.agent.pod import Pod

IN = "/opt/ml/processing/input"


def put(s3: Any, bucket: str, *keys: str, body: bytes | None = None) -> None:
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode() if body is None else body)


def test_everything_that_a_script_needs(pod: Pod, s3: Any, bucket: str) -> None:
    put(s3, bucket, "data/census.csv", "data/train/x/b.csv", "data/train/a b\n%20é.csv")
    s3.put_object(Bucket=bucket, Key="data/train/folder/", Body=b"")
    s3.put_object(Bucket=bucket, Key="data/train/empty", Body=b"")
    pod.input(f"s3://{bucket}/data/census.csv")
    pod.input(f"s3://{bucket}/data/train/", f"{IN}/train", "train")
    maps = "/run/processing/configmaps/2"
    pod.write(f"{maps}/..2026_01/run.py", b"print()")
    pod.path(f"{maps}/..data").symlink_to("..2026_01")
    pod.path(f"{maps}/run.py").symlink_to("..data/run.py")
    pod.plan["inputs"] += [
        {"name": "code", "path": f"{IN}/code", "configMap": {"name": "scripts", "dir": maps}},
        {"name": "cfg", "path": "/opt/ml/processing/cfg", "inline": {"a.json": "{}"}},
    ]
    pod.output(f"s3://{bucket}/out", "/opt/ml/model")
    pod.plan["directories"] += ["model", "input/data"]

    ended = pod.run("fetch")

    assert (ended.code, ended.reason) == (0, ""), ended.text
    assert pod.files("/opt/ml/processing") == {
        "cfg/a.json": b"{}",
        "input/census.csv": b"data/census.csv",
        "input/code/run.py": b"print()",
        "input/train/a b\n%20é.csv": "data/train/a b\n%20é.csv".encode(),
        "input/train/empty": b"",
        "input/train/x/b.csv": b"data/train/x/b.csv",
    }
    assert [i[0] for i in ended.items] == [1, 3, 1, 1]
    assert {i[2] for i in ended.items} == {"C"}
    assert pod.path(f"{IN}/train/folder").is_dir()
    assert not pod.path(f"{IN}/code/run.py").is_symlink()
    assert pod.path("/opt/ml/config/resourceconfig.json").read_bytes().strip() == (
        b'{"current_host": "algo-1", "hosts": ["algo-1"]}'
    )
    for directory in ("/opt/ml/output", "/opt/ml/model", "/opt/ml/input/data", f"{IN}/train/x"):
        assert stat.S_IMODE(pod.path(directory).stat().st_mode) == 0o2775
    assert pod.path(f"{IN}/census.csv").stat().st_mode & 0o200
    assert stat.S_IMODE(pod.path("/run/processing/control/lock").stat().st_mode) == 0o644
    assert stat.S_IMODE(pod.path("/run/processing/bin/launcher").stat().st_mode) == 0o755
    assert sorted(p.name for p in pod.path("/opt/ml").iterdir()) == [
        "config", "input", "model", "output", "processing",
    ]  # fmt: skip
    last = ended.progress[-1]
    assert (last["phase"], last["objects"], last["totalObjects"]) == ("Downloading", 4, 4)


def test_a_started_script_is_left_alone(pod: Pod) -> None:
    pod.write("/run/processing/control/started")
    pod.input("s3://nowhere/x")
    ended = pod.run("fetch")
    assert (ended.code, ended.result) == (0, {})
    assert list(pod.path("/opt/ml").iterdir()) == []


def test_siblings_by_name_are_taken_and_told(pod: Pod, s3: Any, bucket: str) -> None:
    put(s3, bucket, "data/train/a.csv", "data/train-x.csv")
    pod.input(f"s3://{bucket}/data/train")
    ended = pod.run("fetch")
    assert sorted(pod.files(IN)) == ["a.csv", "train-x.csv"]
    assert ended.result["errors"][0].startswith("warning: ")


def test_a_missing_secret_is_waited_for_by_name(pod: Pod) -> None:
    pod.path("/run/processing/credentials/AWS_SECRET_ACCESS_KEY").unlink()
    ended = pod.run("fetch")
    assert (ended.code, ended.reason) == (75, "SecretNotFound")
    assert "'keys'" in ended.message
    assert "AWS_SECRET_ACCESS_KEY" in ended.message


def test_a_missing_config_map_is_waited_for_by_name(pod: Pod) -> None:
    pod.plan["inputs"] = [{"name": "code", "path": IN, "configMap": {"name": "scripts", "dir": "/run/processing/cm"}}]
    ended = pod.run("fetch")
    assert (ended.code, ended.reason) == (75, "ConfigMapNotFound")
    assert "'scripts'" in ended.message


@pytest.mark.parametrize(
    ("key", "code", "reason", "words"),
    [
        ("", 75, "ConfigMapNotFound", "ConfigMap 'store-ca' of s3.caBundle is not there"),
        ("other", 75, "ConfigMapNotFound", "has no key 'ca.crt' (it has: other): add it"),
        ("ca.crt", 64, "StoreUnavailable", "key 'ca.crt' of ConfigMap 'store-ca' (s3.caBundle) holds no certificate"),
    ],
)
def test_a_missing_ca_bundle(pod: Pod, key: str, code: int, reason: str, words: str) -> None:
    """What is not there is waited for; what is no certificate will not become one."""
    pod.plan["s3"]["caBundle"] = {"configMap": "store-ca", "key": "ca.crt"}
    if key:
        pod.write(f"/run/processing/ca-bundle/{key}", b"none")
    ended = pod.run("fetch")
    assert (ended.code, ended.reason) == (code, reason)
    assert words in ended.message


def test_a_stop_before_the_script(pod: Pod, bucket: str) -> None:
    pod.input(f"s3://{bucket}/x")
    pod.signal(STOP)
    ended = pod.run("fetch")
    assert (ended.code, ended.reason) == (64, "StopRequested")


def test_a_stop_while_the_store_is_away(pod: Pod, store: SeaweedFS, s3: Any, bucket: str) -> None:
    put(s3, bucket, "a")
    pod.input(f"s3://{bucket}/a")
    with S3Proxy("127.0.0.1", store.address) as proxy:
        proxy.outage()
        pod.plan["s3"]["endpoint"] = proxy.endpoint
        process = pod.begin("fetch")
        assert process.stdout is not None
        assert b"StoreUnavailable, retrying" in process.stdout.readline()
        pod.signal(STOP)
        ended = pod.end(process)
    assert (ended.code, ended.reason) == (64, "StopRequested")


def test_what_is_not_there_is_told_apart(pod: Pod, s3: Any, bucket: str) -> None:
    put(s3, bucket, "a")
    for uri, keys, reason, code in (
        (f"s3://{bucket}/nothing", None, "InputNotFound", "nothing"),
        ("s3://no-such-bucket/x", None, "InputNotFound", "NoSuchBucket"),
        (f"s3://{bucket}/a", NOBODY, "InputAccessDenied", "HTTP 403, AccessDenied"),
        (f"s3://{bucket}/a", ("admin-key", "wrong-secret-value"), "InputAccessDenied", "SignatureDoesNotMatch"),
    ):
        pod.plan["inputs"] = []
        pod.input(uri)
        pod.credentials(keys)
        ended = pod.run("fetch")
        assert (ended.code, ended.reason) == (64, reason), ended.text
        assert code in ended.message
        assert ended.items == [(0, 0, "F")]
        assert not pod.files(IN)
        assert (keys or ("", "admin-secret"))[1] not in ended.text


def test_a_hostile_key_is_refused_before_a_byte_is_written(pod: Pod, store: SeaweedFS, s3: Any, bucket: str) -> None:
    put(s3, bucket, "d/aa", "d/XX/evil")
    pod.input(f"s3://{bucket}/d/")
    with S3Proxy("127.0.0.1", store.address) as proxy:
        proxy.rewrite = (b"d/XX/evil", b"d/../evil")
        pod.plan["s3"]["endpoint"] = proxy.endpoint
        ended = pod.run("fetch")
    assert (ended.code, ended.reason) == (64, "UnsafeKey"), ended.text
    assert "d/../evil" in ended.message
    assert not pod.files("/opt/ml/processing")


def test_keys_that_collide_are_refused(pod: Pod, s3: Any, bucket: str) -> None:
    put(s3, bucket, "f/a", "f/a-b", "f/a/b", "g/code/run.py")
    pod.input(f"s3://{bucket}/f/")
    ended = pod.run("fetch")
    assert (ended.code, ended.reason) == (64, "KeyCollision"), ended.text
    assert "f/a " in ended.message
    assert "f/a/b" in ended.message
    pod.plan["inputs"] = [{"name": "code", "path": f"{IN}/code", "inline": {"run.py": ""}}]
    pod.input(f"s3://{bucket}/g/")
    ended = pod.run("fetch")
    assert (ended.code, ended.reason) == (64, "KeyCollision"), ended.text
    assert "g/code/run.py" in ended.message


def test_an_unreadable_plan(pod: Pod) -> None:
    pod.plan = {"version": 2}
    ended = pod.run("fetch")
    assert (ended.code, ended.reason) == (64, "BadPlan")
    assert "version 2" in ended.message
