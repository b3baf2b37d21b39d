"""What a job must not reach or be: the dev store's inner ports, its own Pod as a store, root's groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dev.cluster.client import ApiError

if TYPE_CHECKING:
    from tests.e2e.space import Space

STORE = "/api/v1/namespaces/dev-s3/pods"
# each port of an address, a thousand at once; a refusal comes at once, a silent one counts as closed
SCAN = """
import asyncio, sys
async def answers(port, gate):
    async with gate:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(sys.argv[1], port), 2)
        except (OSError, asyncio.TimeoutError):
            return False
        writer.close()
        return True
async def scan():
    gate, ports = asyncio.Semaphore(500), range(1, 65536)
    found = await asyncio.gather(*(answers(port, gate) for port in ports))
    return [port for port, open_ in zip(ports, found) if open_]
print(*asyncio.run(scan()), file=open('/opt/ml/output/message', 'w'))
"""


def test_other_pods_reach_nothing_of_the_dev_store_but_s3(space: Space) -> None:
    (pod,) = space.cluster.items(STORE, labelSelector="app.kubernetes.io/name=dev-s3")
    command = ["/opt/venv/bin/python", "-c", SCAN, pod["status"]["podIP"]]
    space.apply("scan", "", command=command, timeouts={"runSeconds": 120})
    assert space.ended("scan", "Completed")["exitMessage"].split() == ["8333"]


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:8333", "http://2852039166", "http://[::ffff:a9fe:a9fe]"])
def test_the_api_server_refuses_the_pod_itself_as_a_store(space: Space, endpoint: str) -> None:
    with pytest.raises(ApiError, match="must not be a loopback or link-local address"):
        space.apply("inside", "true", s3={"endpoint": endpoint})


def test_the_platform_s_keys_are_not_for_the_store(space: Space) -> None:
    s3 = {"endpoint": space.endpoint}
    space.apply("keyless", "true", s3=s3, inputs=[space.input("in", "in", space.put("x", "1"))])
    status = space.ended("keyless", "Failed", "InputAccessDenied")
    assert "set s3.secretName or s3.roleArn" in status["message"]


@pytest.mark.parametrize("field", ["runAsUser", "runAsGroup", "fsGroup"])
def test_root_is_refused(space: Space, field: str) -> None:
    space.apply("root", "true", securityContext={field: 0})
    assert f"spec.securityContext.{field}: must not be 0" in space.ended("root", "Failed", "InvalidPod")["message"]


def test_the_job_s_groups_are_its_own(space: Space) -> None:
    space.apply("groups", "id -G > /opt/ml/output/message")
    assert space.ended("groups", "Completed")["exitMessage"].split() == ["1000"]
