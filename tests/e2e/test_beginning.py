"""What holds a job's beginning back: a Pod of the one before, somebody else's gate, a Pod that somebody has forged."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dev.job_namespace import IMAGE
from tests.support.admission import mutated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dev.cluster.client import Object
    from tests.e2e.space import Space

OUT = "/opt/ml/processing/out"
GATE = "queue.example.com/admitted"
UNWILLING = f"trap '' TERM; echo one > {OUT}/result; echo one > {OUT}/first; touch /tmp/up; while :; do sleep 0.2; done"


def test_a_job_made_again_waits_for_the_upload_of_the_one_before(space: Space) -> None:
    """Deleted and applied anew, as `kubectl replace --force` does it: both upload to one place, one after the other."""
    outputs = [space.output("out")]
    space.apply("again", UNWILLING, outputs=outputs, timeouts={"stopGraceSeconds": 6})
    old = space.container_running("again", "script")["metadata"]
    space.exec(old["name"], "script", "sh", "-c", "until [ -e /tmp/up ]; do sleep 0.1; done")
    space.delete_job("again")
    space.apply("again", f"echo two > {OUT}/result", outputs=outputs)
    job = space.wait("again", "Waiting")
    assert job["status"]["reason"] == "PredecessorUploads"
    assert f"Pod {old['name']} of a deleted job of this name is still uploading" in job["status"]["message"]
    assert [pod["metadata"]["uid"] for pod in space.pods_of("again")] == [old["uid"]]
    space.ended("again", "Completed")
    assert (space.read("out/out/first"), space.read("out/out/result")) == (b"one\n", b"two\n")


def test_gates_of_others_are_left_alone_and_their_time_does_not_count(space: Space) -> None:
    with gated(space):
        space.apply(
            "queued", f"echo done > {OUT}/result", outputs=[space.output("out")], timeouts={"pendingSeconds": 15}
        )
        job = space.wait_for("queued", lambda job: job.get("status", {}).get("reason") == "SchedulingGated", "gated")
        assert GATE in job["status"]["message"]
        time.sleep(16)  # longer than pendingSeconds; that nothing happens is what is tested
        pod = space.pod_of("queued")
        assert pod["spec"]["schedulingGates"] == [{"name": GATE}], "ours is gone, theirs is not"
        assert space.job("queued")["status"]["state"] == "Pending"
        space.cluster.patch(f"{space.pods}/{pod['metadata']['name']}", {"spec": {"schedulingGates": []}})
        space.ended("queued", "Completed")


@contextmanager
def gated(space: Space) -> Iterator[None]:
    """As a queue does it: every new Pod of the namespace gets its gate."""
    change = (
        f'JSONPatch{{op: "add", path: "/spec/schedulingGates/-", value: Object.spec.schedulingGates{{name: "{GATE}"}}}}'
    )
    with mutated(
        space.cluster,
        space.namespace,
        {"patchType": "JSONPatch", "jsonPatch": {"expression": f"[{change}]"}},
        when="has(object.spec.schedulingGates)",
        bare=bare_pod("try", gates=["example.com/try"]),
        changed=lambda pod: {"name": GATE} in pod["spec"]["schedulingGates"],
    ):
        yield


def bare_pod(name: str, *, gates: list[str]) -> Object:
    return {
        "metadata": {"name": name},
        "spec": {
            "schedulingGates": [{"name": gate} for gate in gates],
            "securityContext": {"runAsNonRoot": True, "runAsUser": 1, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "script",
                    "image": IMAGE,
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
        },
    }


def test_a_forged_pod_is_not_taken_for_the_jobs_own(space: Space) -> None:
    """Who may create Pods makes one that looks like a waiting job's: if taken, the job would end without running."""
    quota = f"/api/v1/namespaces/{space.namespace}/resourcequotas"
    space.cluster.create(quota, {"metadata": {"name": "none"}, "spec": {"hard": {"requests.cpu": "0"}}})
    space.apply("victim", f"echo mine > {OUT}/result", outputs=[space.output("out")])
    job = space.wait_for("victim", lambda job: job.get("status", {}).get("reason") == "QuotaExceeded", "refused")
    forged = forge(job)
    space.cluster.create(space.pods, forged)
    space.cluster.delete(f"{quota}/none")
    space.ended("victim", "Completed")
    assert space.read("out/out/result") == b"mine\n"
    assert space.job("victim")["status"]["attempts"] == 1


def forge(job: Object) -> Object:
    """The next attempt's Pod, by name, labels, owner and gate; its only container does nothing."""
    meta = job["metadata"]
    uid, name = meta["uid"], f"{meta['name']}-{meta['uid'][:8]}-1-0"
    pod = bare_pod(name, gates=["processing-operator.dev/recorded"])
    labels = {"job": meta["name"], "uid": uid, "attempt": "1", "index": "0"}
    owner = {"apiVersion": job["apiVersion"], "kind": job["kind"], "name": meta["name"], "uid": uid, "controller": True}
    pod["metadata"] |= {
        "labels": {f"processing-operator.dev/{label}": value for label, value in labels.items()},
        "ownerReferences": [owner],
    }
    pod["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "0"}}
    return pod
