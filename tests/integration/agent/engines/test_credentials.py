"""Where keys may come from besides a Secret: the environment, a Pod's identity, an instance's role, a web identity."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from processing_agent.credentials import Environment
from processing_agent.watch import TimeUp
from tests.integration.agent.engines.kinds import TOKENS, every
from tests.integration.agent.engines.rig import Rig
from tests.support.fault_server import FaultServer, Pattern, faults
from tests.support.key_services import ROLE, TOKEN, KeyServices

MIB = 1 << 20
KEPT = "boto3 goes on for 10 minutes with an instance's expiring keys"


def used(server: FaultServer, operation: str = "") -> list[str]:
    """Give the access keys of the requests, in order."""
    return [seen.request.scope[0] for seen in server.seen(operation)]


@pytest.mark.usefixtures("identity")
def test_keys_come_from_the_pod_s_identity(rig: Rig, server: FaultServer, services: KeyServices) -> None:
    server.store.put("d/x", b"1")
    rig.download()
    assert rig.files == {"x": b"1"}
    assert set(used(server)) == {"key-1"}
    assert {seen.request.headers["x-amz-security-token"] for seen in server.seen()} == {"token"}
    assert services.issued == 1, "asked once, not once a request"


@every(KEPT, AssertionError, "instance")
@pytest.mark.usefixtures("identity")
def test_keys_are_renewed_before_they_expire(rig: Rig, server: FaultServer, services: KeyServices) -> None:
    services.lasts = timedelta(seconds=90)  # too short to begin anything with
    server.store.put("d/x", b"1")
    server.inject(faults.first(lambda: setattr(services, "lasts", timedelta(hours=6))), "ListObjectsV2")
    rig.download()
    assert used(server, "ListObjectsV2")[0] != used(server, "GetObject")[0]


@pytest.mark.usefixtures("identity")
def test_keys_that_expire_amid_many_objects(rig: Rig, server: FaultServer, services: KeyServices) -> None:
    content = {f"{n}": b"%d" % n for n in range(40)}
    for name, data in content.items():
        server.store.put(f"d/{name}", data)
    server.inject(faults.expired("key-1"), "GetObject", nth=11, times=float("inf"))
    rig.download()
    assert rig.files == content
    assert services.issued == 2, "one asks for all"
    assert sum(seen.whole for seen in server.seen("GetObject")) == len(content), "nothing is fetched twice"


@pytest.mark.usefixtures("identity")
def test_keys_that_expire_amid_one_object(rig: Rig, server: FaultServer, services: KeyServices) -> None:
    content = Pattern(90 * MIB)
    server.store.put("d/x", content)
    server.inject(faults.expired("key-1"), "GetObject", nth=3, times=float("inf"))
    rig.download()
    assert rig.files["x"] == content[0 : len(content)]
    assert services.issued == 2
    assert set(used(server, "GetObject")) == {"key-1", "key-2"}


@pytest.mark.usefixtures("identity")
def test_keys_that_expire_amid_an_upload(rig: Rig, server: FaultServer, services: KeyServices) -> None:
    large = Pattern(40 * MIB)[0 : 40 * MIB]
    server.inject(faults.expired("key-1"), "UploadPart", nth=2, times=float("inf"))
    server.inject(faults.expired("key-1"), "PutObject", nth=2, times=float("inf"))
    tally = rig.upload({"large": large, "a": b"1", "b": b"2", "c": b"3"})
    assert not tally.items[0].faults
    assert (rig.sent("large") == large, rig.sent("c")) == (True, b"3")
    assert not server.uploads.open
    assert services.issued == 2


@pytest.mark.differs(
    "reference", "boto3 keeps its keys to itself: they are asked for anew with each try", AssertionError
)
@pytest.mark.parametrize("identity", ["web identity"], indirect=True)
@pytest.mark.usefixtures("identity")
def test_a_store_that_calls_all_keys_expired(rig: Rig, server: FaultServer, services: KeyServices) -> None:
    rig.within = 2
    server.always(faults.refused(400, "ExpiredToken"))
    with pytest.raises(TimeUp):
        rig.download()
    assert "ExpiredToken" in str(rig.tally.outage)
    assert services.issued < len(server.seen()), "new keys are not asked for with each request"


@pytest.mark.parametrize("identity", TOKENS, indirect=True)
@pytest.mark.usefixtures("identity")
def test_a_token_that_was_rotated(rig: Rig, server: FaultServer, services: KeyServices, token_file: Path) -> None:
    server.store.put("d/x", b"1")

    def rotate() -> None:
        token_file.write_text("another")

    server.inject(faults.first(rotate), "ListObjectsV2")
    server.always(faults.expired("key-1"), "GetObject")
    rig.download()
    assert [asked.token for asked in services.asked] == [TOKEN, "another"]


@pytest.mark.parametrize("identity", ["web identity"], indirect=True)
@pytest.mark.usefixtures("identity")
def test_what_sts_is_asked(rig: Rig, server: FaultServer, services: KeyServices, no_keys: pytest.MonkeyPatch) -> None:
    no_keys.setenv("AWS_ROLE_SESSION_NAME", "mine")
    server.store.put("d/x", b"1")
    rig.download()
    (asked,) = services.asked
    assert (asked.method, asked.path) == ("POST", "/")
    assert asked.form == {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": ROLE,
        "RoleSessionName": "mine",
        "WebIdentityToken": TOKEN,
    }
    assert "authorization" not in asked.headers, "nothing is signed: there is nothing yet to sign with"


@pytest.mark.parametrize("engine_name", ["fast"], indirect=True)
@pytest.mark.usefixtures("identity")
def test_botocore_is_not_loaded(server: FaultServer, tmp_path: Path) -> None:
    server.store.put("d/x", b"1")
    arguments = f"'s3://bucket/d/', {str(tmp_path / 'out')!r}, endpoint={server.endpoint!r}"
    program = f"import sys; from processing_agent import copy; copy.download({arguments}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert (tmp_path / "out" / "x").read_bytes() == b"1"
    assert not {"botocore", "boto3", "urllib3"} & set(done.stdout.split())


def test_keys_of_the_environment_come_first(rig: Rig, server: FaultServer, no_keys: pytest.MonkeyPatch) -> None:
    no_keys.setenv("AWS_ACCESS_KEY_ID", "plain")
    no_keys.setenv("AWS_SECRET_ACCESS_KEY", "s")
    no_keys.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere")
    rig.keys = Environment()
    server.store.put("d/x", b"1")
    rig.download()
    assert set(used(server)) == {"plain"}


@pytest.mark.parametrize("named", ["AWS_PROFILE", ""])
def test_a_profile(rig: Rig, server: FaultServer, no_keys: pytest.MonkeyPatch, tmp_path: Path, named: str) -> None:
    path, profile = tmp_path / "credentials", "other" if named else "default"
    path.write_text(f"[{profile}]\naws_access_key_id = of-{profile}\naws_secret_access_key = s\n")
    no_keys.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    if named:
        no_keys.setenv(named, profile)
    rig.keys = Environment()
    server.store.put("d/x", b"1")
    rig.download()
    assert set(used(server)) == {f"of-{profile}"}
