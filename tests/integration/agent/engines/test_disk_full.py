"""A disk that is full, although the listing promised that it would not be: by name, and no half file."""

from __future__ import annotations

import pytest

from tests.integration.agent.engines.rig import BUCKET
from tests.integration.agent.pod import Pod
from tests.support.fault_server import FaultServer, Pattern, faults

MIB = 1 << 20
IN = "/opt/ml/processing/input"


@pytest.mark.parametrize("size", [6 * MIB, 20 * MIB], ids=["small", "large"])
def test_an_object_that_has_grown_since_the_listing(pod: Pod, server: FaultServer, size: int) -> None:
    server.store.put("d/a", b"fits")
    server.store.put("d/x", b"fits when it is listed")
    server.inject(faults.overtaken(lambda: server.store.put("d/x", Pattern(size))), "ListObjectsV2")
    if size > 8 * MIB:  # that it is fetched in ranges is decided by the listing
        server.store.put("d/x", bytes(9 * MIB))
    pod.input(f"s3://{BUCKET}/d/")
    disk = pod.path("/opt/ml")
    limit = "4m" if size < 8 * MIB else "12m"
    kept = pod.root / "kept"
    script = f'mount -t tmpfs -o size={limit} tmpfs {disk} && "$@"; code=$?; cp -a {disk} {kept}; exit $code'
    ended = pod.end(pod.begin("fetch", "unshare", "-m", "sh", "-c", script, "sh"))
    assert (ended.code, ended.reason) == (64, "DiskFull"), ended.text
    assert "d/x" in ended.message
    assert {path.name for path in (kept / "processing" / "input").rglob("*")} <= {"a"}
