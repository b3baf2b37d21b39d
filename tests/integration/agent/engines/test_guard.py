"""Where a job's store must not be, and which keys it does not get: fetch and upload as they run in a Pod."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from processing_agent.credentials import Environment
from processing_agent.s3.addresses import NOT_INSIDE, NOT_ON_NODE
from processing_agent.s3.faults import Kind, StoreFault
from tests.integration.agent.engines.kinds import KINDS
from tests.integration.agent.engines.rig import Rig
from tests.integration.agent.pod import Ended, Pod
from tests.support.fault_server import FaultServer
from tests.support.key_services import TOKEN, KeyServices

# what the API refuses; a Pod whose API server had no policy has it all the same
SPELLED = [
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "169.254.43518",
    "[::ffff:169.254.169.254]",
]


@pytest.mark.parametrize("host", SPELLED)
def test_no_input_comes_from_the_node(pod: Pod, host: str) -> None:
    pod.plan["s3"]["endpoint"] = f"http://{host}"
    pod.input("s3://bucket/d/")
    ended = pod.run("fetch")
    assert (ended.code, ended.reason) == (64, "InputAccessDenied"), ended.text
    assert "is a link-local address or a metadata service, which a job's store must not have: give" in ended.message


def test_no_output_goes_to_the_node(pod: Pod) -> None:
    pod.plan["s3"]["endpoint"] = "http://169.254.169.254"
    pod.output("s3://bucket/r/")
    pod.script({"/opt/ml/processing/out/x": b"1"})
    ended = pod.run("upload")
    assert (ended.code, ended.reason) == (64, "UploadDenied"), ended.text
    assert "link-local" in ended.message


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names of the test's own, and their addresses."""
    names: dict[str, list[str]] = {}
    for module in ("_socket", "socket"):
        original = getattr(__import__(module), "getaddrinfo")  # noqa: B009 - see the next line

        def look_up(host: Any, port: Any, *arguments: Any, original: Any = original, **named: Any) -> Any:
            text = host.decode() if isinstance(host, bytes) else host
            if text not in names:
                return original(host, port, *arguments, **named)
            if named.get("flags"):
                raise socket.gaierror(socket.EAI_NONAME, "a name")
            return [answer for address in names[text] for answer in original(address, port, type=socket.SOCK_STREAM)]

        monkeypatch.setattr(f"{module}.getaddrinfo", look_up)
    return names


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_a_name_of_the_pod_itself(rig: Rig, server: FaultServer, resolved: dict[str, list[str]], address: str) -> None:
    """A name that has been given another address since the job was admitted."""
    resolved["s3.example.com"] = [address]
    rig.endpoint, rig.guard = f"http://s3.example.com:{server.server_address[1]}", NOT_INSIDE
    if address == "::1":
        with socket.create_server(("::1", server.server_address[1]), family=socket.AF_INET6):
            _is_refused(rig, address)
    else:
        _is_refused(rig, address)
    assert not server.seen()


def _is_refused(rig: Rig, address: str) -> None:
    with pytest.raises(StoreFault, match=r"s3\.example\.com \(.*\) is a loopback address") as fault:
        rig.download()
    assert (fault.value.kind, fault.value.bucket) == (Kind.DENIED, "bucket"), address


def test_a_store_on_loopback_is_a_test_s(rig: Rig, server: FaultServer) -> None:
    server.store.put("d/x", b"1")
    rig.guard = NOT_ON_NODE
    rig.download()
    assert rig.files == {"x": b"1"}


@pytest.mark.parametrize("identity", ["web identity"], indirect=True)
@pytest.mark.usefixtures("identity")
def test_the_sts_is_guarded_too(
    rig: Rig, services: KeyServices, no_keys: pytest.MonkeyPatch, resolved: dict[str, list[str]]
) -> None:
    resolved["sts.example.com"] = ["127.0.0.1"]
    no_keys.setenv("AWS_ENDPOINT_URL_STS", f"http://sts.example.com:{services.address[1]}")
    rig.keys, rig.guard = Environment(), NOT_INSIDE
    with pytest.raises(StoreFault, match=r"sts\.example\.com \(127\.0\.0\.1\) is a loopback address"):
        rig.download()
    assert not services.asked


def _fetch(pod: Pod, server: FaultServer, **s3: Any) -> Ended:
    server.store.put("d/x", b"1")
    del pod.plan["s3"]["secretName"]
    pod.plan["s3"] |= s3
    pod.input("s3://bucket/d/")
    return pod.run("fetch")


PROFILE = "[default]\naws_access_key_id = a\naws_secret_access_key = s\n"


def _given(kind: str, services: KeyServices, folder: Path) -> dict[str, str]:
    """The variables by which a platform, or a webhook, gives a Pod keys."""
    token, profile = folder / "token", folder / "profile"
    token.write_text(TOKEN)
    profile.write_text(PROFILE)
    if kind == "keys":
        return {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}
    if kind == "profile":
        return {"AWS_SHARED_CREDENTIALS_FILE": str(profile)}
    return services.settings(kind, str(token))


GIVEN = (*KINDS, "keys", "profile")


@pytest.mark.parametrize("kind", GIVEN)
def test_what_the_platform_gives_goes_to_no_other_store(
    pod: Pod, server: FaultServer, services: KeyServices, tmp_path: Path, kind: str
) -> None:
    pod.environment = _given(kind, services, tmp_path)
    ended = _fetch(pod, server, platformCredentials=False)
    assert (ended.code, ended.reason) == (64, "InputAccessDenied"), ended.text
    assert f"no credentials for {server.endpoint}: " in ended.message
    assert "set s3.secretName or s3.roleArn, or have the administrator list the endpoint in" in ended.message
    assert (services.asked, server.seen()) == ([], [])


@pytest.mark.parametrize("kind", GIVEN)
def test_what_the_platform_gives_goes_to_aws_and_to_whom_is_listed(
    pod: Pod, server: FaultServer, services: KeyServices, tmp_path: Path, kind: str
) -> None:
    pod.environment = _given(kind, services, tmp_path)
    ended = _fetch(pod, server, platformCredentials=True)
    assert (ended.code, ended.reason) == (0, ""), ended.text
    assert pod.files("/opt/ml/processing/input") == {"x": b"1"}


@pytest.mark.parametrize("more", GIVEN[1:])
def test_a_role_of_the_store_s_own(
    pod: Pod, server: FaultServer, services: KeyServices, tmp_path: Path, more: str
) -> None:
    """Whatever else a webhook puts there, the job's own token is what is exchanged, at the store's own STS."""
    token = pod.write("/run/processing/web-identity/token", TOKEN.encode())
    own = services.settings("web identity", str(token))
    pod.environment = {**_given(more, services, tmp_path), **own}
    ended = _fetch(pod, server, platformCredentials=False)
    assert (ended.code, ended.reason) == (0, ""), ended.text
    assert [asked.form["WebIdentityToken"] for asked in services.asked] == [TOKEN]


def test_outputs_that_nobody_may_send_are_told_before_the_script_runs(pod: Pod, server: FaultServer) -> None:
    del pod.plan["s3"]["secretName"]
    pod.output("s3://bucket/r/")
    ended = pod.run("fetch")
    assert (ended.code, ended.reason) == (64, "UploadDenied"), ended.text
    pod.script({"/opt/ml/processing/out/x": b"1"})
    ended = pod.run("upload")
    assert (ended.code, ended.reason) == (64, "UploadDenied"), ended.text
    assert "agent.platformCredentialEndpoints" in ended.message
    assert not server.seen()


def test_a_job_that_needs_no_store_needs_no_keys(pod: Pod) -> None:
    del pod.plan["s3"]["secretName"]
    pod.plan["inputs"].append({"name": "code", "path": "/opt/ml/processing/code", "inline": {"a.py": ""}})
    assert pod.run("fetch").code == 0
    pod.script()
    assert pod.run("upload").code == 0
